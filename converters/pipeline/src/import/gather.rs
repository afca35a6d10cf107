//! Indexing.

use redpoll_graph::{DType, Op};

use super::importer::Importer;
use super::node::{OnnxNode, Outputs, axis_of, invalid};

/// Gather-1, -11, -13.
pub(crate) fn gather(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (data, indices) = (node.input(0)?, node.input(1)?);
    let axis = axis_of(node.int_or("axis", 0)?, import.rank(data))?;
    if !matches!(import.dtype(indices), DType::I32 | DType::I64) {
        return invalid("indices must be INT32 or INT64");
    }
    Ok(vec![import.emit(
        node,
        Op::Gather { axis },
        &[data, indices],
    )?])
}
