//! Bounds into the operator whose result they bound.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::each_node;
use super::weights::set_clamp;
use crate::Error;

/// Fuses a clamp (ReLU, ReLU6, clip) into the convolution, dense layer, sum, difference or product before it.
pub(crate) struct FuseActivation;

impl Rule for FuseActivation {
    fn name(&self) -> &'static str {
        "fuse activation"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let Op::Unary(UnaryFn::Clamp(then)) = node.op else {
                return Ok(false);
            };
            let (x, y) = (node.inputs[0], node.output);
            let Some((before, maker)) = links.only_for_reader(graph, x) else {
                return Ok(false);
            };
            let first = match &maker.op {
                Op::Conv(conv) => conv.clamp,
                Op::Dense { clamp } => *clamp,
                Op::Binary {
                    function: BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul,
                    clamp,
                } => *clamp,
                _ => return Ok(false),
            };
            // Integers must not be requantised on the way.
            let (from, to) = (graph.value(x), graph.value(y));
            if from.dtype != to.dtype || from.qparams != to.qparams {
                return Ok(false);
            }
            let bounds = first.map_or(then, |first: Clamp| first.followed_by(then));
            set_clamp(&mut graph.nodes[before].op, bounds);
            graph.nodes[before].output = y;
            graph.nodes.remove(index);
            Ok(true)
        })
    }
}
