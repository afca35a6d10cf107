//! Written-out softmax.

use redpoll_graph::op::{BinaryFn, ReduceKind, UnaryFn};
use redpoll_graph::{Graph, Op, ValueId};

use super::Rule;
use super::edit::{Links, each_node};
use super::product::function_of;
use crate::Error;

/// `exp(x − max x) / Σ exp(x − max x)` over one axis becomes one operator.
pub(crate) struct Softmax;

impl Rule for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let Some((x, axis)) = find(graph, links, index) else {
                return Ok(false);
            };
            let node = &mut graph.nodes[index];
            node.op = Op::Softmax { axis };
            node.inputs = vec![x];
            Ok(true)
        })
    }
}

fn find(graph: &Graph, links: &Links, index: usize) -> Option<(ValueId, usize)> {
    let [exp, sum] = operands(
        &graph.nodes[index].op,
        &graph.nodes[index].inputs,
        BinaryFn::Div,
    )?;
    let shifted = function_of(graph, links, exp, UnaryFn::Exp)?;
    let (_, difference) = links.maker(graph, shifted)?;
    let [x, max] = operands(&difference.op, &difference.inputs, BinaryFn::Sub)?;
    let over_sum = reduced(graph, links, sum, ReduceKind::Sum, exp)?;
    let over_max = reduced(graph, links, max, ReduceKind::Max, x)?;
    (over_sum == over_max).then_some((x, over_sum))
}

fn operands(op: &Op, inputs: &[ValueId], want: BinaryFn) -> Option<[ValueId; 2]> {
    match (op, inputs) {
        (
            Op::Binary {
                function,
                clamp: None,
            },
            &[a, b],
        ) if *function == want => Some([a, b]),
        _ => None,
    }
}

/// The axis when `id` is the reduction of `x` over it, with the axis kept at length 1.
fn reduced(
    graph: &Graph,
    links: &Links,
    id: ValueId,
    kind: ReduceKind,
    x: ValueId,
) -> Option<usize> {
    let (_, mut node) = links.maker(graph, id)?;
    if let Op::Reshape { .. } = node.op {
        node = links.maker(graph, node.inputs[0])?.1;
    }
    let Op::Reduce {
        kind: own, axes, ..
    } = &node.op
    else {
        return None;
    };
    let &[axis] = &axes[..] else {
        return None;
    };
    let mut kept = graph.value(x).shape.clone();
    kept[axis] = 1;
    let fits = *own == kind && node.inputs[0] == x && graph.value(id).shape == kept;
    fits.then_some(axis)
}
