//! Real models through import, optimise, quantise and lower: the engine gives the evaluator's bits on every tier.

use redpoll_graph::{DType, Graph};
use redpoll_pipeline::lower::{Keep, LowerOptions, WeightType, lower};
use redpoll_pipeline::quantize::{Io, Rounding, Scheme};
use redpoll_tests::build::Random;
use redpoll_tests::equality::{assert_same_bits, assert_same_values};
use redpoll_tests::models::{MODELS, optimized, quantized};

/// Half-precision weights take no more room, and every value can be kept.
fn check_forms(name: &str, graph: &Graph) {
    let lowered = lower(graph, &LowerOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let half = LowerOptions {
        weights: WeightType::F16,
        ..LowerOptions::default()
    };
    let half = lower(graph, &half).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(half.memory().weight_bytes <= lowered.memory().weight_bytes);
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

#[test]
fn float_models() {
    for name in MODELS {
        let Some(model) = optimized(name) else {
            continue;
        };
        check_forms(name, model.graph());
        check_bits(name, model.graph());
    }
}

#[test]
fn int8_models() {
    for name in MODELS {
        let scheme = Scheme {
            rounding: Rounding::Nearest,
            ..Scheme::default()
        };
        let Some(graph) = quantized(name, &scheme) else {
            continue;
        };
        check_forms(name, &graph);
        check_bits(name, &graph);
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
        check_forms(name, &graph);
        check_bits(name, &graph);
    }
}
