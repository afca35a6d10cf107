//! Casts that lose nothing on the way.

use redpoll_graph::{DType, Graph, Op};

use super::Rule;
use super::edit::each_node;
use crate::Error;

/// A cast of a widened integer reads the integer itself; indices may be of either integer type.
pub(crate) struct Casts;

impl Rule for Casts {
    fn name(&self) -> &'static str {
        "casts"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let operand = match node.op {
                Op::Cast { .. } | Op::Embedding => 0,
                Op::Gather { .. } => 1,
                _ => return Ok(false),
            };
            let Some((_, before)) = links.maker(graph, node.inputs[operand]) else {
                return Ok(false);
            };
            let Op::Cast { to } = before.op else {
                return Ok(false);
            };
            let x = before.inputs[0];
            let from = graph.value(x).dtype;
            let is_index = matches!(from, DType::I32 | DType::I64);
            if !widens(from, to) || (operand_is_index(&node.op) && !is_index) {
                return Ok(false);
            }
            graph.nodes[index].inputs[operand] = x;
            Ok(true)
        })
    }
}

fn operand_is_index(op: &Op) -> bool {
    matches!(op, Op::Embedding | Op::Gather { .. })
}

/// True when every number of type `from` is one of type `to`.
fn widens(from: DType, to: DType) -> bool {
    matches!(
        (from, to),
        (DType::I32, DType::I64)
            | (
                DType::I8 | DType::U8 | DType::Bool,
                DType::I32 | DType::I64 | DType::F32
            )
            | (DType::Bool, DType::I8 | DType::U8)
    )
}
