//! Operators on constants are computed at once.

use redpoll_graph::{Error, Graph, Node, Op, QParams, Tensor, ValueId, eval};

/// Elements above which a result is not stored as a constant.
const MAX_RESULT: usize = 1 << 24;
/// Work above which a node is left for run time.
const MAX_WORK: usize = 1 << 28;

/// The result of `node` when all its inputs are constants and it is worth storing. The node need not be in the graph,
/// its output value must.
///
/// Quantised constants are only moved, never computed with: their scales say more than the numbers.
///
/// # Errors
/// Those of the evaluator.
pub(crate) fn fold(graph: &Graph, node: &Node) -> Result<Option<Tensor>, Error> {
    let tensors: Option<Vec<&Tensor>> = node.inputs.iter().map(|&id| graph.constant(id)).collect();
    let Some(tensors) = tensors else {
        return Ok(None);
    };
    let has_scale = |id: &ValueId| graph.value(*id).qparams.is_some();
    let converts = matches!(node.op, Op::Quantize | Op::Dequantize | Op::Requantize);
    let scaled = node.inputs.iter().any(has_scale);
    if converts || (scaled && !moves(&node.op)) {
        return Ok(None);
    }
    let elements = graph.value(node.output).len();
    let inner = match node.op {
        Op::MatMul | Op::Dense { .. } | Op::Conv(_) => tensors.get(1).map_or(1, |w| w.len()),
        _ => 1,
    };
    if elements > MAX_RESULT || elements.saturating_mul(inner) > MAX_WORK {
        return Ok(None);
    }
    if scaled {
        return bare(&node.op, &tensors).map(Some);
    }
    eval::node(graph, node, &tensors).map(Some)
}

/// Movement of the integers alone: scales along an axis move with it, which graphs do not know.
fn bare(op: &Op, tensors: &[&Tensor]) -> Result<Tensor, Error> {
    let mut graph = Graph::default();
    let inputs: Vec<ValueId> = tensors
        .iter()
        .map(|&t| graph.add_constant("x", t.clone()))
        .collect();
    graph.add_node("y", op.clone(), &inputs)?;
    eval::node(&graph, &graph.nodes[0], tensors)
}

/// The scale of moved integers: that of the operand, along the axis where it went.
pub(crate) fn moved_qparams(graph: &Graph, op: &Op, input: ValueId) -> Option<QParams> {
    let mut qparams = graph.value(input).qparams.clone()?;
    if let (Op::Transpose { perm }, Some(axis)) = (op, qparams.axis) {
        qparams.axis = perm.iter().position(|&p| p == axis);
    }
    Some(qparams)
}

/// Movement of one operand after which its scales still fit: those along an axis follow a transposition only.
fn moves(op: &Op) -> bool {
    matches!(op, Op::Transpose { .. } | Op::Reshape { .. })
}
