//! The border between float and integers, casts.

use redpoll_graph::{self as graph, Node};
use redpoll_plan::{DType, Op, op};

use super::elementwise::{same_integers, table};
use super::general;
use super::lowering::{Done, Lowering};

pub(super) fn quantize(cx: &mut Lowering<'_>, node: &Node) -> Done {
    if cx.dtype(node.inputs[0]) != DType::F32 {
        return Err("only f32 can be quantised".into());
    }
    let quant = cx.quant(node.output)?;
    let (scale, zero) = (quant.scale, quant.zero);
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    cx.step(node, Op::Quantize(op::Quantize { x, y, scale, zero }));
    Ok(())
}

pub(super) fn dequantize(cx: &mut Lowering<'_>, node: &Node) -> Done {
    if cx.dtype(node.inputs[0]) != DType::I8 {
        return Err("only 8-bit activations can be made float again".into());
    }
    let quant = cx.quant(node.inputs[0])?;
    let (scale, zero) = (quant.scale, quant.zero);
    let x = cx.operand(node.inputs[0])?;
    let y = cx.result(node.output)?;
    cx.step(node, Op::Dequantize(op::Dequantize { x, y, scale, zero }));
    Ok(())
}

/// A table, or nothing where only the signedness changes.
pub(super) fn requantize(cx: &mut Lowering<'_>, node: &Node) -> Done {
    if same_integers(cx, node.inputs[0], node.output) {
        return cx.alias(node.inputs[0], node.output);
    }
    table(cx, node, 0)
}

/// Casts that move nothing, and 8-bit integers to f32.
pub(super) fn cast(cx: &mut Lowering<'_>, node: &Node, to: graph::DType) -> Done {
    let from = cx.value(node.inputs[0]);
    if from.dtype == to && !from.is_quantized() {
        return cx.alias(node.inputs[0], node.output);
    }
    let zero = match (from.dtype, to) {
        (graph::DType::I8, graph::DType::F32) if !from.is_quantized() => 0,
        (graph::DType::U8, graph::DType::F32) if !from.is_quantized() => -128,
        _ if !from.is_quantized() => return general::convert(cx, node),
        _ => return Err("of quantised data: dequantise it instead".into()),
    };
    let mut x = cx.operand(node.inputs[0])?;
    if from.dtype == graph::DType::U8 {
        let flipped = cx.temporary(node.inputs[0], DType::I8, &from.shape)?;
        cx.step(node, Op::FlipSign(op::FlipSign { x, y: flipped }));
        x = flipped;
    }
    let y = cx.result(node.output)?;
    cx.step(
        node,
        Op::Dequantize(op::Dequantize {
            x,
            y,
            scale: 1.0,
            zero,
        }),
    );
    Ok(())
}
