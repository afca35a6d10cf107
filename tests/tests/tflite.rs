//! Every TFLite model of the shared folder: the engine gives the evaluator's bits, quantised models run in integers from end to
//! end, and variables go on from run to run as states.

use std::path::{Path, PathBuf};

use redpoll_graph::{Graph, Tensor, eval};
use redpoll_pipeline::compile::{CompileOptions, read_optimized};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::report::PlanSummary;
use redpoll_session::{Options, Session};
use redpoll_tests::equality::{assert_same_bits, bytes, set_inputs};
use redpoll_tests::models::shared;
use redpoll_tests::samples::samples;

/// Models that are integers from their input to their output.
const INTEGER: [&str; 10] = [
    "anomaly/tiny_ad_int8",
    "kws/tiny_kws_int8",
    "kws/tiny_sww_int8",
    "vision/mobilenet_v1_025_uint8",
    "vision/mobilenet_v2_int8_ptq",
    "vision/tiny_ic_resnet8_int8",
    "vision/tiny_vww_int8",
    "wake/mww_alexa_int8",
    "wake/mww_hey_jarvis_int8",
    "wake/mww_okay_nabu_int8",
];

/// A float model, and one whose boxes are put together in floats behind the integers.
const FLOAT: [&str; 2] = [
    "vision/selfie_segmentation_f32",
    "vision/ssd_mobilenet_v1_coco_uint8",
];

fn path(name: &str) -> Option<PathBuf> {
    shared(&format!("models/{name}.tflite"))
}

fn graph(path: &Path) -> Graph {
    let model = read_optimized(path, &CompileOptions::default());
    model
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .graph()
        .clone()
}

/// With the states as inputs and outputs.
fn open(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    graph.metadata.remove("redpoll.states");
    graph
}

#[test]
fn the_engine_gives_the_bits_of_the_evaluator() {
    for name in INTEGER.iter().chain(&FLOAT) {
        let Some(path) = path(name) else { continue };
        let graph = open(&graph(&path));
        let (samples, _) = samples(name, &graph, 1);
        assert_same_bits(name, &graph, &samples[0]);
        println!("{name}: the same bits");
    }
}

#[test]
fn quantised_models_run_in_integers() {
    for name in INTEGER {
        let Some(path) = path(name) else { continue };
        let lowered = lower(&graph(&path), &LowerOptions::default()).expect("a plan");
        let plan = PlanSummary::read(lowered.plan()).expect("a plan that can be read");
        for step in &plan.steps {
            let float = step.op.contains("F32") || step.op.ends_with("uantize");
            assert!(!float, "{name}: step {} is {}", step.name, step.op);
        }
        for port in plan.inputs.iter().chain(&plan.outputs) {
            assert!(port.scale > 0.0, "{name}: {} has no scale", port.name);
        }
    }
}

/// All layers are integer, weights around any zero point too, until the boxes are decoded.
#[test]
fn a_detector_runs_in_integers_until_its_boxes() {
    let Some(path) = path(FLOAT[1]) else { return };
    let lowered = lower(&graph(&path), &LowerOptions::default()).expect("a plan");
    let plan = PlanSummary::read(lowered.plan()).expect("a plan that can be read");
    let real = |op: &str| op.contains("F32") || op == "Dequantize";
    let first = plan.steps.iter().position(|s| real(&s.op));
    let last = plan.steps.iter().rposition(|s| s.op.contains("I8"));
    assert!(first > last, "{first:?} {last:?}");
    let is_layer = |op: &str| op == "ConvI8" || op == "DepthwiseI8";
    let layers = plan.steps.iter().filter(|s| is_layer(&s.op));
    assert!(layers.count() >= 47);
}

/// Runs of a session that keeps its states give what the evaluator gives when the states are handed on by hand.
#[test]
fn variables_go_on_from_run_to_run() {
    let names = INTEGER.iter().filter(|n| n.starts_with("wake/"));
    for name in names {
        let Some(path) = path(name) else { continue };
        let graph = graph(&path);
        let pairs: Vec<(usize, usize)> = graph.metadata["redpoll.states"]
            .lines()
            .map(|line| {
                let (output, input) = line.split_once('=').expect("a pair");
                let place = |ids: &[redpoll_graph::ValueId], name: &str| {
                    let found = ids.iter().position(|&id| graph.value(id).name == name);
                    found.expect("a value of the name")
                };
                (place(&graph.outputs, output), place(&graph.inputs, input))
            })
            .collect();
        assert_eq!(pairs.len(), 6, "{name}");
        let lowered = lower(&graph, &LowerOptions::default()).expect("a plan");
        let mut session =
            Session::from_bytes(lowered.plan(), &Options::default()).expect("a session");
        let (samples, _) = samples(name, &graph, 12);
        let mut states: Vec<Option<Tensor>> = vec![None; graph.inputs.len()];
        for (i, &(_, input)) in pairs.iter().enumerate() {
            let value = graph.value(graph.inputs[input]);
            let zero = value.qparams.as_ref().expect("a scale").zero_point();
            let data = redpoll_graph::Data::I8(vec![zero as i8; value.len()]);
            let tensor = Tensor::new(value.shape.clone(), data).expect("a tensor");
            assert!(states[input].replace(tensor).is_none(), "{name}: state {i}");
        }
        for sample in &samples {
            let all: Vec<Tensor> = states
                .iter()
                .zip(sample)
                .map(|(state, own)| state.clone().unwrap_or_else(|| own.clone()))
                .collect();
            let expected = eval::run(&graph, &all).expect("a run of the evaluator");
            let fresh: Vec<Tensor> = states
                .iter()
                .zip(sample)
                .filter(|(state, _)| state.is_none())
                .map(|(_, own)| own.clone())
                .collect();
            set_inputs(&mut session, &fresh);
            session.run().expect("a run");
            let actual = session.output_value(0).expect("an output");
            assert_eq!(actual.as_bytes(), bytes(&expected[0]), "{name}");
            for &(output, input) in &pairs {
                states[input] = Some(expected[output].clone());
            }
        }
    }
}

