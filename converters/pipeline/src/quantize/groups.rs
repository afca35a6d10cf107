//! Values that must share one scale and zero point, because integers move between them as they are.

use redpoll_graph::shape::{keeps_qparams, qparams_operands};
use redpoll_graph::{Graph, ValueId};

use super::select::Choice;

/// A partition of the values.
pub(super) struct Groups(Vec<u32>);

impl Groups {
    /// Joins operands and result of every int8 node that keeps scale and zero point.
    pub(super) fn of(graph: &Graph, choices: &[Choice]) -> Self {
        let mut groups = Self((0..graph.values.len() as u32).collect());
        for (node, choice) in graph.nodes.iter().zip(choices) {
            if *choice == Choice::Int8 && keeps_qparams(&node.op) {
                for &operand in qparams_operands(&node.op, &node.inputs) {
                    groups.join(operand, node.output);
                }
            }
        }
        groups
    }

    /// The value that stands for the group of `id`.
    pub(super) fn representative(&self, id: ValueId) -> ValueId {
        let mut at = id.0;
        while self.0[at as usize] != at {
            at = self.0[at as usize];
        }
        ValueId(at)
    }

    fn join(&mut self, a: ValueId, b: ValueId) {
        let (a, b) = (self.representative(a), self.representative(b));
        self.0[a.index()] = b.0;
        // Short paths: what was asked for points at the top now.
        self.0[b.index()] = b.0;
    }
}
