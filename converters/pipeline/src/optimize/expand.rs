//! Broadcasts that the operator after them does anyway.

use redpoll_graph::{Graph, Op, ValueId, shape};

use super::Rule;
use super::edit::each_node;
use crate::Error;

/// Lets two-operand operators read what was expanded, where that gives the same shape.
pub(crate) struct DropExpand;

impl Rule for DropExpand {
    fn name(&self) -> &'static str {
        "drop expand"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            if !matches!(node.op, Op::Binary { .. }) {
                return Ok(false);
            }
            for side in 0..2 {
                let Some((_, maker)) = links.maker(graph, node.inputs[side]) else {
                    continue;
                };
                if !matches!(maker.op, Op::Expand { .. }) {
                    continue;
                }
                let mut inputs: Vec<ValueId> = node.inputs.clone();
                inputs[side] = maker.inputs[0];
                let inferred = shape::infer(graph, &node.op, &inputs);
                if inferred.is_ok_and(|(_, s)| s == graph.value(node.output).shape) {
                    graph.nodes[index].inputs = inputs;
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}
