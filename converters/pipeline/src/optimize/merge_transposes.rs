//! Transpositions in a row become one; those that move no element become reshapes.

use redpoll_graph::{Graph, Op};

use super::Rule;
use super::edit::{each_node, moves_nothing};
use crate::Error;

/// Merges a transposition with the one before it.
pub(crate) struct MergeTransposes;

impl Rule for MergeTransposes {
    fn name(&self) -> &'static str {
        "merge transpositions"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        each_node(graph, |graph, links, index| {
            let node = &graph.nodes[index];
            let Op::Transpose { perm } = &node.op else {
                return Ok(false);
            };
            let x = node.inputs[0];
            let per_channel = graph
                .value(x)
                .qparams
                .as_ref()
                .is_some_and(|q| !q.is_per_tensor());
            if !perm.is_sorted() && !per_channel && moves_nothing(perm, &graph.value(x).shape) {
                let shape = graph.value(node.output).shape.clone();
                graph.nodes[index].op = Op::Reshape { shape };
                return Ok(true);
            }
            let Some((_, before)) = links.maker(graph, x) else {
                return Ok(false);
            };
            let Op::Transpose { perm: first } = &before.op else {
                return Ok(false);
            };
            let perm = perm.iter().map(|&p| first[p]).collect();
            let inputs = before.inputs.clone();
            let node = &mut graph.nodes[index];
            node.op = Op::Transpose { perm };
            node.inputs = inputs;
            Ok(true)
        })
    }
}
