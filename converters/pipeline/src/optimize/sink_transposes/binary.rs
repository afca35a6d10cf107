//! Transpositions below operators of two operands.

use redpoll_graph::{Error as GraphError, Graph, Op, ValueId};

use super::transposed;
use crate::Error;
use crate::optimize::edit::{Links, insert, inverse, is_constant, moves_nothing, split};

/// What becomes of the operand that stands beside a transposed one.
enum Other {
    /// It was transposed alike: read what was transposed.
    Source(ValueId),
    /// One element: stays as it is.
    Scalar,
    /// Elements stay where they are: a reshape.
    Reshape(Vec<usize>),
    /// A constant or an input of the model: transposed the other way.
    Inverse,
}

/// Both operands transposed alike, or one of them beside one that is cheaply brought into the same order.
pub(super) fn sink(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let rank = graph.value(node.output).shape.len();
    for side in 0..2 {
        let Some((source, perm)) = transposed(graph, links, node.inputs[side]) else {
            continue;
        };
        let beside = node.inputs[1 - side];
        if perm.len() != rank {
            continue;
        }
        let Some(other) = other(graph, links, (source, &perm), beside) else {
            continue;
        };
        let before = graph.nodes.len();
        let beside = match other {
            Other::Source(id) => id,
            Other::Scalar => beside,
            Other::Reshape(shape) => reshape(graph, index, beside, shape)?,
            Other::Inverse => inverted(graph, index, beside, &perm)?,
        };
        let index = index + graph.nodes.len() - before;
        let mut inputs = vec![source; 2];
        inputs[1 - side] = beside;
        let op = graph.nodes[index].op.clone();
        split(graph, index, op, inputs, Op::Transpose { perm })?;
        return Ok(true);
    }
    Ok(false)
}

fn other(
    graph: &Graph,
    links: &Links,
    (source, perm): (ValueId, &[usize]),
    beside: ValueId,
) -> Option<Other> {
    if let Some((id, same)) = transposed(graph, links, beside)
        && same == perm
    {
        return Some(Other::Source(id));
    }
    let value = graph.value(beside);
    if value.len() == 1 && value.qparams.as_ref().is_none_or(|q| q.is_per_tensor()) {
        return Some(Other::Scalar);
    }
    if is_constant(graph, links, beside) {
        return Some(Other::Inverse);
    }
    let padded = padded(&value.shape, perm.len());
    let back = inverse(perm);
    if moves_nothing(&back, &padded) {
        return Some(Other::Reshape(back.iter().map(|&i| padded[i]).collect()));
    }
    // A model input may be transposed at the start; not the other way round, or the two would take turns for ever.
    let input = |id: ValueId| graph.inputs.contains(&id);
    (input(beside) && !input(source)).then_some(Other::Inverse)
}

/// `shape` with axes of length 1 in front up to `rank`.
fn padded(shape: &[usize], rank: usize) -> Vec<usize> {
    let mut out = vec![1; rank.saturating_sub(shape.len())];
    out.extend_from_slice(shape);
    out
}

fn reshape(
    graph: &mut Graph,
    index: usize,
    x: ValueId,
    shape: Vec<usize>,
) -> Result<ValueId, GraphError> {
    if graph.value(x).shape == shape {
        return Ok(x);
    }
    let name = format!("{}_reshape", graph.value(x).name);
    insert(graph, index, &name, Op::Reshape { shape }, &[x])
}

/// `x` brought to the rank of `perm` and into the order before it.
fn inverted(
    graph: &mut Graph,
    index: usize,
    x: ValueId,
    perm: &[usize],
) -> Result<ValueId, GraphError> {
    let before = graph.nodes.len();
    let shape = padded(&graph.value(x).shape, perm.len());
    let x = reshape(graph, index, x, shape)?;
    let at = index + graph.nodes.len() - before;
    let name = format!("{}_transpose", graph.value(x).name);
    let perm = inverse(perm);
    insert(graph, at, &name, Op::Transpose { perm }, &[x])
}
