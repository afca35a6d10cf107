//! Batch and layer normalisation.

use redpoll_graph::op::{BinaryFn, Pool, PoolKind, ReduceKind, UnaryFn};
use redpoll_graph::{Op, ValueId};

use super::compose::Compose;
use super::elementwise::binary;
use super::importer::Importer;
use super::index::axes_attribute;
use super::layout::channels_last;
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};

/// BatchNormalization-7, -9, -14, -15, inference form: inputs x `[N, C, …]`, scale, bias, mean, variance.
pub(crate) fn batch_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let trains = node.opset < 7 && node.proto.attr("is_test").is_some() && !node.flag("is_test")?;
    if trains || node.flag("training_mode")? || (1..5).any(|i| node.wants_output(i)) {
        return gap("training mode is not supported; export the model for inference");
    }
    if node.opset < 9 && node.int_or("spatial", 1)? == 0 {
        return gap("spatial=0 (statistics for each element) is not supported");
    }
    let inputs = node.all_inputs(5)?;
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let op = Op::BatchNorm { epsilon };
    match import.rank(inputs[0]) {
        0 | 1 => invalid(format!(
            "shape {:?} has no channel axis",
            import.shape(inputs[0])
        )),
        2 => Ok(vec![import.emit(node, op, &inputs)?]),
        _ => Ok(vec![channels_last(
            import,
            node,
            op,
            inputs[0],
            &inputs[1..],
        )?]),
    }
}

/// LayerNormalization-17: written out as mean, difference, variance, reciprocal root.
pub(crate) fn layer_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, scale) = (node.input(0)?, node.input(1)?);
    let rank = import.rank(x);
    let axis = axis_of(node.int_or("axis", -1)?, rank)?;
    let axes: Vec<usize> = (axis..rank).collect();
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let c = &mut Compose::new(import, node);
    let parts = normal(c, x, &axes, epsilon)?;
    let scaled = c.mul(parts.normal, scale)?;
    let y = match node.optional(2) {
        Some(bias) => c
            .import
            .emit(node, binary(BinaryFn::Add), &[scaled, bias])?,
        None => scaled,
    };
    Ok(vec![y, parts.mean, parts.inverse])
}

/// What a normalisation is made of.
struct Normal {
    normal: ValueId,
    mean: ValueId,
    inverse: ValueId,
}

/// `(x − mean) / sqrt(mean (x − mean)² + epsilon)` over `axes`.
fn normal(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    axes: &[usize],
    epsilon: f32,
) -> Result<Normal, Stop> {
    let mean = c.reduce(ReduceKind::Mean, axes, true, x)?;
    let centred = c.sub(x, mean)?;
    let square = c.mul(centred, centred)?;
    let variance = c.reduce(ReduceKind::Mean, axes, true, square)?;
    let epsilon = c.number(epsilon)?;
    let shifted = c.add(variance, epsilon)?;
    let deviation = c.unary(UnaryFn::Sqrt, shifted)?;
    let inverse = c.unary(UnaryFn::Reciprocal, deviation)?;
    let normal = c.mul(centred, inverse)?;
    Ok(Normal {
        normal,
        mean,
        inverse,
    })
}

/// A vector for each channel, shaped to go with `[N, C, …]` of `rank` axes.
fn for_channels(c: &mut Compose<'_, '_, '_, '_>, v: ValueId, rank: usize) -> Result<ValueId, Stop> {
    let mut shape = vec![1; rank - 1];
    shape[0] = c.import.graph.value(v).len();
    c.reshape(v, shape)
}

/// InstanceNormalization-6, -22: each plane of each channel by itself.
pub(crate) fn instance_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, scale, bias) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let rank = import.rank(x);
    if rank < 3 {
        return invalid(format!("shape {:?} has no spatial axis", import.shape(x)));
    }
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let c = &mut Compose::new(import, node);
    let axes: Vec<usize> = (2..rank).collect();
    let y = normal(c, x, &axes, epsilon)?.normal;
    let (scale, bias) = (for_channels(c, scale, rank)?, for_channels(c, bias, rank)?);
    let y = c.mul(y, scale)?;
    Ok(vec![c.add(y, bias)?])
}

