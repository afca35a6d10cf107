//! Every integer node of the int8 models by itself in ONNX Runtime, on the very operands that it has in our engine:
//! no difference is handed on, so the table says which operators round otherwise, how often and how far.

use std::collections::BTreeMap;

use redpoll_backend_ort::Optimization;
use redpoll_pipeline::emit::emit_graph;
use redpoll_tests::alone::{Alone, integer_nodes};
use redpoll_tests::onnx::{FLOAT, QUANTIZED, file, int8, optimized, ort_is_present, theirs};
use redpoll_tests::peer::{Difference, numbers, run};
use redpoll_tests::samples::samples;

/// Differences of one kind of operator.
#[derive(Default)]
struct Row {
    nodes: usize,
    refused: Vec<String>,
    fused: Difference,
    written: Difference,
}

#[test]
fn operators_by_themselves() {
    if !ort_is_present() {
        return;
    }
    let mut rows: BTreeMap<(&str, String), Row> = BTreeMap::new();
    // The largest networks repeat what the others have.
    let large = ["vision/mobilenet_v2_f32", "vision/efficientnet_lite0_f32"];
    for &name in FLOAT.iter().chain(&QUANTIZED) {
        if large.contains(&name) {
            continue;
        }
        let Some(path) = file(name) else { continue };
        let model = optimized(&path);
        let (mut samples, _) = samples(name, model.graph(), 9);
        let last = samples.pop().unwrap_or_default();
        let quantized = int8(&model, samples);
        for alone in integer_nodes(quantized.graph(), &last) {
            let row = compare(&alone);
            let operator = alone.node.op.name().to_owned();
            let all = rows.entry((name, operator)).or_default();
            all.nodes += 1;
            all.fused.merge(&row.fused);
            all.written.merge(&row.written);
            all.refused.extend(row.refused);
        }
    }
    println!(
        "| model | operator | nodes | elements | fused: differing | largest | as written: differing | largest |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut sums: BTreeMap<String, Row> = BTreeMap::new();
    for ((name, operator), row) in rows {
        print(name, &operator, &row);
        let sum = sums.entry(operator).or_default();
        sum.nodes += row.nodes;
        sum.fused.merge(&row.fused);
        sum.written.merge(&row.written);
        sum.refused.extend(row.refused);
    }
    for (operator, sum) in &sums {
        print("all", operator, sum);
    }
    for (operator, sum) in &sums {
        assert!(sum.refused.is_empty(), "{operator}: {:?}", sum.refused);
        let largest = sum.fused.largest.max(sum.written.largest);
        assert!(largest <= 1.0, "{operator}: {largest} steps");
    }
}

fn print(name: &str, operator: &str, row: &Row) {
    println!(
        "| {name} | {operator} | {} | {} | {} | {} | {} | {} |",
        row.nodes,
        row.fused.elements,
        row.fused.differing,
        row.fused.largest,
        row.written.differing,
        row.written.largest,
    );
}

fn compare(alone: &Alone<'_>) -> Row {
    let mut row = Row::default();
    let single = &alone.graph;
    let onnx = emit_graph(single).unwrap_or_else(|e| panic!("{}: {e}", single.name));
    let ours = numbers(&alone.expected);
    for optimization in [Optimization::All, Optimization::None] {
        let mut theirs = theirs(&onnx, single, optimization);
        let into = match optimization {
            Optimization::All => &mut row.fused,
            Optimization::None => &mut row.written,
        };
        match run(&mut theirs, &alone.operands) {
            Ok(outputs) => into.add(&ours, &outputs[0]),
            Err(e) => row.refused.push(format!("{}: {e}", single.name)),
        }
    }
    row
}
