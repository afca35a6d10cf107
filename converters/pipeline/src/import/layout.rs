//! Channels-first operators inside a pair of transpositions, and constants in another layout.

use redpoll_graph::{Op, ValueId};

use super::importer::Importer;
use super::node::{OnnxNode, Stop};

/// `[N, C, S…]` → `[N, S…, C]`.
pub(crate) fn to_channels_last(rank: usize) -> Vec<usize> {
    let mut perm: Vec<usize> = vec![0];
    perm.extend(2..rank);
    perm.push(1);
    perm
}

/// `[N, S…, C]` → `[N, C, S…]`.
pub(crate) fn to_channels_first(rank: usize) -> Vec<usize> {
    let mut perm = vec![0, rank - 1];
    perm.extend(1..rank - 1);
    perm
}

/// Applies a channels-last `op` to a channels-first `x` (rank 3 or more): transpose, operate, transpose back.
///
/// The inner value takes the ONNX name, because the transpositions do not survive optimisation.
pub(crate) fn channels_last(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    op: Op,
    x: ValueId,
    others: &[ValueId],
) -> Result<ValueId, Stop> {
    let rank = import.rank(x);
    let mut inputs = vec![transpose(
        import,
        node,
        "to_nhwc",
        x,
        to_channels_last(rank),
    )?];
    inputs.extend_from_slice(others);
    let y = import.emit(node, op, &inputs)?;
    transpose(import, node, "nchw", y, to_channels_first(rank))
}

/// A transposition as a part of a node; nothing for the identity.
pub(crate) fn transpose(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    x: ValueId,
    perm: Vec<usize>,
) -> Result<ValueId, Stop> {
    if perm.iter().copied().eq(0..perm.len()) {
        return Ok(x);
    }
    if let Some(stored) = stored_constant(import, x) {
        let constant = import.graph.constant(stored).is_some();
        debug_assert!(constant, "a stored constant is one");
        let moved = import.emit_part(
            node,
            &format!("{part}_stored"),
            Op::Transpose { perm: perm.clone() },
            &[stored],
        )?;
        return import.emit_part(node, part, Op::Dequantize, &[moved]);
    }
    import.emit_part(node, part, Op::Transpose { perm }, &[x])
}

/// The integers behind a dequantised constant.
pub(crate) fn stored_constant(import: &Importer<'_>, id: ValueId) -> Option<ValueId> {
    let node = import.graph.nodes.iter().rev().find(|n| n.output == id)?;
    let stored = *node.inputs.first()?;
    (node.op == Op::Dequantize && import.graph.constant(stored).is_some()).then_some(stored)
}

/// True for a constant, or a constant that is stored in integers.
pub(crate) fn is_constant(import: &Importer<'_>, id: ValueId) -> bool {
    import.graph.constant(id).is_some() || stored_constant(import, id).is_some()
}
