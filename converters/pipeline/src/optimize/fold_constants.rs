//! Constant folding: what depends on constants alone is computed now.

use std::sync::Arc;

use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{Links, each_node, insert, stored};
use crate::Error;
use crate::import::fold::{Budget, fold};

/// Computes nodes whose operands are all constants. Dequantised constants stay in integers, but a transposition or
/// reshape of one is done on the integers.
pub(crate) struct FoldConstants;

impl Rule for FoldConstants {
    fn name(&self) -> &'static str {
        "fold constants"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        let mut budget = Budget::of(graph);
        each_node(graph, |graph, links, index| {
            if move_stored(graph, links, index)? {
                return Ok(true);
            }
            let node = &graph.nodes[index];
            if graph.outputs.contains(&node.output) {
                return Ok(false);
            }
            let output = node.output;
            let Some(tensor) = fold(graph, node, &mut budget).map_err(|e| e.at(&node.name))? else {
                return Ok(false);
            };
            graph.nodes.remove(index);
            graph.value_mut(output).constant = Some(Arc::new(tensor));
            Ok(true)
        })
    }
}

/// Movement of a dequantised constant becomes dequantisation of the moved constant.
fn move_stored(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let Some(stored) = node.inputs.first().and_then(|&id| stored(graph, links, id)) else {
        return Ok(false);
    };
    let per_tensor = graph
        .value(stored)
        .qparams
        .as_ref()
        .is_some_and(|q| q.is_per_tensor());
    let movable = match node.op {
        Op::Transpose { .. } => true,
        Op::Reshape { .. } => per_tensor,
        _ => false,
    };
    if !movable {
        return Ok(false);
    }
    let (op, name) = (
        node.op.clone(),
        format!("{}_stored", graph.value(stored).name),
    );
    let moved = insert(graph, index, &name, op, &[stored])?;
    let node = &mut graph.nodes[index + 1];
    node.op = Op::Dequantize;
    node.inputs = vec![moved];
    Ok(true)
}
