//! Our engine against ONNX Runtime on the same inputs: float models, models that arrive quantised, and the int8
//! models that we write.
//!
//! Each test prints a table; `docs/numerics.md` quotes them and explains the differences.

use redpoll_backend_ort::Optimization;
use redpoll_graph::Graph;
use redpoll_pipeline::emit::emit;
use redpoll_tests::onnx::{
    FLOAT, QUANTIZED, differences, file, int8, optimized, ort_is_present, ours, theirs,
};
use redpoll_tests::peer::{Difference, step};
use redpoll_tests::samples::samples;

/// Samples that calibrate a model, and samples that it is compared on.
const CALIBRATE: usize = 8;
const COMPARE: usize = 4;

#[test]
fn float_models_agree() {
    if !ort_is_present() {
        return;
    }
    println!("| model | inputs | output | elements | largest relative difference |");
    println!("|---|---|---|---|---|");
    let mut worst = 0.0f64;
    for name in FLOAT {
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let graph = model.graph();
        let (samples, kind) = samples(name, graph, COMPARE);
        let onnx = std::fs::read(&path).expect("a file that can be read");
        let mut theirs = theirs(&onnx, graph, Optimization::All);
        let found = differences(&mut ours(graph), &mut theirs, &samples);
        for (difference, &output) in found.iter().zip(&graph.outputs) {
            println!(
                "| {name} | {kind} | {} | {} | {:.1e} |",
                graph.value(output).name,
                difference.elements,
                difference.relative()
            );
            worst = worst.max(difference.relative());
        }
    }
    assert!(worst <= 1e-4, "{worst:e}");
}

const HEADER: &str =
    "| model | inputs | ONNX Runtime's graph | output | elements | differing | largest |";

fn row(name: &str, kind: &str, graph: &Graph, optimization: Optimization, found: &[Difference]) {
    let how = match optimization {
        Optimization::All => "fused",
        Optimization::None => "as written",
    };
    for (index, difference) in found.iter().enumerate() {
        let largest = match step(graph, index) {
            Some(size) => format!("{:.0} steps", difference.largest / size),
            None => format!("{:.1e} of {:.1e}", difference.largest, difference.magnitude),
        };
        println!(
            "| {name} | {kind} | {how} | {} | {} | {} | {largest} |",
            graph.value(graph.outputs[index]).name,
            difference.elements,
            difference.differing,
        );
    }
}

/// The original file of a quantised model in ONNX Runtime, ours on the plan made of it.
#[test]
fn models_that_arrive_quantized() {
    if !ort_is_present() {
        return;
    }
    println!("{HEADER}\n|---|---|---|---|---|---|---|");
    for name in QUANTIZED {
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let graph = model.graph();
        let (samples, kind) = samples(name, graph, 16);
        let onnx = std::fs::read(&path).expect("a file that can be read");
        let mut ours = ours(graph);
        for optimization in [Optimization::All, Optimization::None] {
            let mut theirs = theirs(&onnx, graph, optimization);
            let found = differences(&mut ours, &mut theirs, &samples);
            row(name, kind, graph, optimization, &found);
        }
    }
}

/// The int8 ONNX that we write in ONNX Runtime, ours on the plan of the same graph.
#[test]
fn models_that_we_quantize() {
    if !ort_is_present() {
        return;
    }
    println!("{HEADER}\n|---|---|---|---|---|---|---|");
    for name in FLOAT.iter().chain(&QUANTIZED) {
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let (mut samples, kind) = samples(name, model.graph(), CALIBRATE + COMPARE);
        let compare = samples.split_off(CALIBRATE);
        let quantized = int8(&model, samples);
        let graph = quantized.graph();
        let onnx = emit(&quantized).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut ours = ours(graph);
        for optimization in [Optimization::All, Optimization::None] {
            let mut theirs = theirs(&onnx, graph, optimization);
            let found = differences(&mut ours, &mut theirs, &compare);
            row(name, kind, graph, optimization, &found);
        }
    }
}
