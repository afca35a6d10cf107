//! Pooling.

use redpoll_graph::Node;
use redpoll_graph::op::{Pool, PoolKind};
use redpoll_plan::op::Reduce;
use redpoll_plan::{DType, Op, op};

use super::conv::Sliding;
use super::lowering::{Done, Lowering};

pub(super) fn pool(cx: &mut Lowering<'_>, node: &Node, pool: &Pool) -> Done {
    let sliding = Sliding {
        kernel: &pool.kernel,
        strides: &pool.strides,
        dilations: &pool.dilations,
        pads_before: &pool.pads_before,
    };
    let window = sliding.window(cx.shape(node.inputs[0]), cx.shape(node.output))?;
    let kind = match pool.kind {
        PoolKind::Max => Reduce::Max,
        PoolKind::Average => Reduce::Mean,
    };
    let count_border = pool.count_include_pad.into();
    let x = cx.operand(node.inputs[0])?;
    if !cx.is_quantized(node.inputs[0]) {
        if cx.dtype(node.inputs[0]) != DType::F32 {
            return Err("only f32 and quantised data are supported".into());
        }
        let y = cx.result(node.output)?;
        cx.step(
            node,
            Op::PoolF32(op::PoolF32 {
                kind,
                x,
                y,
                window,
                count_border,
            }),
        );
        return Ok(());
    }
    let (x_quant, y_quant) = (cx.quant(node.inputs[0])?, cx.quant(node.output)?);
    let op = op::PoolI8 {
        kind,
        x,
        y: cx.result(node.output)?,
        window,
        count_border,
        ratio: x_quant.scale / y_quant.scale,
        x_zero: x_quant.zero,
        y_zero: y_quant.zero,
        lo: -128,
        hi: 127,
    };
    cx.step(node, Op::PoolI8(op));
    Ok(())
}
