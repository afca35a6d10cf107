//! The int8 ONNX that we write, in tract: it loads, runs, and is compared with our engine. Where a model ends in a
//! softmax, what goes into it is compared too. Prints a table; `docs/numerics.md` quotes it.

use redpoll_backend_tract::{Options, TractSession};
use redpoll_graph::{Graph, Op, Tensor};
use redpoll_pipeline::emit::emit_graph;
use redpoll_tests::onnx::{FLOAT, QUANTIZED, file, int8, optimized, ours};
use redpoll_tests::peer::{Difference, run, step};
use redpoll_tests::samples::samples;

#[test]
fn int8_models_load_and_run() {
    println!("| model | output | elements | differing | largest |\n|---|---|---|---|---|");
    let mut refused = Vec::new();
    for &name in FLOAT.iter().chain(&QUANTIZED) {
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let (mut samples, _) = samples(name, model.graph(), 10);
        let compare = samples.split_off(8);
        let quantized = int8(&model, samples);
        let mut graph = quantized.graph().clone();
        if let Err(e) = table(name, &graph, &compare) {
            refused.push(format!("{name}: {e}"));
            continue;
        }
        let last = graph
            .nodes
            .iter()
            .rev()
            .find(|node| node.output == graph.outputs[0]);
        if let Some(node) = last.filter(|node| matches!(node.op, Op::Softmax { .. })) {
            graph.outputs = vec![node.inputs[0]];
            if let Err(e) = table(name, &graph, &compare) {
                refused.push(format!("{name}, before its softmax: {e}"));
            }
        }
    }
    for line in &refused {
        println!("not run: {line}");
    }
    // Our own model is always there.
    assert!(
        !refused.iter().any(|line| line.starts_with("fashion")),
        "{refused:?}"
    );
}

fn table(name: &str, graph: &Graph, inputs: &[Vec<Tensor>]) -> Result<(), String> {
    let onnx = emit_graph(graph).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut options = Options::default();
    for &id in &graph.inputs {
        let value = graph.value(id);
        options = options.input_shape(value.name.as_str(), &value.shape);
    }
    let mut theirs = TractSession::from_bytes(&onnx, &options).map_err(|e| e.to_string())?;
    let mut ours = ours(graph);
    let mut found = vec![Difference::default(); graph.outputs.len()];
    for sample in inputs {
        let b = run(&mut theirs, sample).map_err(|e| e.to_string())?;
        let a = run(&mut ours, sample).unwrap_or_else(|e| panic!("{name}: {e}"));
        for ((difference, a), b) in found.iter_mut().zip(&a).zip(&b) {
            difference.add(a, b);
        }
    }
    for (index, difference) in found.iter().enumerate() {
        let largest = match step(graph, index) {
            Some(size) => format!("{:.0} steps", difference.largest / size),
            None => format!("{:.1e} of {:.1e}", difference.largest, difference.magnitude),
        };
        println!(
            "| {name} | {} | {} | {} | {largest} |",
            graph.value(graph.outputs[index]).name,
            difference.elements,
            difference.differing,
        );
    }
    Ok(())
}
