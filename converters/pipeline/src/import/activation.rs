//! Activation functions that are written out, and tests of floats.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{DType, Data, Op, Tensor, ValueId};

use super::compose::Compose;
use super::elementwise::binary;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, invalid};

/// `max(x, 0)`, of floats or whole numbers.
fn above(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    c.unary(UnaryFn::Clamp(Clamp::RELU), x)
}

/// Relu-6, -13, -14; of whole numbers the larger of each and 0.
pub(crate) fn relu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    if import.dtype(x) == DType::F32 || import.graph.value(x).qparams.is_some() {
        let op = Op::Unary(UnaryFn::Clamp(Clamp::RELU));
        return Ok(vec![import.emit(node, op, &[x])?]);
    }
    let c = &mut Compose::new(import, node);
    let zero = c.number_like(x, 0.0)?;
    Ok(vec![c.binary(BinaryFn::Max, x, zero)?])
}

/// PRelu-6, -7, -9, -16: `max(x, 0) + slope · min(x, 0)`; with one constant slope a LeakyRelu.
pub(crate) fn prelu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, mut slope) = (node.input(0)?, node.input(1)?);
    if let Some(alpha) = import.scalar(slope) {
        let op = Op::Unary(UnaryFn::LeakyRelu { alpha });
        return Ok(vec![import.emit(node, op, &[x])?]);
    }
    let (xs, ss) = (import.shape(x).to_vec(), import.shape(slope).to_vec());
    let float = import.dtype(x) == DType::F32;
    let c = &mut Compose::new(import, node);
    // Before opset 7 a vector of slopes goes along the channels.
    if node.opset < 7 && ss.len() == 1 && xs.len() > 2 {
        let mut shape = vec![1; xs.len() - 1];
        shape[0] = ss[0];
        slope = c.reshape(slope, shape)?;
    }
    if !float {
        let zero = c.number_like(x, 0.0)?;
        let (up, down) = (
            c.binary(BinaryFn::Max, x, zero)?,
            c.binary(BinaryFn::Min, x, zero)?,
        );
        let bent = c.mul(down, slope)?;
        return Ok(vec![c.add(up, bent)?]);
    }
    let up = above(c, x)?;
    let down = c.unary(
        UnaryFn::Clamp(Clamp {
            lo: f32::NEG_INFINITY,
            hi: 0.0,
        }),
        x,
    )?;
    let bent = c.mul(down, slope)?;
    Ok(vec![c.import.emit(
        node,
        binary(BinaryFn::Add),
        &[up, bent],
    )?])
}

/// Selu-6, -22.
pub(crate) fn selu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 1.673_263_2)?;
    let gamma = node.float_or("gamma", 1.050_701)?;
    let c = &mut Compose::new(import, node);
    let y = c.unary(UnaryFn::Elu { alpha }, node.input(0)?)?;
    Ok(vec![c.scale(y, gamma)?])
}

/// Celu-12: `alpha · elu(x / alpha)`.
pub(crate) fn celu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let alpha = node.float_or("alpha", 1.0)?;
    if alpha == 0.0 {
        return invalid("alpha is 0");
    }
    let c = &mut Compose::new(import, node);
    let x = c.scale(node.input(0)?, 1.0 / alpha)?;
    let y = c.unary(UnaryFn::Elu { alpha: 1.0 }, x)?;
    Ok(vec![c.scale(y, alpha)?])
}

/// Mish-18, -22: `x · tanh(softplus(x))`.
pub(crate) fn mish(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let c = &mut Compose::new(import, node);
    let soft = c.unary(UnaryFn::Softplus, x)?;
    let gate = c.unary(UnaryFn::Tanh, soft)?;
    Ok(vec![c.mul(x, gate)?])
}

/// Softsign-1, -22: `x / (1 + |x|)`.
pub(crate) fn softsign(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let c = &mut Compose::new(import, node);
    let (abs, one) = (c.unary(UnaryFn::Abs, x)?, c.number(1.0)?);
    let divisor = c.add(abs, one)?;
    Ok(vec![c.div(x, divisor)?])
}

/// ThresholdedRelu-10, -22: `x > alpha ? x : 0`.
pub(crate) fn thresholded_relu(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let alpha = node.float_or("alpha", 1.0)?;
    let c = &mut Compose::new(import, node);
    let (alpha, zero) = (c.number(alpha)?, c.number(0.0)?);
    let over = c.binary(BinaryFn::Greater, x, alpha)?;
    Ok(vec![c.select(over, x, zero)?])
}

/// Shrink-9: `x < −lambd ? x + bias : x > lambd ? x − bias : 0`.
pub(crate) fn shrink(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let (bias, lambd) = (node.float_or("bias", 0.0)?, node.float_or("lambd", 0.5)?);
    let c = &mut Compose::new(import, node);
    let (hi, lo) = (c.number_like(x, lambd)?, c.number_like(x, -lambd)?);
    let (bias, zero) = (c.number_like(x, bias)?, c.number_like(x, 0.0)?);
    let (up, down) = (c.add(x, bias)?, c.sub(x, bias)?);
    let over = c.binary(BinaryFn::Greater, x, hi)?;
    let below = c.binary(BinaryFn::Less, x, lo)?;
    let inner = c.select(over, down, zero)?;
    Ok(vec![c.select(below, up, inner)?])
}

/// IsInf-10, -20.
pub(crate) fn is_inf(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let function = UnaryFn::IsInf {
        positive: node.int_or("detect_positive", 1)? != 0,
        negative: node.int_or("detect_negative", 1)? != 0,
    };
    Ok(vec![import.emit(node, Op::Unary(function), &[x])?])
}

/// BitShift-11.
pub(crate) fn bit_shift(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let function = match node.text_or("direction", "")? {
        "LEFT" => BinaryFn::ShiftLeft,
        "RIGHT" => BinaryFn::ShiftRight,
        other => return invalid(format!("direction is {other:?}")),
    };
    let inputs = [node.input(0)?, node.input(1)?];
    Ok(vec![import.emit(node, binary(function), &inputs)?])
}

/// Where-9, -16.
pub(crate) fn select(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (condition, a, b) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let constant = import.graph.constant(condition).map(Tensor::data);
    let chosen = match constant {
        Some(Data::Bool(bits)) if bits.iter().all(|&b| b) => a,
        Some(Data::Bool(bits)) if bits.iter().all(|&b| !b) => b,
        _ => return Ok(vec![import.emit(node, Op::Select, &[condition, a, b])?]),
    };
    let mut shape = import.shape(condition).to_vec();
    for other in [a, b] {
        let other = import.shape(other).to_vec();
        shape = super::elementwise::broadcast(&shape, &other)?;
    }
    Ok(vec![import.emit(node, Op::Expand { shape }, &[chosen])?])
}
