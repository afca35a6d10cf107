//! Activations with a bias and normalisations with a sum, as transformers are exported.

use redpoll_graph::op::{BinaryFn, ReduceKind, UnaryFn};
use redpoll_graph::{Op, ValueId};

use super::super::compose::Compose;
use super::super::elementwise::binary;
use super::super::importer::Importer;
use super::super::node::{OnnxNode, Outputs, Stop, gap, invalid};

/// The optional bias (input 1) added to the first input.
pub(super) fn with_bias(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Result<ValueId, Stop> {
    let x = node.input(0)?;
    match node.optional(1) {
        Some(bias) => import.emit_part(node, "biased", binary(BinaryFn::Add), &[x, bias]),
        None => Ok(x),
    }
}

/// Gelu, BiasGelu with the error function.
pub(super) fn bias_gelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = with_bias(import, node)?;
    Ok(vec![import.emit(node, Op::Unary(UnaryFn::Gelu), &[x])?])
}

/// FastGelu with tanh.
pub(super) fn fast_gelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = with_bias(import, node)?;
    Ok(vec![import.emit(
        node,
        Op::Unary(UnaryFn::GeluTanh),
        &[x],
    )?])
}

/// QuickGelu: `x · sigmoid(alpha · x)`.
pub(super) fn quick_gelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 1.702)?;
    let x = node.input(0)?;
    let c = &mut Compose::new(import, node);
    let scaled = c.scale(x, alpha)?;
    let gate = c.unary(UnaryFn::Sigmoid, scaled)?;
    Ok(vec![c.mul(x, gate)?])
}

/// `x / sqrt(mean x² + epsilon) · scale`, or with the mean taken off first; over the last axis.
pub(super) fn normalised(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    centre: bool,
    epsilon: f32,
    scale: ValueId,
) -> Result<[ValueId; 3], Stop> {
    let axis = match c.import.rank(x).checked_sub(1) {
        Some(axis) => axis,
        None => return invalid("a scalar is normalised"),
    };
    let mean = c.reduce(ReduceKind::Mean, &[axis], true, x)?;
    let centred = if centre { c.sub(x, mean)? } else { x };
    let square = c.mul(centred, centred)?;
    let variance = c.reduce(ReduceKind::Mean, &[axis], true, square)?;
    let epsilon = c.number(epsilon)?;
    let shifted = c.add(variance, epsilon)?;
    let root = c.unary(UnaryFn::Sqrt, shifted)?;
    let inverse = c.unary(UnaryFn::Reciprocal, root)?;
    let normal = c.mul(centred, inverse)?;
    Ok([c.mul(normal, scale)?, mean, inverse])
}

/// SimplifiedLayerNormalization: without the mean.
pub(crate) fn simplified_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, scale) = (node.input(0)?, node.input(1)?);
    let rank = i64::try_from(import.rank(x)).unwrap_or(i64::MAX);
    if ![-1, rank - 1].contains(&node.int_or("axis", -1)?) {
        return gap("only the last axis is supported");
    }
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let c = &mut Compose::new(import, node);
    let [y, _, inverse] = normalised(c, x, false, epsilon, scale)?;
    Ok(vec![y, inverse])
}

/// SkipLayerNormalization (input, skip, gamma, beta, bias), SkipSimplifiedLayerNormalization (input, skip, gamma, bias).
pub(super) fn skip_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let simplified = node.proto.op_type == "SkipSimplifiedLayerNormalization";
    let (beta, bias) = if simplified {
        (None, 3)
    } else {
        (node.optional(3), 4)
    };
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let c = &mut Compose::new(import, node);
    let mut sum = c.add(node.input(0)?, node.input(1)?)?;
    if let Some(bias) = node.optional(bias) {
        sum = c.add(sum, bias)?;
    }
    let [mut y, mean, inverse] = normalised(c, sum, !simplified, epsilon, node.input(2)?)?;
    if let Some(beta) = beta {
        y = c.add(y, beta)?;
    }
    Ok(vec![y, mean, inverse, sum])
}
