//! Structure: ids, order, writers, names, constants.

use std::collections::HashSet;

use crate::error::{Error, ErrorKind};
use crate::graph::{Graph, Value, ValueId};
use crate::shape::check_size;

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

pub(super) fn check(graph: &Graph) -> Result<(), Error> {
    check_ids(graph)?;
    check_order(graph)?;
    check_names(graph)?;
    for value in used_values(graph) {
        check_size(&value.shape)?;
        if let Some(tensor) = &value.constant
            && (tensor.dtype() != value.dtype || tensor.shape() != value.shape)
        {
            return Err(invalid(format!(
                "constant \"{}\" is {} {:?} but holds {} {:?}",
                value.name,
                value.dtype,
                value.shape,
                tensor.dtype(),
                tensor.shape()
            )));
        }
    }
    Ok(())
}

/// Every value that the model or a node names, once, in the order of the list. Ids must be in range.
pub(super) fn used_values(graph: &Graph) -> impl Iterator<Item = &Value> {
    let mut used = vec![false; graph.values.len()];
    for id in all_ids(graph) {
        used[id.index()] = true;
    }
    graph
        .values
        .iter()
        .zip(used)
        .filter_map(|(value, used)| used.then_some(value))
}

fn all_ids(graph: &Graph) -> impl Iterator<Item = ValueId> {
    let of_nodes = graph
        .nodes
        .iter()
        .flat_map(|n| n.inputs.iter().copied().chain([n.output]));
    let of_model = graph.inputs.iter().chain(&graph.outputs).copied();
    of_nodes.chain(of_model)
}

fn check_ids(graph: &Graph) -> Result<(), Error> {
    match all_ids(graph).find(|id| id.index() >= graph.values.len()) {
        Some(id) => Err(invalid(format!("there is no value {}", id.0))),
        None => Ok(()),
    }
}

fn check_order(graph: &Graph) -> Result<(), Error> {
    let name = |id: ValueId| &graph.value(id).name;
    let mut ready: Vec<bool> = graph.values.iter().map(|v| v.constant.is_some()).collect();
    for &id in &graph.inputs {
        if std::mem::replace(&mut ready[id.index()], true) {
            return Err(invalid(format!(
                "input \"{}\" is listed twice or is a constant",
                name(id)
            )));
        }
    }
    for node in &graph.nodes {
        if let Some(&id) = node.inputs.iter().find(|id| !ready[id.index()]) {
            return Err(
                invalid(format!("\"{}\" is read before it is made", name(id))).at(&node.name),
            );
        }
        if std::mem::replace(&mut ready[node.output.index()], true) {
            return Err(
                invalid(format!("\"{}\" has a second writer", name(node.output))).at(&node.name),
            );
        }
    }
    match graph.outputs.iter().find(|id| !ready[id.index()]) {
        Some(&id) => Err(invalid(format!("output \"{}\" is never made", name(id)))),
        None => Ok(()),
    }
}

fn check_names(graph: &Graph) -> Result<(), Error> {
    let mut names = HashSet::new();
    if let Some(v) = used_values(graph).find(|v| !names.insert(v.name.as_str())) {
        return Err(invalid(format!("two values are called \"{}\"", v.name)));
    }
    let mut names = HashSet::new();
    match graph.nodes.iter().find(|n| !names.insert(n.name.as_str())) {
        Some(n) => Err(invalid(format!("two nodes are called \"{}\"", n.name))),
        None => Ok(()),
    }
}
