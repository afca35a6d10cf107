//! The model's own functions: each call becomes the nodes of the function's body, before anything else is looked at.

use std::collections::BTreeMap;

use redpoll_onnx::Model;
use redpoll_onnx::proto::{AttributeProto, FunctionProto, NodeProto};

use super::MAX_NODES;
use crate::{Error, ErrorKind};

/// Calls within calls.
const MAX_DEPTH: usize = 32;
/// Bytes of nodes that calls may copy in all: a constant in a body is copied for every call.
const MAX_COPIED: usize = 1 << 28;

/// The nodes of the graph with all calls of the model's own functions written out.
///
/// # Errors
/// [`ErrorKind::Invalid`] for functions that call each other without end or grow beyond the limit of nodes, and for
/// missing inputs; [`ErrorKind::Unsupported`] for a body of another opset or with subgraphs.
pub(super) fn inlined(model: &Model) -> Result<Vec<NodeProto>, Error> {
    let mut out = Vec::with_capacity(model.graph().node.len());
    let mut spent = Spent::default();
    for node in &model.graph().node {
        expand(model, node.clone(), 0, &mut spent, &mut out)?;
    }
    Ok(out)
}

/// What writing out calls has cost so far.
#[derive(Default)]
struct Spent {
    calls: usize,
    bytes: usize,
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

/// The function that a node calls.
fn called<'m>(model: &'m Model, node: &NodeProto) -> Option<&'m FunctionProto> {
    let same = |f: &&FunctionProto| {
        f.name == node.op_type && f.domain == node.domain && f.overload == node.overload
    };
    model.proto().functions.iter().find(same)
}

fn expand(
    model: &Model,
    node: NodeProto,
    depth: usize,
    spent: &mut Spent,
    out: &mut Vec<NodeProto>,
) -> Result<(), Error> {
    let Some(function) = called(model, &node) else {
        if out.len() >= MAX_NODES {
            return Err(invalid(format!(
                "the model's functions make more than {MAX_NODES} nodes"
            )));
        }
        out.push(node);
        return Ok(());
    };
    spent.calls += 1;
    if depth >= MAX_DEPTH || spent.calls > MAX_NODES {
        return Err(invalid(format!(
            "function \"{}\" is called too deep or too often",
            function.name
        )));
    }
    check(model, function)?;
    let label = match node.name.as_str() {
        "" => node.output.first().map_or("", String::as_str),
        name => name,
    };
    let prefix = format!("{label}/{}", spent.calls);
    let mut names = names(function, &node);
    for inner in &function.node {
        let mut inner = inner.clone();
        inner.name = format!("{prefix}/{}", inner.name);
        for name in inner.input.iter_mut().chain(&mut inner.output) {
            if name.is_empty() {
                continue;
            }
            let known = names.get(name.as_str()).cloned();
            let actual = known.unwrap_or_else(|| format!("{prefix}/{name}"));
            names.insert(name.clone(), actual.clone());
            *name = actual;
        }
        inner.attribute = attributes(function, &node, &inner)?;
        spent.bytes = spent.bytes.saturating_add(inner.encoded_bytes());
        if spent.bytes > MAX_COPIED {
            return Err(invalid(format!(
                "calls of function \"{}\" copy more than {MAX_COPIED} bytes; give it its constants as inputs",
                function.name
            )));
        }
        expand(model, inner, depth + 1, spent, out)?;
    }
    Ok(())
}

/// What the function's inputs and outputs are called outside; an input that is left out has the empty name.
fn names(function: &FunctionProto, node: &NodeProto) -> BTreeMap<String, String> {
    let inputs = function.input.iter().enumerate();
    let inputs = inputs.map(|(i, name)| {
        let given = node.input.get(i).cloned().unwrap_or_default();
        (name.clone(), given)
    });
    let outputs = function.output.iter().zip(&node.output);
    let outputs = outputs
        .filter(|(_, given)| !given.is_empty())
        .map(|(name, given)| (name.clone(), given.clone()));
    inputs.chain(outputs).collect()
}

/// A body means the same as nodes of the model only under the same version of the operators.
fn check(model: &Model, function: &FunctionProto) -> Result<(), Error> {
    let unsupported = |why: String| Err(Error::new(ErrorKind::Unsupported, why));
    let standard = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let imports = function.opset_import.iter();
    for import in imports.filter(|i| standard(&i.domain)) {
        if import.version != model.opset() {
            return unsupported(format!(
                "function \"{}\" is of opset {}, the model of {}; inline it first (onnx.inliner)",
                function.name,
                import.version,
                model.opset()
            ));
        }
    }
    let has_graph = |a: &AttributeProto| a.g.is_some() || !a.graphs.is_empty();
    if function
        .node
        .iter()
        .flat_map(|n| &n.attribute)
        .any(has_graph)
    {
        return unsupported(format!(
            "function \"{}\" holds subgraphs; inline it first (onnx.inliner)",
            function.name
        ));
    }
    Ok(())
}

/// The attributes of a node in the body: those that name an attribute of the call get its value, or its default, or are
/// left out where it has neither.
fn attributes(
    function: &FunctionProto,
    call: &NodeProto,
    inner: &NodeProto,
) -> Result<Vec<AttributeProto>, Error> {
    let mut out = Vec::with_capacity(inner.attribute.len());
    for attribute in &inner.attribute {
        let wanted = attribute.ref_attr_name.as_str();
        if wanted.is_empty() {
            out.push(attribute.clone());
            continue;
        }
        let named = |list: &[AttributeProto]| list.iter().find(|a| a.name == wanted).cloned();
        let given = named(&call.attribute).or_else(|| named(&function.attribute_proto));
        match given {
            Some(mut given) => {
                given.name.clone_from(&attribute.name);
                out.push(given);
            }
            None if function.attribute.iter().any(|name| name == wanted) => {}
            None => {
                return Err(invalid(format!(
                    "function \"{}\" has no attribute \"{wanted}\"",
                    function.name
                )));
            }
        }
    }
    Ok(out)
}
