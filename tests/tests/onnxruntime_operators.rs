//! Every integer node of the int8 models by itself in ONNX Runtime, on the very operands that it has in our engine:
//! no difference is handed on, so the table says which operators round otherwise, how often and how far.

use std::collections::BTreeMap;

use redpoll_backend_ort::Optimization;
use redpoll_graph::{Graph, Node, Op, Tensor, ValueId, eval};
use redpoll_pipeline::emit::emit_graph;
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
        for (node, row) in nodes(quantized.graph(), &last) {
            let all = rows.entry((name, node.op.name().to_owned())).or_default();
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

/// The integer nodes of a graph, each run by itself.
fn nodes<'g>(graph: &'g Graph, inputs: &[Tensor]) -> Vec<(&'g Node, Row)> {
    let mut values: BTreeMap<ValueId, Tensor> = BTreeMap::new();
    eval::run_with(graph, inputs, &mut |id, tensor| {
        values.insert(id, tensor.clone());
    })
    .unwrap_or_else(|e| panic!("{}: {e}", graph.name));
    let integer = |node: &&Node| {
        let operands = node.inputs.iter().chain([&node.output]);
        operands
            .into_iter()
            .any(|&id| graph.value(id).is_quantized())
    };
    let alone = |node: &'g Node| {
        let (single, operands) = isolate(graph, node);
        let images = is_image_operator(graph, node);
        let given = |id: &ValueId| {
            if images {
                channels_first(&values[id])
            } else {
                values[id].clone()
            }
        };
        let operands: Vec<Tensor> = operands.iter().map(given).collect();
        (node, compare(&single, &operands, &given(&node.output)))
    };
    graph.nodes.iter().filter(integer).map(alone).collect()
}

/// A graph of one node, and the values that are its inputs. Images enter and leave channels-first, as they do inside a
/// network, so that no transpositions keep ONNX Runtime from fusing.
fn isolate(graph: &Graph, node: &Node) -> (Graph, Vec<ValueId>) {
    let mut single = Graph::new(node.name.as_str());
    let mut known: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    let mut operands = Vec::new();
    let mut inputs = Vec::new();
    let images = is_image_operator(graph, node);
    for &id in &node.inputs {
        if let Some(&to) = known.get(&id) {
            inputs.push(to);
            continue;
        }
        let value = graph.value(id);
        let to = match &value.constant {
            Some(tensor) => single.add_constant(&value.name, tensor.as_ref().clone()),
            None => {
                operands.push(id);
                let shape = if images {
                    turned(&value.shape)
                } else {
                    value.shape.clone()
                };
                single.add_input(&value.name, value.dtype, shape)
            }
        };
        single.value_mut(to).qparams = value.qparams.clone();
        let last = if images && value.constant.is_none() {
            turn(&mut single, to, orders(value.shape.len()).1)
        } else {
            to
        };
        known.insert(id, last);
        inputs.push(last);
    }
    let output = graph.value(node.output);
    let (dtype, qparams) = (output.dtype, output.qparams.clone());
    let made = single
        .add_node_as(&node.name, node.op.clone(), &inputs, dtype, qparams)
        .unwrap_or_else(|e| panic!("{}: {e}", node.name));
    let made = if images {
        turn(&mut single, made, orders(output.shape.len()).0)
    } else {
        made
    };
    single.outputs.push(made);
    (single, operands)
}

/// True for operators on images: all tensors that are computed have the rank of the result.
fn is_image_operator(graph: &Graph, node: &Node) -> bool {
    let rank = graph.value(node.output).shape.len();
    let moves = matches!(
        node.op,
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Dense { .. } | Op::Embedding
    );
    let computed = |&&id: &&ValueId| graph.constant(id).is_none();
    let mut operands = node.inputs.iter().filter(computed);
    rank >= 3 && !moves && operands.all(|&id| graph.value(id).shape.len() == rank)
}

/// The permutations to channels-first and to channels-last.
fn orders(rank: usize) -> (Vec<usize>, Vec<usize>) {
    let first = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    let last = [0].into_iter().chain(2..rank).chain([1]).collect();
    (first, last)
}

fn turned(shape: &[usize]) -> Vec<usize> {
    orders(shape.len())
        .0
        .iter()
        .map(|&axis| shape[axis])
        .collect()
}

/// The tensor turned, by the evaluator.
fn channels_first(tensor: &Tensor) -> Tensor {
    let mut graph = Graph::new("turn");
    let x = graph.add_input("x", tensor.dtype(), tensor.shape().to_vec());
    let y = turn(&mut graph, x, orders(tensor.shape().len()).0);
    graph.outputs.push(y);
    eval::run(&graph, std::slice::from_ref(tensor))
        .unwrap_or_else(|e| panic!("{e}"))
        .remove(0)
}

fn turn(graph: &mut Graph, id: ValueId, perm: Vec<usize>) -> ValueId {
    graph
        .add_node("turned", Op::Transpose { perm }, &[id])
        .unwrap_or_else(|e| panic!("{e}"))
}

fn compare(single: &Graph, operands: &[Tensor], expected: &Tensor) -> Row {
    let mut row = Row::default();
    let onnx = emit_graph(single).unwrap_or_else(|e| panic!("{}: {e}", single.name));
    let ours = numbers(expected);
    for optimization in [Optimization::All, Optimization::None] {
        let mut theirs = theirs(&onnx, single, optimization);
        let into = match optimization {
            Optimization::All => &mut row.fused,
            Optimization::None => &mut row.written,
        };
        match run(&mut theirs, operands) {
            Ok(outputs) => into.add(&ours, &outputs[0]),
            Err(e) => row.refused.push(format!("{}: {e}", single.name)),
        }
    }
    row
}
