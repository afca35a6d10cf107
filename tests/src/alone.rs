//! The integer nodes of a graph, each as a graph of its own with the very operands that it has inside the network, for
//! the tests that compare other runtimes with us operator by operator: no difference is handed on.

use std::collections::BTreeMap;

use redpoll_graph::{Graph, Node, Op, Tensor, ValueId, eval};

/// A node by itself.
pub struct Alone<'g> {
    /// The node in its network.
    pub node: &'g Node,
    /// The graph of this node.
    pub graph: Graph,
    /// Its inputs.
    pub operands: Vec<Tensor>,
    /// What the evaluator computes.
    pub expected: Tensor,
}

/// Every node of a graph that reads or makes a quantised tensor, on the operands that `inputs` give it.
///
/// # Panics
/// When the graph cannot be evaluated: the test fails.
pub fn integer_nodes<'g>(graph: &'g Graph, inputs: &[Tensor]) -> Vec<Alone<'g>> {
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
        Alone {
            node,
            graph: single,
            operands: operands.iter().map(given).collect(),
            expected: given(&node.output),
        }
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
