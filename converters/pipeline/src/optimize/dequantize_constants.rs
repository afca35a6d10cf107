//! Constants stored in integers become floats where a float operator reads them after all.

use std::sync::Arc;

use redpoll_graph::{Data, Graph, Op, Tensor, ValueId};

use super::Rule;
use super::edit::each_node;
use crate::Error;

/// Computes dequantised constants. Runs when [`FuseQdq`](super::fuse_qdq::FuseQdq) has had its chance.
pub(crate) struct DequantizeConstants;

impl Rule for DequantizeConstants {
    fn name(&self) -> &'static str {
        "dequantize constants"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, _, index| {
            let node = &graph.nodes[index];
            if node.op != Op::Dequantize || graph.outputs.contains(&node.output) {
                return Ok(false);
            }
            let (q, y) = (node.inputs[0], node.output);
            let Some(values) = dequantized(graph, q) else {
                return Ok(false);
            };
            let tensor = Tensor::new(graph.value(q).shape.clone(), Data::F32(values))?;
            graph.nodes.remove(index);
            graph.value_mut(y).constant = Some(Arc::new(tensor));
            Ok(true)
        })
    }
}

/// `f32(q − z) · s` of a constant.
fn dequantized(graph: &Graph, id: ValueId) -> Option<Vec<f32>> {
    let value = graph.value(id);
    let (integers, qparams) = (graph.constant(id)?.to_i64()?, value.qparams.as_ref()?);
    let inner: usize = qparams
        .axis
        .map_or(1, |a| value.shape[a + 1..].iter().product());
    let channels = qparams.scales.len();
    let real = |(i, q): (usize, i64)| {
        let c = i / inner.max(1) % channels.max(1);
        let z = qparams.zero_points.get(c).copied().unwrap_or(0);
        // Rounded once when the difference passes 2²⁴, as the evaluator does.
        (q - i64::from(z)) as f32 * qparams.scale_at(c)
    };
    Some(integers.into_iter().enumerate().map(real).collect())
}
