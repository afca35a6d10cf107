//! Every integer node of the int8 models by itself in tract, on the very operands that it has in our engine: which
//! operators round otherwise, how often and how far. `docs/numerics.md` quotes the sums.
//!
//! `cargo test -p redpoll-backend-tract --test operators -- --nocapture`

use std::collections::BTreeMap;

use redpoll_backend_tract::{Options, TractSession};
use redpoll_pipeline::emit::emit_graph;
use redpoll_tests::alone::{Alone, integer_nodes};
use redpoll_tests::onnx::{FLOAT, QUANTIZED, file, int8, optimized};
use redpoll_tests::peer::{Difference, numbers, run};
use redpoll_tests::samples::samples;

/// Differences of one kind of operator: as tract comes, and without its rewrites.
#[derive(Default)]
struct Row {
    nodes: usize,
    rewritten: Difference,
    written: Difference,
}

#[test]
fn operators_by_themselves() {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for &name in FLOAT.iter().chain(&QUANTIZED) {
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let (mut samples, _) = samples(name, model.graph(), 9);
        let last = samples.pop().unwrap_or_default();
        let quantized = int8(&model, samples);
        for alone in integer_nodes(quantized.graph(), &last) {
            let row = rows.entry(alone.node.op.name().to_owned()).or_default();
            row.nodes += 1;
            compare(name, &alone, row);
        }
    }
    println!(
        "| operator | nodes | elements | rewritten: differing | largest | as written: differing | largest |\n|---|---|---|---|---|---|---|"
    );
    for (operator, row) in &rows {
        println!(
            "| {operator} | {} | {} | {} | {} | {} | {} |",
            row.nodes,
            row.rewritten.elements,
            row.rewritten.differing,
            row.rewritten.largest,
            row.written.differing,
            row.written.largest,
        );
    }
    for (operator, row) in &rows {
        assert!(row.written.largest <= 1.0, "{operator}");
        // tract's rewrite of a softmax is wrong (see the test of models); every other operator is within a rounding.
        assert!(
            row.rewritten.largest <= 1.0 || operator == "Softmax",
            "{operator}"
        );
    }
}

fn compare(name: &str, alone: &Alone<'_>, row: &mut Row) {
    let onnx = emit_graph(&alone.graph).unwrap_or_else(|e| panic!("{name}: {e}"));
    let ours = numbers(&alone.expected);
    for (optimize, into) in [(true, &mut row.rewritten), (false, &mut row.written)] {
        let mut options = Options::default().optimize(optimize);
        for &id in &alone.graph.inputs {
            let value = alone.graph.value(id);
            options = options.input_shape(value.name.as_str(), &value.shape);
        }
        let node = &alone.node.name;
        let mut theirs = TractSession::from_bytes(&onnx, &options)
            .unwrap_or_else(|e| panic!("{name}: {node}: {e}"));
        let outputs =
            run(&mut theirs, &alone.operands).unwrap_or_else(|e| panic!("{name}: {node}: {e}"));
        into.add(&ours, &outputs[0]);
    }
}
