//! Dead code: nodes whose results nobody reads.

use redpoll_graph::Graph;

use super::Rule;
use crate::Error;

/// Removes nodes that no output depends on.
pub(crate) struct DeadCode;

impl Rule for DeadCode {
    fn name(&self) -> &'static str {
        "dead code"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        let mut live = vec![false; graph.values.len()];
        for id in &graph.outputs {
            live[id.index()] = true;
        }
        for node in graph.nodes.iter().rev() {
            if live[node.output.index()] {
                for id in &node.inputs {
                    live[id.index()] = true;
                }
            }
        }
        let before = graph.nodes.len();
        graph.nodes.retain(|n| live[n.output.index()]);
        Ok(before - graph.nodes.len())
    }
}