/// GroupNormalization-18 (scale and bias a group), -21 (a channel).
pub(crate) fn group_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, scale, bias) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let shape = import.shape(x).to_vec();
    let groups = usize::try_from(node.int_or("num_groups", 0)?).unwrap_or(0);
    if shape.len() < 2 || groups == 0 || !shape[1].is_multiple_of(groups) {
        return invalid(format!("{groups} groups of {shape:?}"));
    }
    let epsilon = node.float_or("epsilon", 1e-5)?;
    let c = &mut Compose::new(import, node);
    let inner: usize = shape[2..].iter().product();
    let grouped = vec![shape[0], groups, shape[1] / groups * inner];
    let flat = c.reshape(x, grouped)?;
    let mut y = normal(c, flat, &[2], epsilon)?.normal;
    if node.opset < 21 {
        let scale = c.reshape(scale, vec![groups, 1])?;
        let bias = c.reshape(bias, vec![groups, 1])?;
        y = c.mul(y, scale)?;
        y = c.add(y, bias)?;
        return Ok(vec![c.reshape(y, shape)?]);
    }
    y = c.reshape(y, shape.clone())?;
    let rank = shape.len();
    let (scale, bias) = (for_channels(c, scale, rank)?, for_channels(c, bias, rank)?);
    y = c.mul(y, scale)?;
    Ok(vec![c.add(y, bias)?])
}

/// MeanVarianceNormalization-9, -13.
pub(crate) fn mean_variance(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let axes = axes_attribute(node, import.rank(x), &[0, 2, 3])?;
    let c = &mut Compose::new(import, node);
    let mean = c.reduce(ReduceKind::Mean, &axes, true, x)?;
    let centred = c.sub(x, mean)?;
    let square = c.mul(centred, centred)?;
    let variance = c.reduce(ReduceKind::Mean, &axes, true, square)?;
    let deviation = c.unary(UnaryFn::Sqrt, variance)?;
    let epsilon = c.number(1e-9)?;
    let deviation = c.add(deviation, epsilon)?;
    Ok(vec![c.div(centred, deviation)?])
}

/// LpNormalization-1, -22 with p 1 or 2: 0 where the norm is.
pub(crate) fn lp_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let axis = axis_of(node.int_or("axis", -1)?, import.rank(x))?;
    let p = node.int_or("p", 2)?;
    let c = &mut Compose::new(import, node);
    let norm = match p {
        1 => {
            let abs = c.unary(UnaryFn::Abs, x)?;
            c.reduce(ReduceKind::Sum, &[axis], true, abs)?
        }
        2 => {
            let square = c.mul(x, x)?;
            let sum = c.reduce(ReduceKind::Sum, &[axis], true, square)?;
            c.unary(UnaryFn::Sqrt, sum)?
        }
        other => return invalid(format!("p is {other}")),
    };
    // Where the norm is 0 every element is: dividing by a least number keeps them 0.
    let least = c.number(f32::MIN_POSITIVE)?;
    let norm = c.binary(BinaryFn::Max, norm, least)?;
    Ok(vec![c.div(x, norm)?])
}

/// LRN-1, -13: `x / (bias + alpha / size · Σ x²)^beta`, the sum over neighbouring channels.
pub(crate) fn local_response(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let size = usize::try_from(node.int_or("size", 0)?).unwrap_or(0);
    if shape.len() < 2 || size == 0 || size > shape[1].saturating_mul(2).max(1) {
        return invalid(format!("size {size} of {shape:?}"));
    }
    let (alpha, beta) = (node.float_or("alpha", 1e-4)?, node.float_or("beta", 0.75)?);
    let bias = node.float_or("bias", 1.0)?;
    let c = &mut Compose::new(import, node);
    let square = c.mul(x, x)?;
    // The channels are the one spatial axis, what lies below them the channels.
    let flat = vec![shape[0], shape[1], shape[2..].iter().product()];
    let square = c.reshape(square, flat)?;
    let pool = Pool {
        kind: PoolKind::Average,
        kernel: vec![size],
        strides: vec![1],
        dilations: vec![1],
        pads_before: vec![(size - 1) / 2],
        pads_after: vec![size - 1 - (size - 1) / 2],
        count_include_pad: true,
    };
    let mean = c.op(Op::Pool(pool), &[square])?;
    let mean = c.reshape(mean, shape)?;
    let scaled = c.scale(mean, alpha)?;
    let bias = c.number(bias)?;
    let base = c.add(scaled, bias)?;
    let beta = c.number(beta)?;
    let divisor = c.binary(BinaryFn::Pow, base, beta)?;
    Ok(vec![c.div(x, divisor)?])
}
