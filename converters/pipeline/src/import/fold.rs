//! Operators on constants are computed at once.

use redpoll_graph::{Error, Graph, Node, Op, QParams, Tensor, ValueId, eval};

/// Elements above which a result is not stored as a constant.
const MAX_RESULT: usize = 1 << 24;
/// Elements of all constants of a graph together above which nothing more is stored: 2²⁸, a GiB of floats.
const MAX_TOTAL: usize = 1 << 28;
/// Work, in multiply-accumulates or elements, that folding may do in one go.
const MAX_WORK: usize = 1 << 30;

/// What folding may still store and do: a few bytes of a model must not ask for unbounded memory or time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    elements: usize,
    work: usize,
}

impl Budget {
    /// What is left beside the constants that the graph holds.
    pub fn of(graph: &Graph) -> Self {
        let held = |total: usize, t: &Tensor| total.saturating_add(t.len());
        let constants = graph.values.iter().filter_map(|v| v.constant.as_deref());
        Self {
            elements: MAX_TOTAL.saturating_sub(constants.fold(0, held)),
            work: MAX_WORK,
        }
    }

    /// Takes elements and work off; false, and nothing taken, when there is not enough.
    pub fn take(&mut self, elements: usize, work: usize) -> bool {
        let left = (
            self.elements.checked_sub(elements),
            self.work.checked_sub(work),
        );
        match left {
            (Some(elements), Some(work)) => {
                *self = Self { elements, work };
                true
            }
            _ => false,
        }
    }
}

/// The result of `node` when all its inputs are constants and it is worth storing. The node need not be in the graph,
/// its output value must.
///
/// Quantised constants are only moved, never computed with: their scales say more than the numbers.
///
/// # Errors
/// Those of the evaluator.
pub(crate) fn fold(
    graph: &Graph,
    node: &Node,
    budget: &mut Budget,
) -> Result<Option<Tensor>, Error> {
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
    let read = tensors
        .iter()
        .map(|t| t.len())
        .fold(elements, usize::saturating_add);
    let work = match node.op {
        Op::Recurrent(_) => return Ok(None),
        Op::MatMul | Op::Dense { .. } | Op::Conv(_) | Op::Pool(_) => elements.saturating_mul(read),
        _ => read,
    };
    if elements > MAX_RESULT || !budget.take(elements, work) {
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
    let constant = |graph: &mut Graph, t: &Tensor| graph.add_constant("x", t.clone());
    let inputs: Vec<ValueId> = tensors.iter().map(|t| constant(&mut graph, t)).collect();
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
