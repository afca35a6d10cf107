//! Common subexpressions: the same operator on the same operands is computed once.

use std::collections::HashMap;
use std::sync::Arc;

use redpoll_graph::{Graph, ValueId};

use super::Rule;
use super::edit::{Links, bypass};
use crate::Error;

/// Elements up to which constants are compared by contents.
const SMALL: usize = 4096;

/// Merges equal nodes, and equal small constants.
pub(crate) struct CommonSubexpressions;

impl Rule for CommonSubexpressions {
    fn name(&self) -> &'static str {
        "common subexpressions"
    }

    fn apply(&self, graph: &mut Graph) -> Result<usize, Error> {
        merge_constants(graph);
        let mut changes = 0;
        let mut seen: HashMap<String, ValueId> = HashMap::new();
        let mut index = 0;
        while index < graph.nodes.len() {
            let node = &graph.nodes[index];
            let output = graph.value(node.output);
            // Quantising nodes differ in their results' types and scales.
            let key = format!(
                "{:?} {:?} {:?} {:?}",
                node.op, node.inputs, output.dtype, output.qparams
            );
            let output = node.output;
            match seen.get(&key).copied() {
                Some(first) if bypass(graph, index, first) => changes += 1,
                Some(_) => index += 1,
                None => {
                    seen.insert(key, output);
                    index += 1;
                }
            }
        }
        Ok(changes)
    }
}

/// Lets readers of a constant read the first one with the same contents. Not counted: nothing is computed less.
fn merge_constants(graph: &mut Graph) {
    let links = Links::of(graph);
    let mut first: Vec<ValueId> = Vec::new();
    let mut merged = Vec::new();
    for i in 0..graph.values.len() {
        let id = ValueId(u32::try_from(i).unwrap_or(u32::MAX));
        let value = graph.value(id);
        let Some(tensor) = value.constant.as_ref().filter(|t| t.len() <= SMALL) else {
            continue;
        };
        if links.readers(id).is_empty() {
            continue;
        }
        let same = first.iter().find(|&&other| {
            let other = graph.value(other);
            let equal = |t: &Arc<_>| Arc::ptr_eq(t, tensor) || t == tensor;
            other.qparams == value.qparams && other.constant.as_ref().is_some_and(equal)
        });
        match same {
            Some(&other) => merged.push((id, other)),
            None => first.push(id),
        }
    }
    for (from, to) in merged {
        if !graph.outputs.contains(&from) {
            graph.replace_uses(from, to);
        }
    }
}
