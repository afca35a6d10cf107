//! Look-ups by index.

use redpoll_graph::{Node, Tensor};
use redpoll_plan::{DType, Op, op};

use super::general;
use super::loops::row_major;
use super::lowering::{Done, Lowering, Refused};

pub(super) fn embedding(cx: &mut Lowering<'_>, node: &Node) -> Done {
    let &[rows, width] = cx.shape(node.inputs[1]) else {
        return Err("the table must be [R, W]".into());
    };
    if cx.dtype(node.inputs[0]) != DType::I32 {
        return Err("indices must be int32".into());
    }
    let size = |v: usize| u32::try_from(v).map_err(|_| Refused::from("a size passes 32 bits"));
    let dtype = cx.dtype(node.output);
    let zero = match dtype {
        DType::I8 if cx.is_quantized(node.output) => {
            u32::from((cx.quant(node.output)?.zero as i8).cast_unsigned())
        }
        _ => 0,
    };
    let op = op::Embedding {
        indices: cx.operand(node.inputs[0])?,
        table: cx.operand(node.inputs[1])?,
        y: cx.result(node.output)?,
        rows: size(rows)?,
        width: size(width)?,
        element_bytes: dtype.size() as u32,
        zero,
    };
    cx.step(node, Op::Embedding(op));
    Ok(())
}

/// Gather by constant indices that follow each other at one distance: a slice.
pub(super) fn gather(cx: &mut Lowering<'_>, node: &Node, axis: usize) -> Done {
    let shape = cx.shape(node.inputs[0]);
    let Some(indices) = cx.constant(node.inputs[1]).and_then(Tensor::to_i64) else {
        return general::gather(cx, node, axis);
    };
    let size = shape[axis] as i64;
    let indices: Vec<i64> = indices
        .into_iter()
        .map(|i| if i < 0 { i + size } else { i })
        .collect();
    let step = match indices.as_slice() {
        [a, b, ..] => b - a,
        _ => 1,
    };
    let even = indices.windows(2).all(|w| w[1] - w[0] == step);
    let first = indices
        .first()
        .copied()
        .filter(|_| even && indices.iter().all(|i| (0..size).contains(i)));
    let Some(first) = first else {
        return general::gather(cx, node, axis);
    };
    let own = row_major(shape);
    let (lead, tail) = (&shape[..axis], &shape[axis + 1..]);
    let dims: Vec<usize> = lead
        .iter()
        .copied()
        .chain([indices.len()])
        .chain(tail.iter().copied())
        .collect();
    let mut strides = own.clone();
    strides[axis] = own[axis] * step as isize;
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    let offset = first as usize * own[axis] as usize;
    cx.copy(
        node,
        (x, offset, &strides),
        (y, 0, &row_major(&dims)),
        &dims,
    )
}
