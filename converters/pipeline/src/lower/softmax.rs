//! Softmax over the last axis; over another one between two transpositions.

use redpoll_graph::Node;
use redpoll_kernels::math::exp;
use redpoll_plan::{DType, Op, TensorId, op};

use super::loops::row_major;
use super::lowering::{Done, Lowering, Refused};

pub(super) fn softmax(cx: &mut Lowering<'_>, node: &Node, axis: usize) -> Done {
    let shape = cx.shape(node.inputs[0]);
    let x = cx.operand(node.inputs[0])?;
    if shape[axis + 1..].iter().all(|&d| d == 1) {
        let y = cx.result(node.output)?;
        return rows(cx, node, shape[axis], x, y);
    }
    let mut perm: Vec<usize> = (0..shape.len()).collect();
    perm.remove(axis);
    perm.push(axis);
    let moved: Vec<usize> = perm.iter().map(|&p| shape[p]).collect();
    let own = row_major(shape);
    let strides: Vec<isize> = perm.iter().map(|&p| own[p]).collect();
    let dtype = cx.dtype(node.inputs[0]);
    let before = cx.temporary(node.inputs[0], dtype, &moved)?;
    cx.copy(
        node,
        (x, 0, &strides),
        (before, 0, &row_major(&moved)),
        &moved,
    )?;
    let after = cx.temporary(node.output, dtype, &moved)?;
    rows(cx, node, shape[axis], before, after)?;
    let y = cx.result(node.output)?;
    cx.copy(
        node,
        (after, 0, &row_major(&moved)),
        (y, 0, &strides),
        &moved,
    )
}

fn rows(cx: &mut Lowering<'_>, node: &Node, count: usize, x: TensorId, y: TensorId) -> Done {
    let size = |v: usize| u32::try_from(v).map_err(|_| Refused::from("a size passes 32 bits"));
    let outer = size(cx.value(node.output).len() / count.max(1))?;
    let count = size(count)?;
    if !cx.is_quantized(node.inputs[0]) {
        if cx.dtype(node.inputs[0]) != DType::F32 {
            return Err("only f32 and quantised data are supported".into());
        }
        cx.step(node, Op::SoftmaxF32(op::SoftmaxF32 { x, y, outer, count }));
        return Ok(());
    }
    let (x_quant, y_quant) = (cx.quant(node.inputs[0])?, cx.quant(node.output)?);
    let table: Vec<f32> = (0..256).map(|i| exp((-i) as f32 * x_quant.scale)).collect();
    let table = cx.weights_f32(format!("{}.exp", node.name), &table)?;
    let (scale, y_zero) = (y_quant.scale, y_quant.zero);
    cx.step(
        node,
        Op::SoftmaxI8(op::SoftmaxI8 {
            x,
            y,
            table,
            outer,
            count,
            scale,
            y_zero,
        }),
    );
    Ok(())
}
