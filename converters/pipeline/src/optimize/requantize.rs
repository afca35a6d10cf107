//! Dequantisation next to quantisation, and movement between the two.

use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{bypass, each_node, insert};
use super::fuse_qdq::is_per_tensor;
use crate::Error;

/// `Q(DQ(q))` is q where the scales are equal, and a requantisation otherwise.
pub(crate) struct Requantize;

impl Rule for Requantize {
    fn name(&self) -> &'static str {
        "requantize"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let Some((_, before)) = links.maker(graph, node.inputs[0]) else {
                return Ok(false);
            };
            if node.op != Op::Quantize || before.op != Op::Dequantize {
                return Ok(false);
            }
            let (q, y) = (before.inputs[0], node.output);
            let (from, to) = (graph.value(q), graph.value(y));
            if from.dtype == to.dtype && from.qparams == to.qparams && bypass(graph, index, q) {
                return Ok(true);
            }
            if !is_per_tensor(graph, q) || !is_per_tensor(graph, y) {
                return Ok(false);
            }
            let node = &mut graph.nodes[index];
            node.op = Op::Requantize;
            node.inputs = vec![q];
            Ok(true)
        })
    }
}

/// Movement of dequantised values is movement of the integers, dequantised afterwards.
pub(crate) struct HoistMovement;

impl Rule for HoistMovement {
    fn name(&self) -> &'static str {
        "move integers"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let moves = matches!(
                node.op,
                Op::Transpose { .. } | Op::Reshape { .. } | Op::Slice { .. } | Op::Expand { .. }
            );
            let Some((_, before)) = node.inputs.first().and_then(|&x| links.maker(graph, x)) else {
                return Ok(false);
            };
            let q = before.inputs[0];
            if !moves || before.op != Op::Dequantize || !is_per_tensor(graph, q) {
                return Ok(false);
            }
            let name = format!("{}_quantized", graph.value(node.output).name);
            let op = node.op.clone();
            let moved = insert(graph, index, &name, op, &[q])?;
            let node = &mut graph.nodes[index + 1];
            node.op = Op::Dequantize;
            node.inputs = vec![moved];
            Ok(true)
        })
    }
}
