//! Import: ONNX messages become a graph, or the list of all gaps at once.
//!
//! One file a family of operators, under the names that the families have in the graph crate; `table` says which
//! operator is handled from which opset on. Windowed operators become channels-last at once, between two transpositions
//! that optimisation removes; whatever depends on constants alone is computed here.

mod activation;
mod attention;
mod blocks;
mod bounds;
mod compose;
mod constant;
mod control;
mod conv;
mod conv_transpose;
mod convert;
mod counted;
mod deform_conv;
mod dense;
mod einsum;
mod elementwise;
pub(crate) mod fold;
mod functions;
mod gather;
mod importer;
mod index;
mod inputs;
mod interpolate;
mod layout;
mod loss;
mod microsoft;
mod movement;
mod narrow;
mod node;
mod norm;
mod place;
mod pool;
mod pool_places;
mod quantized;
mod recurrent;
mod reduce;
mod resize;
mod roi_align;
mod round_float;
mod sample;
mod scan;
mod shapes;
mod signal;
mod slice;
mod state;
mod subgraph;
mod suppress;
mod table;
mod tensor;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use redpoll_graph::{Op, Tensor, ValueId};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{Model, TensorData};
use redpoll_plan::SIZES;

use crate::{Error, ErrorKind, Gap, Imported};
use importer::{Importer, Known};
pub use microsoft::microsoft_operators;
use node::{OnnxNode, Stop};
pub use shapes::input_shapes;
pub use table::operators;

/// Nodes above which a model is refused: the rules of optimisation look at all nodes for each change.
const MAX_NODES: usize = 20_000;

/// Choices of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// Sizes of named dimensions.
    pub dims: BTreeMap<String, usize>,
    /// Size of a leading dimension that has no number, and no entry in [`dims`](Self::dims).
    pub batch: usize,
    /// Whole shapes of inputs by name, for dimensions without a name.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// Inputs that become constants, by name: one number for all elements, or as many as there are, with commas.
    pub set: BTreeMap<String, String>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            dims: BTreeMap::new(),
            batch: 1,
            shapes: BTreeMap::new(),
            set: BTreeMap::new(),
        }
    }
}

/// Makes a graph of an ONNX model, with concrete shapes.
///
/// # Errors
/// [`ErrorKind::Unsupported`] with all gaps; [`ErrorKind::Invalid`] for a model that contradicts itself, and for a
/// dimension without a size (the message says which `--dim NAME=N` to give).
pub fn import(model: &Model, options: &ImportOptions) -> Result<Imported, Error> {
    let nodes = model.graph().node.len();
    if nodes > MAX_NODES {
        let message = format!("the model has {nodes} nodes; {MAX_NODES} are the limit");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let mut import = Importer::new(model);
    import.graph.name = model.graph().name.clone();
    metadata(&mut import);
    inputs::constants(&mut import)?;
    inputs::check_names(&import, options)?;
    inputs::inputs(&mut import, options)?;
    let nodes = functions::inlined(model)?;
    for proto in &nodes {
        one(&mut import, proto)?;
    }
    let gaps = std::mem::take(&mut import.gaps);
    if !gaps.is_empty() {
        return Err(Error::unsupported(gaps));
    }
    outputs(&mut import)?;
    redpoll_graph::verify(&import.graph)?;
    Ok(Imported(import.graph))
}

/// A decoded ONNX tensor as the graph holds it: floats of any width as f32, narrow integers as they are or wider.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for an element type that the graph has not, [`ErrorKind::Invalid`] beyond the limits.
pub fn tensor(data: &TensorData) -> Result<Tensor, Error> {
    tensor::tensor_of(data).map_err(|stop| match stop {
        Stop::Gap(reason) => Error::new(ErrorKind::Unsupported, reason),
        Stop::Invalid(reason) => Error::new(ErrorKind::Invalid, reason),
        Stop::Blocked => Error::new(ErrorKind::Internal, "a tensor is blocked"),
    })
}

/// Imports one node, or notes why not.
fn one(import: &mut Importer<'_>, proto: &NodeProto) -> Result<(), Error> {
    let first = proto.output.first().map_or("", String::as_str);
    let label = if proto.name.is_empty() {
        first
    } else {
        &proto.name
    };
    let name = import.unique_node_name(label);
    let (op_type, result) = match lookup(import, proto) {
        Err(reason) => (full_name(proto), Err(Stop::Gap(reason))),
        Ok(function) => (
            proto.op_type.clone(),
            resolve(import, proto, name)
                .and_then(|mut node| bounds::import(import, &mut node, function)),
        ),
    };
    match result {
        Ok(values) => {
            let named = proto.output.iter().zip(values);
            for (output, value) in named.filter(|(o, _)| !o.is_empty()) {
                import.define(output, Known::Value(value));
            }
            return Ok(());
        }
        Err(Stop::Gap(reason)) => import.gaps.push(Gap {
            node: label.to_owned(),
            op: op_type,
            reason,
        }),
        Err(Stop::Invalid(reason)) => {
            let message = format!("node \"{label}\" ({op_type}): {reason}");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Err(Stop::Blocked) => {}
    }
    for output in &proto.output {
        import.define(output, Known::Missing);
    }
    Ok(())
}

/// The operator with its domain, when that is not the standard one.
fn full_name(proto: &NodeProto) -> String {
    match proto.domain.as_str() {
        "" | "ai.onnx" => proto.op_type.clone(),
        domain => format!("{domain}.{}", proto.op_type),
    }
}

fn lookup(import: &Importer<'_>, proto: &NodeProto) -> Result<table::ImportFn, String> {
    match proto.domain.as_str() {
        "" | "ai.onnx" => table::find(&proto.op_type, import.model.opset()),
        "com.microsoft" => microsoft::find(&proto.op_type).ok_or_else(|| {
            "the operator is not supported; run the model in ONNX Runtime, or export without its fusions"
                .to_owned()
        }),
        domain => Err(format!(
            "operators of the domain {domain} are not supported; export with standard operators"
        )),
    }
}

/// Looks the inputs of a node up.
fn resolve<'p>(
    import: &Importer<'_>,
    proto: &'p NodeProto,
    name: String,
) -> Result<OnnxNode<'p>, Stop> {
    let mut inputs = Vec::with_capacity(proto.input.len());
    for input in &proto.input {
        inputs.push(match import.names.get(input) {
            _ if input.is_empty() => None,
            Some(Known::Value(id)) => Some(*id),
            Some(Known::Missing) => return Err(Stop::Blocked),
            None => return node::invalid(format!("input \"{input}\" is never made")),
        });
    }
    Ok(OnnxNode {
        proto,
        name,
        opset: import.model.opset(),
        inputs,
    })
}

