//! Operators that name scale and zero point of each operand: written with the border operators around the standard one.

use redpoll_graph::op::{BinaryFn, UnaryFn};
use redpoll_graph::{DType, Op};

use super::super::compose::Compose;
use super::super::elementwise::binary;
use super::super::importer::Importer;
use super::super::layout::{to_channels_first, to_channels_last};
use super::super::node::{OnnxNode, Outputs, axis_of, invalid};
use super::super::quantized::{quantized, real};
use super::super::{dense, pool, reduce};
use super::{inner, part};

/// QLinearAdd, QLinearMul: both operands, scale and zero point of the result.
pub(super) fn qlinear_two(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let a = real(import, node, "a", [0, 1, 2], 1)?;
    let b = real(import, node, "b", [3, 4, 5], 1)?;
    let function = match node.proto.op_type.as_str() {
        "QLinearAdd" => BinaryFn::Add,
        _ => BinaryFn::Mul,
    };
    let y = part(import, node, binary(function), &[a, b])?;
    quantized(import, node, y, [6, 7])
}

/// QLinearSigmoid, QLinearLeakyRelu.
pub(super) fn qlinear_unary(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = real(import, node, "x", [0, 1, 2], 1)?;
    let function = match node.proto.op_type.as_str() {
        "QLinearSigmoid" => UnaryFn::Sigmoid,
        _ => UnaryFn::LeakyRelu {
            alpha: node.float_or("alpha", 0.01)?,
        },
    };
    let y = part(import, node, Op::Unary(function), &[x])?;
    quantized(import, node, y, [3, 4])
}

/// QLinearSoftmax, whose `opset` says which of the standard softmaxes it is.
pub(super) fn qlinear_softmax(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = real(import, node, "x", [0, 1, 2], 1)?;
    let mut about = inner(import, node, "softmax", &[x]);
    about.opset = node.int_or("opset", node.opset)?;
    let y = reduce::softmax(import, &about)?;
    quantized(import, node, y[0], [3, 4])
}

/// QLinearWhere: condition, then three inputs an operand, scale and zero point of the result.
pub(super) fn qlinear_where(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let a = real(import, node, "a", [1, 2, 3], 1)?;
    let b = real(import, node, "b", [4, 5, 6], 1)?;
    let y = part(import, node, Op::Select, &[node.input(0)?, a, b])?;
    quantized(import, node, y, [7, 8])
}

/// QLinearAveragePool, QLinearGlobalAveragePool, with channels behind the image or, by an attribute, last.
pub(super) fn qlinear_pool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let last = node.flag("channels_last")?;
    let mut x = real(import, node, "x", [0, 1, 2], 1)?;
    let rank = import.rank(x);
    if rank < 3 {
        return invalid(format!("{:?} has no image", import.shape(x)));
    }
    if last {
        x = Compose::new(import, node).transpose(x, to_channels_first(rank))?;
    }
    let about = inner(import, node, "pool", &[x]);
    let y = match node.proto.op_type.as_str() {
        "QLinearAveragePool" => pool::average_pool(import, &about)?,
        _ => pool::global_average_pool(import, &about)?,
    };
    let mut y = y[0];
    if last {
        y = Compose::new(import, node).transpose(y, to_channels_last(rank))?;
    }
    quantized(import, node, y, [3, 4])
}

/// QLinearConcat: scale and zero point of the result, then three inputs an operand.
pub(super) fn qlinear_concat(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let operands = node.inputs.len().saturating_sub(2) / 3;
    let mut inputs = Vec::with_capacity(operands);
    for i in 0..operands {
        let at = 2 + 3 * i;
        inputs.push(real(
            import,
            node,
            &format!("x{i}"),
            [at, at + 1, at + 2],
            1,
        )?);
    }
    let (Some(&first), Some(axis)) = (inputs.first(), node.proto.attr_int("axis")?) else {
        return invalid("operands or the attribute \"axis\" are missing");
    };
    let axis = axis_of(axis, import.rank(first))?;
    let y = part(import, node, Op::Concat { axis }, &inputs)?;
    quantized(import, node, y, [0, 1])
}

/// QGemm: int8 in, int8 or floats out, bias of i32 by the product of both scales.
pub(super) fn qgemm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let a = real(import, node, "a", [0, 1, 2], 1)?;
    let columns = if node.flag("transB")? { 0 } else { 1 };
    let b = real(import, node, "b", [3, 4, 5], columns)?;
    let mut inputs = vec![a, b];
    if let Some(bias) = node.optional(6) {
        let c = &mut Compose::new(import, node);
        let scale = c.mul(node.input(1)?, node.input(4)?)?;
        let bias = c.cast(bias, DType::F32)?;
        let bias = c.mul(bias, scale)?;
        // The factor is of product and bias together.
        inputs.push(c.scale(bias, node.float_or("alpha", 1.0)?)?);
    }
    let about = inner(import, node, "gemm", &inputs);
    let y = dense::gemm(import, &about)?;
    match node.optional(7) {
        Some(_) => quantized(import, node, y[0], [7, 8]),
        None => Ok(y),
    }
}
