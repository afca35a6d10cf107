//! The body of a control-flow operator, imported into the graph as if it stood there.

use redpoll_graph::ValueId;
use redpoll_onnx::proto::GraphProto;

use super::importer::{Importer, Known};
use super::node::{Stop, gap, invalid};
use super::tensor::tensor_of;

/// Nodes and bodies that control flow may become, all unrolled together.
pub(crate) const MAX_UNROLLED: usize = 16_384;
/// Bodies inside one another.
const MAX_DEPTH: usize = 32;

/// Imports `graph` on `operands`, one for each of its inputs; gives its outputs.
///
/// Names of the body are known only in it, names around it are known inside.
pub(crate) fn body(
    import: &mut Importer<'_>,
    graph: &GraphProto,
    operands: &[ValueId],
) -> Result<Vec<ValueId>, Stop> {
    if import.depth >= MAX_DEPTH {
        return gap(format!("more than {MAX_DEPTH} bodies inside one another"));
    }
    import.unrolled = import.unrolled.saturating_add(1 + graph.node.len());
    if import.unrolled > MAX_UNROLLED || import.graph.nodes.len() > super::MAX_NODES {
        return gap(format!(
            "unrolling makes more than {MAX_UNROLLED} nodes; use a loop with fewer trips"
        ));
    }
    if graph.input.len() != operands.len() {
        return invalid(format!(
            "a body of {} inputs is given {}",
            graph.input.len(),
            operands.len()
        ));
    }
    let outside = import.open_scope();
    import.depth += 1;
    let outputs = inside(import, graph, operands);
    import.depth -= 1;
    import.close_scope(outside);
    outputs
}

fn inside(
    import: &mut Importer<'_>,
    graph: &GraphProto,
    operands: &[ValueId],
) -> Result<Vec<ValueId>, Stop> {
    for proto in &graph.initializer {
        let id = initializer(import, proto)?;
        import.define(&proto.name, Known::Value(id));
    }
    for (info, &id) in graph.input.iter().zip(operands) {
        import.define(&info.name, Known::Value(id));
    }
    for proto in &graph.node {
        super::one(import, proto).map_err(|e| Stop::Invalid(e.to_string()))?;
    }
    let output = |info: &redpoll_onnx::proto::ValueInfoProto| match import.names.get(&info.name) {
        Some(Known::Value(id)) => Ok(*id),
        Some(Known::Missing) => Err(Stop::Blocked),
        None => invalid(format!("output \"{}\" of a body is never made", info.name)),
    };
    graph.output.iter().map(output).collect()
}

/// A constant of a body; decoded once however often the body is unrolled.
fn initializer(
    import: &mut Importer<'_>,
    proto: &redpoll_onnx::proto::TensorProto,
) -> Result<ValueId, Stop> {
    // The messages stay where they are for the whole import.
    let key = std::ptr::from_ref(proto).addr();
    if let Some(&id) = import.decoded.get(&key) {
        return Ok(id);
    }
    let data = import.model.tensor(proto)?;
    let id = import.graph.add_constant(&proto.name, tensor_of(&data)?);
    import.note(id, data.data_type());
    import.decoded.insert(key, id);
    Ok(id)
}