/// Free text of the model, its producer and its origin.
fn metadata(import: &mut Importer<'_>) {
    let proto = import.model.proto();
    let mut add = |key: &str, text: &str| {
        if !text.is_empty() {
            import
                .graph
                .metadata
                .insert(key.to_owned(), text.to_owned());
        }
    };
    add(
        "producer",
        format!("{} {}", proto.producer_name, proto.producer_version).trim(),
    );
    for prop in &proto.metadata_props {
        add(&prop.key, &prop.value);
    }
}

/// Names the outputs as the model does. A value that is an input, a constant or an output already gets a copy.
fn outputs(import: &mut Importer<'_>) -> Result<(), Error> {
    let mut sized = Vec::new();
    let mut names = BTreeSet::new();
    for info in &import.model.graph().output {
        if !names.insert(info.name.as_str()) {
            let message = format!("two outputs are called \"{}\"", info.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let Some(Known::Value(value)) = import.names.get(&info.name).copied() else {
            let message = format!("output \"{}\" is never made", info.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let value = match import.bounds.get(&value).copied() {
            Some(bound) => {
                sized.push((import.graph.outputs.len(), bound));
                bounds::compacted(import, value, bound)?
            }
            None => value,
        };
        let graph = &import.graph;
        let taken = graph.inputs.contains(&value)
            || graph.outputs.contains(&value)
            || graph.constant(value).is_some();
        let value = if taken {
            copy(import, value, &info.name)?
        } else {
            value
        };
        import.graph.outputs.push(value);
        rename(import, value, &info.name);
    }
    let mut lines = String::new();
    for (output, bound) in sized {
        let name = format!(
            "{}.length",
            import.graph.value(import.graph.outputs[output]).name
        );
        let length = copy(import, bound.length, &name)?;
        let line = format!("{output} {} {}\n", bound.axis, import.graph.outputs.len());
        lines.push_str(&line);
        import.graph.outputs.push(length);
    }
    // Without own ones those of a model that we wrote before hold.
    if !lines.is_empty() {
        import.graph.metadata.insert(SIZES.to_owned(), lines);
    }
    Ok(())
}

/// A value of its own with the same elements.
fn copy(import: &mut Importer<'_>, value: ValueId, name: &str) -> Result<ValueId, Error> {
    let shape = import.shape(value).to_vec();
    let node_name = import.unique_node_name(name);
    Ok(import.append(&node_name, name, Op::Reshape { shape }, &[value])?)
}

/// Gives the value this name, and its own to the value that had it.
fn rename(import: &mut Importer<'_>, value: ValueId, name: &str) {
    if let Some(other) = import.graph.find_value(name).filter(|&o| o != value) {
        let own = std::mem::take(&mut import.graph.value_mut(value).name);
        import.graph.value_mut(other).name = own;
    }
    name.clone_into(&mut import.graph.value_mut(value).name);
}
