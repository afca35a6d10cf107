//! Bounds written in other ways, and bounds after bounds.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{each_node, scalar};
use crate::Error;

/// Maximum and minimum with a constant become clamps; a clamp after a clamp becomes one.
pub(crate) struct Clamps;

impl Rule for Clamps {
    fn name(&self) -> &'static str {
        "clamps"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            if from_binary(graph, index) {
                return Ok(true);
            }
            let node = &graph.nodes[index];
            let Op::Unary(UnaryFn::Clamp(then)) = node.op else {
                return Ok(false);
            };
            let Some((_, before)) = links.maker(graph, node.inputs[0]) else {
                return Ok(false);
            };
            let Op::Unary(UnaryFn::Clamp(first)) = before.op else {
                return Ok(false);
            };
            let x = before.inputs[0];
            let alike =
                |v: redpoll_graph::ValueId| graph.value(v).qparams == graph.value(x).qparams;
            if !alike(node.inputs[0]) || !alike(node.output) {
                return Ok(false);
            }
            let node = &mut graph.nodes[index];
            node.op = Op::Unary(UnaryFn::Clamp(first.followed_by(then)));
            node.inputs = vec![x];
            Ok(true)
        })
    }
}

fn from_binary(graph: &mut Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Op::Binary {
        function,
        clamp: None,
    } = node.op
    else {
        return false;
    };
    let bounds = |c: f32| match function {
        BinaryFn::Max => Some(Clamp {
            lo: c,
            hi: f32::INFINITY,
        }),
        BinaryFn::Min => Some(Clamp {
            lo: f32::NEG_INFINITY,
            hi: c,
        }),
        _ => None,
    };
    let [a, b] = node.inputs[..] else {
        return false;
    };
    for (x, c) in [(a, b), (b, a)] {
        let keeps_shape = graph.value(x).shape == graph.value(node.output).shape;
        if let Some(clamp) = scalar(graph, c).filter(|c| !c.is_nan()).and_then(bounds)
            && keeps_shape
        {
            let node = &mut graph.nodes[index];
            node.op = Op::Unary(UnaryFn::Clamp(clamp));
            node.inputs = vec![x];
            return true;
        }
    }
    false
}
