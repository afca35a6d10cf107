//! Whole models: imported, optimised, compared with themselves. Rules one by one are in the files below.

mod build;
mod float;
mod integer;
mod layout;
mod patterns;

use std::path::PathBuf;

use redpoll_graph::{DType, Data, Graph, Op, Tensor, eval};
use redpoll_onnx::{Limits, Model};

use super::optimize;
use crate::import::{ImportOptions, import};
use crate::{Imported, Optimized};

/// Folder of the shared models.
fn models() -> PathBuf {
    match std::env::var_os("REDPOLL_SHARED") {
        Some(folder) => PathBuf::from(folder).join("models"),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models"),
    }
}

/// Imports and optimises a shared model, or one of our own; `None` where it is absent.
fn load(name: &str) -> Option<(Imported, Optimized)> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let path = match name.strip_prefix("own/") {
        Some(name) => own.join(name),
        None => models().join(name),
    };
    if !path.exists() {
        println!("skipped: {name} not present");
        return None;
    }
    let model = Model::read(&path, &Limits::default()).expect("readable");
    let imported = import(&model, &ImportOptions::default()).expect("importable");
    let optimized = optimize(imported.clone()).expect("optimisable");
    Some((imported, optimized))
}

/// Numbers of no pattern in −1..1 (floats) or in the type's range, the same each time.
pub(super) fn noise(graph: &Graph) -> Vec<Tensor> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as u32
    };
    let unit = |r: u32| r as f32 / (1 << 23) as f32 - 1.0;
    graph
        .inputs
        .iter()
        .map(|&id| {
            let value = graph.value(id);
            let n = value.len();
            let data = match value.dtype {
                DType::F32 => Data::F32((0..n).map(|_| unit(next())).collect()),
                DType::I8 => Data::I8((0..n).map(|_| next() as i8).collect()),
                DType::U8 => Data::U8((0..n).map(|_| next() as u8).collect()),
                DType::I32 => Data::I32((0..n).map(|_| (next() % 257) as i32).collect()),
                DType::I64 => Data::I64((0..n).map(|_| i64::from(next() % 257)).collect()),
                DType::Bool => Data::Bool((0..n).map(|_| next() % 2 == 0).collect()),
            };
            Tensor::new(value.shape.clone(), data).expect("as many as the shape says")
        })
        .collect()
}

/// The elements as floats, of whatever type they are.
fn floats(t: &Tensor) -> Vec<f32> {
    match t.data() {
        Data::F32(v) => v.clone(),
        Data::I8(v) => v.iter().map(|&x| x.into()).collect(),
        Data::U8(v) => v.iter().map(|&x| x.into()).collect(),
        Data::I32(v) => v.iter().map(|&x| x as f32).collect(),
        Data::I64(v) => v.iter().map(|&x| x as f32).collect(),
        Data::Bool(v) => v.iter().map(|&x| f32::from(u8::from(x))).collect(),
    }
}

/// Largest difference relative to the largest magnitude of the reference.
pub(super) fn difference(got: &Tensor, want: &Tensor) -> f32 {
    assert_eq!((got.shape(), got.dtype()), (want.shape(), want.dtype()));
    let (got, want) = (floats(got), floats(want));
    let scale = want.iter().fold(0f32, |m, v| m.max(v.abs())).max(1e-6);
    let worst = got
        .iter()
        .zip(&want)
        .fold(0f32, |m, (a, b)| m.max((a - b).abs()));
    worst / scale
}

fn transposes(graph: &Graph) -> usize {
    let is_one = |op: &Op| matches!(op, Op::Transpose { .. });
    graph.nodes.iter().filter(|n| is_one(&n.op)).count()
}

/// Imports and optimises; as many transpositions are left as `left` says, and each reads an input of the model.
fn optimizes(name: &str, left: usize) {
    let Some((_, optimized)) = load(name) else {
        return;
    };
    let graph = optimized.graph();
    assert_eq!(transposes(graph), left, "{graph}");
    for node in &graph.nodes {
        if let Op::Transpose { .. } = node.op {
            let read = graph.nodes.iter().find(|n| n.output == node.inputs[0]);
            let source = match read {
                Some(n) if n.op == Op::Quantize => n.inputs[0],
                _ => node.inputs[0],
            };
            assert!(graph.inputs.contains(&source), "{graph}");
        }
        assert!(!matches!(node.op, Op::BatchNorm { .. }), "{graph}");
    }
}

