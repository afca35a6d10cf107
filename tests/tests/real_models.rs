//! Real models through import, optimise and lower: the plan loads, its memory is near the lower bound, and the engine
//! gives the evaluator's bits on every tier.

use std::sync::Arc;

use redpoll_graph::{DType, Graph};
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::Optimized;
use redpoll_pipeline::calibrate::{CalibrateOptions, Engine, Method, calibrate};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{Keep, LowerOptions, WeightType, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::quantize::{Io, Rounding, Scheme, quantize};
use redpoll_session::{Options, Session};
use redpoll_tests::build::Random;
use redpoll_tests::equality::{assert_same_bits, assert_same_values, set_inputs};
use redpoll_tests::models::shared;

const MODELS: [&str; 14] = [
    "kws/tiny_kws_f32",
    "kws/tiny_sww_f32",
    "vision/tiny_vww_f32",
    "vision/tiny_ic_resnet8_f32",
    "vision/mobilenet_v1_025_f32",
    "vision/mobilenet_v2_f32",
    "vision/efficientnet_lite0_f32",
    "vision/yunet_n_320_f32",
    "anomaly/tiny_ad_f32",
    "vad/pulsevad_f32",
    "wake/speech_embedding_f32",
    "text/magika_f32",
    "vision/tiny_ic_resnet8_int8_qdq",
    "vad/pulsevad_int8_qdq",
];

/// A model after optimisation, if it is there.
fn optimized(name: &str) -> Option<Optimized> {
    let path = shared(&format!("models/{name}.onnx"))?;
    let model = Model::read(path, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let imported = import(&model, &ImportOptions::default());
    let imported = imported.unwrap_or_else(|e| panic!("{name}: {e}"));
    Some(optimize(imported).unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// The model in int8, calibrated on noise: accuracy is not the matter here.
fn quantized(name: &str, scheme: &Scheme) -> Option<Graph> {
    let model = optimized(name)?;
    if model.is_quantized() {
        return Some(model.graph().clone());
    }
    let mut random = Random::new(3);
    let graph = model.graph();
    let samples = (0..2)
        .map(|_| {
            graph
                .inputs
                .iter()
                .map(|&id| random.fitting(graph, id))
                .collect()
        })
        .collect::<Arc<[Vec<_>]>>();
    let options = CalibrateOptions {
        method: Method::MinMax,
    };
    let executors = Engine::default();
    let calibrated = calibrate(&model, samples, &options, &executors, &mut |_, _| {});
    let calibrated = calibrated.unwrap_or_else(|e| panic!("{name}: {e}"));
    let made = quantize(&calibrated, scheme, &executors, &mut |_, _| {});
    Some(
        made.unwrap_or_else(|e| panic!("{name}: {e}"))
            .graph()
            .clone(),
    )
}

fn check_memory(name: &str, graph: &Graph) {
    let lowered = lower(graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let memory = lowered.memory();
    let ratio = memory.arena_bytes as f64 / memory.live_bytes as f64;
    println!(
        "{name:36} {:>6} {:>10} {:>10} {ratio:>6.3} {:>10}",
        graph.nodes.len(),
        memory.arena_bytes,
        memory.live_bytes,
        memory.weight_bytes,
    );
    assert!(ratio <= 1.15, "{name}: {ratio}");
    let half = LowerOptions {
        weights: WeightType::F16,
        ..LowerOptions::default()
    };
    let half = lower(graph, &half).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(half.memory().weight_bytes <= memory.weight_bytes);
    let all = LowerOptions {
        keep: Keep::All,
        ..LowerOptions::default()
    };
    lower(graph, &all).unwrap_or_else(|e| panic!("{name}: {e}"));
}

fn check_bits(name: &str, graph: &Graph) {
    let mut random = Random::new(7);
    let inputs = graph.inputs.iter().map(|&id| random.fitting(graph, id));
    let inputs: Vec<_> = inputs.collect();
    assert_same_bits(name, graph, &inputs);
    assert_same_values(name, graph, &inputs);
}

/// A run touches the planned memory and no more.
fn check_peak(name: &str, graph: &Graph) {
    let lowered = lower(graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut random = Random::new(7);
    let inputs = graph.inputs.iter().map(|&id| random.fitting(graph, id));
    let inputs: Vec<_> = inputs.collect();
    let options = Options::default().threads(3);
    let mut session = Session::from_bytes(lowered.plan(), &options).unwrap();
    set_inputs(&mut session, &inputs);
    let (touched, planned) = (session.measure_peak().unwrap(), session.arena_bytes());
    assert!(
        touched <= planned && planned - touched < 64,
        "{name}: touched {touched} of {planned} bytes"
    );
}

#[test]
fn float_models() {
    println!("model, nodes, arena bytes, live bytes, ratio, weight bytes");
    for name in MODELS {
        let Some(model) = optimized(name) else {
            continue;
        };
        check_memory(name, model.graph());
        check_bits(name, model.graph());
        check_peak(name, model.graph());
    }
}

#[test]
fn int8_models() {
    println!("model, nodes, arena bytes, live bytes, ratio, weight bytes");
    for name in MODELS {
        let scheme = Scheme {
            rounding: Rounding::Nearest,
            ..Scheme::default()
        };
        let Some(graph) = quantized(name, &scheme) else {
            continue;
        };
        check_memory(name, &graph);
        check_bits(name, &graph);
        check_peak(name, &graph);
    }
}

#[test]
fn uint8_models() {
    for name in &MODELS[..4] {
        let scheme = Scheme {
            rounding: Rounding::Nearest,
            activations: DType::U8,
            io: Io::Int8,
            bias_correction: false,
            ..Scheme::default()
        };
        let Some(graph) = quantized(name, &scheme) else {
            continue;
        };
        check_memory(name, &graph);
        check_bits(name, &graph);
        check_peak(name, &graph);
    }
}
