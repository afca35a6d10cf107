//! Reshapes in a row become one; a reduction keeps or drops its axes as the reshape after it wants.

use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{Links, each_node};
use crate::Error;

/// Merges a reshape with the reshape or reduction before it.
pub(crate) struct MergeReshapes;

impl Rule for MergeReshapes {
    fn name(&self) -> &'static str {
        "merge reshapes"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let Op::Reshape { .. } = node.op else {
                return Ok(false);
            };
            let x = node.inputs[0];
            match links.maker(graph, x) {
                Some((_, before)) if matches!(before.op, Op::Reshape { .. }) => {
                    graph.nodes[index].inputs = before.inputs.clone();
                    Ok(true)
                }
                Some((maker, _)) if links.is_single(x) => {
                    Ok(into_reduction(graph, links, maker, index))
                }
                _ => Ok(false),
            }
        })
    }
}

/// Flips `keep_dims` of the reduction at `maker` when that gives the shape of the reshape at `index`.
fn into_reduction(graph: &mut Graph, links: &Links, maker: usize, index: usize) -> bool {
    let (reduction, reshape) = (&graph.nodes[maker], &graph.nodes[index]);
    let Op::Reduce {
        kind,
        axes,
        keep_dims,
    } = &reduction.op
    else {
        return false;
    };
    debug_assert!(
        links.is_single(reduction.output),
        "others would see the new shape"
    );
    let from = &graph.value(reduction.inputs[0]).shape;
    let flipped: Vec<usize> = from
        .iter()
        .enumerate()
        .filter_map(|(i, &d)| match (axes.contains(&i), *keep_dims) {
            (false, _) => Some(d),
            (true, false) => Some(1),
            (true, true) => None,
        })
        .collect();
    if flipped != graph.value(reshape.output).shape {
        return false;
    }
    let op = Op::Reduce {
        kind: *kind,
        axes: axes.clone(),
        keep_dims: !keep_dims,
    };
    let output = reshape.output;
    graph.nodes[maker].op = op;
    graph.nodes[maker].output = output;
    graph.nodes.remove(index);
    true
}
