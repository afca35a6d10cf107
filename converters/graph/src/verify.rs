//! The verifier: every invariant of a graph, run after each pass.

mod quantized;
mod structure;

use crate::error::{Error, ErrorKind};
use crate::graph::{Graph, Node};
use crate::shape;

/// Checks every invariant of `graph`; the first breach found is the error.
///
/// - ids are in range; each value is an input, a constant or the result of one earlier node;
/// - names of nodes, and of the values in use, are unique; constants hold what their value says;
/// - type and shape of each result are those that [`shape::infer`] gives;
/// - scales are finite and above zero, as many as zero points, zero points in range, per-channel ones along a
///   real axis; weights are symmetric;
/// - operands of integer operators carry scale and zero point, equal ones where integers move as they are;
/// - no accumulator can overflow 32 bits: for each channel `|bias| + Σ |w| · max |x − z_x|` and each sum is below 2³¹.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a broken structure, otherwise the kind that inference gives; the node is named.
pub fn verify(graph: &Graph) -> Result<(), Error> {
    structure::check(graph)?;
    for value in structure::used_values(graph) {
        quantized::check_value(value)?;
    }
    for node in &graph.nodes {
        check_node(graph, node).map_err(|e| e.at(&node.name))?;
    }
    Ok(())
}

/// Checks one node and its values, as [`verify`] does; order and names are not looked at.
///
/// # Errors
/// As [`verify`].
pub(crate) fn verify_node(graph: &Graph, node: &Node) -> Result<(), Error> {
    let check = || {
        for id in node.inputs.iter().chain([&node.output]) {
            let value = graph.values.get(id.index()).ok_or_else(|| {
                Error::new(ErrorKind::Invalid, format!("there is no value {}", id.0))
            })?;
            quantized::check_value(value)?;
        }
        check_node(graph, node)
    };
    check().map_err(|e| e.at(&node.name))
}

fn check_node(graph: &Graph, node: &Node) -> Result<(), Error> {
    let (dtype, shape) = shape::infer(graph, &node.op, &node.inputs)?;
    let output = graph.value(node.output);
    if output.shape != shape {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "\"{}\" is recorded as {:?}, its node gives {shape:?}",
                output.name, output.shape
            ),
        ));
    }
    if !shape::may_be(&node.op, dtype, output.dtype) {
        return Err(Error::new(
            ErrorKind::Type,
            format!(
                "\"{}\" is recorded as {}, its node gives {dtype}",
                output.name, output.dtype
            ),
        ));
    }
    quantized::check_node(graph, node)
}
