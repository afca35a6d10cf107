//! Real models in tract, beside our engine on the same inputs: float ones, ones that arrive quantised, and the int8 ONNX
//! that we write of each. All must load and run; how far they are from ours is printed as the tables in
//! `docs/numerics.md`, and what is far has its reason here.
//!
//! `cargo test -p redpoll-backend-tract --test models -- --nocapture --test-threads 1`

use redpoll_backend_tract::{Options, TractSession};
use redpoll_graph::{Graph, Op, Tensor, ValueId};
use redpoll_pipeline::emit::emit_graph;
use redpoll_session::Backend;
use redpoll_tests::cases::Summary;
use redpoll_tests::onnx::{FLOAT, QUANTIZED, file, int8, optimized, ours};
use redpoll_tests::peer::{Difference, run, step};
use redpoll_tests::samples::samples;

/// Samples that calibrate a model, and samples that it is compared on.
const CALIBRATE: usize = 8;
const COMPARE: usize = 2;

fn open(what: &str, onnx: &[u8], graph: &Graph, optimize: bool) -> TractSession {
    let mut options = Options::default().optimize(optimize);
    for &id in &graph.inputs {
        let value = graph.value(id);
        options = options.input_shape(value.name.as_str(), &value.shape);
    }
    TractSession::from_bytes(onnx, &options).unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// What each output differs in, over all inputs.
fn differences(
    what: &str,
    graph: &Graph,
    theirs: &mut TractSession,
    inputs: &[Vec<Tensor>],
) -> Vec<Difference> {
    let mut ours = ours(graph);
    let mut found = vec![Difference::default(); graph.outputs.len()];
    for sample in inputs {
        let outputs = |backend: &mut dyn Backend| {
            run(backend, sample).unwrap_or_else(|e| panic!("{what}: {e}"))
        };
        let (a, b) = (outputs(&mut ours), outputs(theirs));
        assert_eq!(a.len(), b.len(), "{what}: outputs");
        for ((difference, a), b) in found.iter_mut().zip(&a).zip(&b) {
            difference.add(a, b);
        }
    }
    found
}

#[test]
fn float_models_agree() {
    println!("| model | output elements | largest relative difference |\n|---|---|---|");
    for name in FLOAT {
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let graph = model.graph();
        let (samples, _) = samples(name, graph, COMPARE);
        let onnx = std::fs::read(&path).expect("a file that can be read");
        let mut theirs = open(name, &onnx, graph, true);
        let found = differences(name, graph, &mut theirs, &samples);
        let elements: usize = found.iter().map(|d| d.elements).sum();
        let worst = found.iter().map(Difference::relative).fold(0.0, f64::max);
        println!("| {name} | {elements} | {worst:.1e} |");
        assert!(worst <= 1e-4, "{name}: {worst:e}");
    }
}

/// The tensor before a softmax that ends a graph in integers, behind its dequantisation.
fn before_softmax(graph: &Graph) -> Option<ValueId> {
    let mut id = *graph.outputs.first()?;
    loop {
        let node = graph.nodes.iter().find(|node| node.output == id)?;
        match node.op {
            Op::Dequantize => id = node.inputs[0],
            Op::Softmax { .. } if graph.value(node.inputs[0]).is_quantized() => {
                return node.inputs.first().copied();
            }
            _ => return None,
        }
    }
}

/// Prints a row, and gives the largest difference as a share of what is allowed ([`FAR_STEPS`], [`FAR`]).
fn row(what: &str, graph: &Graph, inputs: &[Vec<Tensor>]) -> [f64; 2] {
    let onnx = emit_graph(graph).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut cells = String::new();
    let mut elements = 0;
    let worst = [true, false].map(|optimize| {
        let mut theirs = open(what, &onnx, graph, optimize);
        let found = differences(what, graph, &mut theirs, inputs);
        elements = found.iter().map(|d| d.elements).sum();
        let differing: usize = found.iter().map(|d| d.differing).sum();
        let steps = (0..found.len()).filter_map(|i| Some(found[i].largest / step(graph, i)?));
        let share = |i: usize| match step(graph, i) {
            Some(step) => found[i].largest / (FAR_STEPS * step),
            None => found[i].relative() / FAR,
        };
        let worst = (0..found.len()).map(share).fold(0.0, f64::max);
        let largest = match steps.reduce(f64::max) {
            Some(steps) => format!("{steps:.0} steps"),
            None => format!("{:.1e}", worst * FAR),
        };
        cells += &format!(" {differing} | {largest} |");
        worst
    });
    println!("| {what} | {elements} |{cells}");
    worst
}

/// No network here grows the float roundings of its convolutions to more steps than these in an output that has steps, however few
/// of them its values take in two samples; a wrong operator does.
const FAR_STEPS: f64 = 10.0;

/// The same for an output computed in float, as a share of its largest value.
const FAR: f64 = 0.1;

/// tract takes a softmax between DequantizeLinear and QuantizeLinear for a function of one element, and tabulates it:
/// each output is exp(x) / exp(x) = 1. Without its rewrites it computes the softmax.
const SOFTMAX_IS_ONE: [&str; 1] = ["vision/tiny_ic_resnet8_int8_qdq"];

#[test]
fn int8_models_load_and_run() {
    println!(
        "| model | output elements | rewritten: differing | largest | as written: differing | largest |\n|---|---|---|---|---|---|"
    );
    for &name in FLOAT.iter().chain(&QUANTIZED) {
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let (mut samples, _) = samples(name, model.graph(), CALIBRATE + COMPARE);
        let compare = samples.split_off(CALIBRATE);
        let quantized = int8(&model, samples);
        let mut graph = quantized.graph().clone();
        let [rewritten, as_written] = row(name, &graph, &compare);
        if let Some(logits) = before_softmax(&graph) {
            assert_eq!(
                rewritten > 1.0,
                SOFTMAX_IS_ONE.contains(&name),
                "{name}: softmax {rewritten}"
            );
            assert_eq!(as_written, 0.0, "{name}: softmax as written");
            graph.outputs = vec![logits];
            let before = row(&format!("{name}, before its softmax"), &graph, &compare);
            assert!(
                before.iter().all(|&worst| worst <= 1.0),
                "{name}: {before:?}"
            );
        } else {
            assert!(
                !SOFTMAX_IS_ONE.contains(&name),
                "{name} has no such softmax"
            );
            let worst = rewritten.max(as_written);
            assert!(worst <= 1.0, "{name}: {worst}");
        }
    }
}

/// The cases of operators in `tests/cases`.
#[test]
fn cases_of_operators() {
    let sum = Summary::of("tract", |bytes| {
        Ok(Box::new(TractSession::from_bytes(
            bytes,
            &Options::default(),
        )?))
    });
    assert!(sum.same >= 140, "{sum:?}");
}
