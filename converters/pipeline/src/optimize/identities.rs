//! Operators that change nothing.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{Graph, Node, Op, ValueId};

use super::Rule;
use super::edit::{bypass, each_node, scalar};
use crate::Error;

/// Removes reshapes to the same shape, transpositions in order, slices of everything, borders of nothing, `x + 0`,
/// `x · 1` and the like. A reduction over axes of length 1 becomes a reshape.
pub(crate) struct Identities;

impl Rule for Identities {
    fn name(&self) -> &'static str {
        "identities"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, _, index| {
            if let Some(value) = same(graph, &graph.nodes[index])
                && bypass(graph, index, value)
            {
                return Ok(true);
            }
            Ok(reduces_nothing(graph, index))
        })
    }
}

/// The operand that the node passes on unchanged.
fn same(graph: &Graph, node: &Node) -> Option<ValueId> {
    let x = *node.inputs.first()?;
    let (from, to) = (graph.value(x), graph.value(node.output));
    let unchanged = from.shape == to.shape && from.dtype == to.dtype && from.qparams == to.qparams;
    let passes = match &node.op {
        Op::Reshape { .. } | Op::Expand { .. } | Op::Pad(_) => unchanged,
        Op::Transpose { perm } => perm.is_sorted(),
        Op::Concat { .. } => node.inputs.len() == 1,
        Op::Slice { axes } => unchanged && axes.iter().all(|a| a.step > 0 || a.len == 1),
        Op::Cast { to } => from.dtype == *to,
        Op::Unary(UnaryFn::Clamp(Clamp { lo, hi })) => {
            unchanged && *lo == f32::NEG_INFINITY && *hi == f32::INFINITY
        }
        Op::Requantize => unchanged,
        _ => false,
    };
    if passes {
        return Some(x);
    }
    neutral(graph, node)
}

/// The other operand of an addition of 0 or a product with 1.
fn neutral(graph: &Graph, node: &Node) -> Option<ValueId> {
    let Op::Binary {
        function,
        clamp: None,
    } = node.op
    else {
        return None;
    };
    let (neutral, both_ways) = match function {
        BinaryFn::Add => (0.0, true),
        BinaryFn::Mul => (1.0, true),
        BinaryFn::Sub => (0.0, false),
        BinaryFn::Div | BinaryFn::Pow => (1.0, false),
        _ => return None,
    };
    let [a, b] = node.inputs[..] else {
        return None;
    };
    let shape = &graph.value(node.output).shape;
    let passes = |x: ValueId, c: ValueId| {
        scalar(graph, c) == Some(neutral) && graph.value(x).shape == *shape
    };
    if passes(a, b) {
        Some(a)
    } else if both_ways && passes(b, a) {
        Some(b)
    } else {
        None
    }
}

fn reduces_nothing(graph: &mut Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Op::Reduce { axes, .. } = &node.op else {
        return false;
    };
    let (from, to) = (graph.value(node.inputs[0]), graph.value(node.output));
    if axes.iter().any(|&a| from.shape[a] != 1) || from.qparams != to.qparams {
        return false;
    }
    let shape = to.shape.clone();
    graph.nodes[index].op = Op::Reshape { shape };
    true
}