/// Recurrent layers and SVDF, whose memory goes on: the second run on the same inputs gives what LiteRT gave. Models and results
/// are those of `benches/accuracy/litert_operators.py --keep tests/litert`.
#[test]
fn layers_with_memory_give_what_litert_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("litert");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "tflite") {
            continue;
        }
        let name = path.display();
        let arrays = redpoll_pipeline::data::read_npz(&path.with_extension("npz"));
        let arrays = arrays.expect("arrays");
        let lowered = lower(&graph(&path), &LowerOptions::default()).expect("a plan");
        let mut session =
            Session::from_bytes(lowered.plan(), &Options::default()).expect("a session");
        for _ in 0..2 {
            set_inputs(&mut session, &[arrays["in0"].clone()]);
            session.run().expect("a run");
        }
        for i in 0..session.outputs().len() {
            let theirs = arrays[&format!("out{i}")].as_f32().expect("floats");
            let ours = session.output::<f32>(i).expect("floats");
            assert_eq!(ours.len(), theirs.len(), "{name}");
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() <= 1e-5, "{name}: {a} {b}");
            }
        }
        session.reset_state().expect("a state");
        set_inputs(&mut session, &[arrays["in0"].clone()]);
        session.run().expect("a run");
        let again = session.output::<f32>(0).expect("floats");
        let theirs = arrays["out0"].as_f32().expect("floats");
        assert!(
            again.iter().zip(theirs).any(|(a, b)| (a - b).abs() > 1e-4),
            "{name}: no memory"
        );
        seen += 1;
    }
    assert_eq!(seen, 13);
}

/// `IF` with both branches and `WHILE`: what LiteRT gives (`--keep` as above).
#[test]
fn control_flow_gives_what_litert_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("litert/control");
    for name in ["if_true", "if_false", "while"] {
        let path = folder.join(name).with_extension("tflite");
        let arrays = redpoll_pipeline::data::read_npz(&path.with_extension("npz"));
        let arrays = arrays.expect("arrays");
        let inputs: Vec<Tensor> = (0..2)
            .filter_map(|i| arrays.get(&format!("in{i}")).cloned())
            .collect();
        let graph = graph(&path);
        assert_same_bits(name, &graph, &inputs);
        let found = eval::run(&graph, &inputs).expect("a run of the evaluator");
        for (i, ours) in found.iter().enumerate() {
            let theirs = &arrays[&format!("out{i}")];
            assert_eq!(ours.dtype(), theirs.dtype(), "{name}");
            if let (Some(ours), Some(theirs)) = (ours.as_f32(), theirs.as_f32()) {
                let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5;
                assert!(
                    ours.iter().zip(theirs).all(near),
                    "{name}: {ours:?} {theirs:?}"
                );
            } else {
                assert_eq!(ours.to_i64(), theirs.to_i64(), "{name}");
            }
        }
    }
}

/// Models that arrive as QDQ have no float step but the first quantisation and the last dequantisation.
#[test]
fn qdq_models_run_in_integers() {
    for name in ["vision/tiny_ic_resnet8_int8_qdq", "vad/pulsevad_int8_qdq"] {
        let Some(path) = shared(&format!("models/{name}.onnx")) else {
            continue;
        };
        let lowered = lower(&graph(&path), &LowerOptions::default()).expect("a plan");
        let plan = PlanSummary::read(lowered.plan()).expect("a plan that can be read");
        let ops: Vec<&str> = plan.steps.iter().map(|s| s.op.as_str()).collect();
        let mut inside = ops.as_slice();
        if let ["Quantize", rest @ .., "Dequantize"] = inside {
            inside = rest;
        }
        assert!(inside.len() > 3, "{name}: {ops:?}");
        let float = |op: &&str| op.contains("F32") || op.ends_with("uantize");
        assert!(!inside.iter().any(float), "{name}: {ops:?}");
    }
}
