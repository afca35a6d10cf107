//! Real models through import, optimise and lower: the plan loads, its memory is near the lower bound, and the engine
//! gives the evaluator's bits on every tier.

use redpoll_graph::Graph;
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{Keep, LowerOptions, WeightType, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_session::{Options, Session};
use redpoll_tests::build::Random;
use redpoll_tests::equality::{assert_same_bits, set_inputs};
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

/// The optimised graph of a model, if it is there.
fn graph(name: &str) -> Option<Graph> {
    let path = shared(&format!("models/{name}.onnx"))?;
    let model = Model::read(path, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let imported =
        import(&model, &ImportOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let optimized = optimize(imported).unwrap_or_else(|e| panic!("{name}: {e}"));
    Some(optimized.graph().clone())
}

#[test]
fn memory_is_near_the_lower_bound() {
    println!(
        "{:36} {:>6} {:>10} {:>10} {:>6} {:>10}",
        "model", "steps", "arena", "live", "ratio", "weights"
    );
    for name in MODELS {
        let Some(graph) = graph(name) else { continue };
        let lowered =
            lower(&graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
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
        let half = lower(&graph, &half).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(half.memory().weight_bytes <= memory.weight_bytes);
        let all = LowerOptions {
            keep: Keep::All,
            ..LowerOptions::default()
        };
        lower(&graph, &all).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn the_engine_gives_the_bits_of_the_evaluator() {
    for name in MODELS {
        let Some(graph) = graph(name) else { continue };
        let mut random = Random::new(7);
        let inputs: Vec<_> = graph
            .inputs
            .iter()
            .map(|&id| random.fitting(&graph, id))
            .collect();
        assert_same_bits(name, &graph, &inputs);
    }
}

#[test]
fn a_run_touches_the_planned_memory_and_no_more() {
    for name in MODELS {
        let Some(graph) = graph(name) else { continue };
        let lowered =
            lower(&graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut random = Random::new(7);
        let inputs = graph.inputs.iter().map(|&id| random.fitting(&graph, id));
        let inputs: Vec<_> = inputs.collect();
        let options = Options::default().threads(3);
        let mut session = Session::from_bytes(lowered.plan(), &options).unwrap();
        set_inputs(&mut session, &inputs);
        let (touched, planned) = (session.measure_peak().unwrap(), session.arena_bytes());
        println!("{name:36} planned {planned:>10} touched {touched:>10}");
        assert!(
            touched <= planned && planned - touched < 64,
            "{name}: touched {touched} of {planned} bytes"
        );
    }
}