/// The optimised graph computes what the imported one does.
fn agrees(name: &str) {
    let Some((imported, optimized)) = load(name) else {
        return;
    };
    let inputs = noise(imported.graph());
    let want = eval::run(imported.graph(), &inputs).expect("runs");
    let got = eval::run(optimized.graph(), &inputs).expect("runs");
    for (got, want) in got.iter().zip(&want) {
        let difference = difference(got, want);
        println!("{name}: {difference:e}");
        assert!(difference <= 1e-4, "{name}: {difference}");
    }
}

#[test]
fn float_models_have_no_transposition_inside() {
    optimizes("kws/tiny_kws_f32.onnx", 0);
    optimizes("kws/tiny_sww_f32.onnx", 0);
    optimizes("vision/tiny_vww_f32.onnx", 0);
    optimizes("vision/tiny_ic_resnet8_f32.onnx", 0);
    optimizes("vision/mobilenet_v1_025_f32.onnx", 0);
    optimizes("vision/mobilenet_v2_f32.onnx", 1);
    optimizes("vision/efficientnet_lite0_f32.onnx", 1);
    optimizes("vision/yunet_n_320_f32.onnx", 1);
    optimizes("anomaly/tiny_ad_f32.onnx", 0);
    optimizes("vad/pulsevad_f32.onnx", 1);
    optimizes("wake/speech_embedding_f32.onnx", 0);
    optimizes("text/magika_f32.onnx", 0);
    optimizes("own/fashion/fashion.onnx", 0);
}

/// No float step lies between the first quantisation and the last dequantisation.
fn stays_integer(name: &str, float_nodes: usize) {
    let Some((_, optimized)) = load(name) else {
        return;
    };
    assert!(optimized.is_quantized());
    let graph = optimized.graph();
    let is_float = |n: &&redpoll_graph::Node| {
        n.op == Op::Quantize || graph.value(n.output).dtype == DType::F32
    };
    assert_eq!(
        graph.nodes.iter().filter(is_float).count(),
        float_nodes,
        "{graph}"
    );
}

#[test]
fn printed_graphs_of_small_models() {
    for (name, snapshot) in [
        ("anomaly/tiny_ad_f32.onnx", "model_tiny_ad"),
        ("own/fashion/fashion.onnx", "model_fashion"),
        ("vad/pulsevad_int8_qdq.onnx", "model_pulsevad_int8"),
    ] {
        if let Some((_, optimized)) = load(name) {
            insta::assert_snapshot!(snapshot, optimized.graph());
        }
    }
}

#[test]
fn quantised_models_stay_integer() {
    optimizes("vision/tiny_ic_resnet8_int8_qdq.onnx", 0);
    stays_integer("vision/tiny_ic_resnet8_int8_qdq.onnx", 0);
    optimizes("vad/pulsevad_int8_qdq.onnx", 1);
    stays_integer("vad/pulsevad_int8_qdq.onnx", 2);
}

/// Integer arithmetic against dequantised float, in steps of the output: ties may round the other way on the way.
#[test]
fn quantised_models_compute_the_same() {
    for (name, steps) in [
        ("vision/tiny_ic_resnet8_int8_qdq.onnx", 1.0),
        ("vad/pulsevad_int8_qdq.onnx", 1.0),
    ] {
        let Some((imported, optimized)) = load(name) else {
            continue;
        };
        let inputs = noise(imported.graph());
        let want = eval::run(imported.graph(), &inputs).expect("runs");
        let got = eval::run(optimized.graph(), &inputs).expect("runs");
        let step = match want[0].dtype() {
            DType::F32 => 0.021_064_07,
            _ => 1.0,
        };
        let largest = floats(&want[0]).iter().fold(0f32, |m, v| m.max(v.abs()));
        let difference = difference(&got[0], &want[0]) * largest / step;
        println!("{name}: {difference} steps");
        assert!(difference <= steps * 1.001, "{name}: {difference} steps");
    }
}

#[test]
fn small_models_compute_the_same() {
    agrees("kws/tiny_kws_f32.onnx");
    agrees("kws/tiny_sww_f32.onnx");
    agrees("vision/tiny_ic_resnet8_f32.onnx");
    agrees("anomaly/tiny_ad_f32.onnx");
    agrees("vad/pulsevad_f32.onnx");
    agrees("vision/tiny_vww_f32.onnx");
    agrees("own/fashion/fashion.onnx");
}
