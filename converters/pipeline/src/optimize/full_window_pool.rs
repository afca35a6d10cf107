//! Pooling over the whole plane is a reduction.

use redpoll_graph::op::{PoolKind, ReduceKind};
use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::each_node;
use crate::Error;

/// A window as large as the plane, without border, becomes a mean or maximum over the spatial axes.
pub(crate) struct FullWindowPool;

impl Rule for FullWindowPool {
    fn name(&self) -> &'static str {
        "full-window pool"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, _, index| {
            let node = &graph.nodes[index];
            let Op::Pool(pool) = &node.op else {
                return Ok(false);
            };
            let shape = &graph.value(node.inputs[0]).shape;
            let rank = shape.len();
            let spatial = &shape[1..rank - 1];
            let bare = pool
                .pads_before
                .iter()
                .chain(&pool.pads_after)
                .all(|&p| p == 0);
            if !bare || pool.kernel != spatial || pool.dilations.iter().any(|&d| d != 1) {
                return Ok(false);
            }
            let kind = match pool.kind {
                PoolKind::Max => ReduceKind::Max,
                PoolKind::Average => ReduceKind::Mean,
            };
            graph.nodes[index].op = Op::Reduce {
                kind,
                axes: (1..rank - 1).collect(),
                keep_dims: true,
            };
            Ok(true)
        })
    }
}
