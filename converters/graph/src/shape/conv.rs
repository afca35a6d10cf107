//! Shapes of convolution and pooling: windows that slide over `[N, S…, C]`.

use super::{
    Arithmetic, Inferred, arithmetic, check_axis, float_only, product, shape_error, sum, type_error,
};
use crate::error::{Error, ErrorKind};
use crate::graph::Value;
use crate::op::{Conv, Pool};
use crate::types::DType;

/// One spatial axis of a window operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub input: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub before: usize,
    pub output: usize,
}

/// Attributes that convolution and pooling share.
struct WindowAttributes<'a> {
    kernel: &'a [usize],
    strides: &'a [usize],
    dilations: &'a [usize],
    before: &'a [usize],
    after: &'a [usize],
}

/// The spatial axes with their results: `⌊(in + before + after − ((k − 1) · d + 1)) / s⌋ + 1`.
fn window_axes(x: &[usize], w: &WindowAttributes<'_>) -> Result<Vec<Axis>, Error> {
    let spatial = x.len().saturating_sub(2);
    if !(1..=2).contains(&spatial) {
        return Err(shape_error(format!(
            "shape {x:?} has not 1 or 2 spatial axes between batch and channels"
        )));
    }
    let lists = [w.kernel, w.strides, w.dilations, w.before, w.after];
    if lists.iter().any(|l| l.len() != spatial) {
        return Err(shape_error(format!(
            "kernel, strides, dilations and pads need {spatial} entries each"
        )));
    }
    (0..spatial)
        .map(|i| {
            let (input, kernel, stride, dilation) =
                (x[1 + i], w.kernel[i], w.strides[i], w.dilations[i]);
            if input == 0 || kernel == 0 || stride == 0 || dilation == 0 {
                return Err(shape_error(
                    "kernel, strides, dilations and spatial sizes are at least 1",
                ));
            }
            let extent = sum(product(kernel - 1, dilation)?, 1)?;
            let padded = sum(sum(input, w.before[i])?, w.after[i])?;
            if extent > padded {
                return Err(shape_error(format!(
                    "a window of {extent} does not fit into {padded} elements with pads"
                )));
            }
            Ok(Axis {
                input,
                kernel,
                stride,
                dilation,
                before: w.before[i],
                output: (padded - extent) / stride + 1,
            })
        })
        .collect()
}

/// The spatial axes of a convolution of `x [N, S…, C]` by `w [M, K…, C/groups]`, which have as many axes.
pub(crate) fn conv_axes(conv: &Conv, x: &[usize], w: &[usize]) -> Result<Vec<Axis>, Error> {
    let kernel = w.get(1..w.len().saturating_sub(1)).unwrap_or_default();
    let attributes = WindowAttributes {
        kernel,
        strides: &conv.strides,
        dilations: &conv.dilations,
        before: &conv.pads_before,
        after: &conv.pads_after,
    };
    window_axes(x, &attributes)
}

/// The spatial axes of a pooling of `x [N, S…, C]`.
pub(crate) fn pool_axes(pool: &Pool, x: &[usize]) -> Result<Vec<Axis>, Error> {
    let attributes = WindowAttributes {
        kernel: &pool.kernel,
        strides: &pool.strides,
        dilations: &pool.dilations,
        before: &pool.pads_before,
        after: &pool.pads_after,
    };
    window_axes(x, &attributes)
}

pub(super) fn conv(conv: &Conv, values: &[&Value]) -> Result<Inferred, Error> {
    let (x, w) = (values[0], values[1]);
    weights_fit("Conv", x, w, values.get(2).copied())?;
    if w.shape.len() != x.shape.len() || x.shape.len() < 3 {
        return Err(shape_error(format!(
            "weights {:?} do not fit input {:?}: expected [M, K…, C/groups] and [N, S…, C]",
            w.shape, x.shape
        )));
    }
    let rank = x.shape.len();
    let axes = conv_axes(conv, &x.shape, &w.shape)?;
    let (m, channels) = (w.shape[0], x.shape[rank - 1]);
    let groups = conv.groups;
    if groups == 0 || channels == 0 || m == 0 || m % groups != 0 {
        return Err(shape_error(format!(
            "{m} output channels do not divide into {groups} groups"
        )));
    }
    if product(w.shape[rank - 1], groups)? != channels {
        return Err(shape_error(format!(
            "{channels} input channels are not {groups} groups of {}",
            w.shape[rank - 1]
        )));
    }
    Ok((x.dtype, window_shape(x, &axes, m)))
}

/// Types of data, weights and bias of a convolution or dense product, and the bias's shape.
pub(super) fn weights_fit(
    op: &str,
    x: &Value,
    w: &Value,
    bias: Option<&Value>,
) -> Result<(), Error> {
    let (weight_type, bias_type) = match arithmetic(x)? {
        Arithmetic::Float => (DType::F32, DType::F32),
        Arithmetic::Integer => (DType::I8, DType::I32),
        Arithmetic::Whole => return float_only(op, x),
    };
    if w.dtype != weight_type {
        return Err(type_error(format!(
            "weights \"{}\" are {}, {weight_type} go with {} data",
            w.name, w.dtype, x.dtype
        )));
    }
    if weight_type == DType::I8 && !w.is_quantized() {
        return Err(type_error(format!("weights \"{}\" carry no scale", w.name)));
    }
    check_axis(0, w)?;
    if let Some(bias) = bias {
        if bias.dtype != bias_type {
            return Err(type_error(format!(
                "bias \"{}\" is {}, {bias_type} goes with {} data",
                bias.name, bias.dtype, x.dtype
            )));
        }
        if bias.shape != w.shape[..1] {
            return Err(shape_error(format!(
                "bias \"{}\" of shape {:?} does not fit {} outputs",
                bias.name, bias.shape, w.shape[0]
            )));
        }
    }
    Ok(())
}

pub(super) fn pool(pool: &Pool, x: &Value) -> Result<Inferred, Error> {
    if arithmetic(x)? == Arithmetic::Whole {
        float_only("pooling", x)?;
    }
    let axes = pool_axes(pool, &x.shape)?;
    for axis in &axes {
        every_window_reads(axis)?;
    }
    let channels = x.shape[x.shape.len() - 1];
    Ok((x.dtype, window_shape(x, &axes, channels)))
}

fn window_shape(x: &Value, axes: &[Axis], channels: usize) -> Vec<usize> {
    let mut shape = vec![x.shape[0]];
    shape.extend(axes.iter().map(|a| a.output));
    shape.push(channels);
    shape
}

/// A pooling window that lies wholly in the border has no maximum and no mean.
fn every_window_reads(axis: &Axis) -> Result<(), Error> {
    let limit = 1 << 24;
    if product(axis.output, axis.kernel)? > limit {
        return Err(Error::new(
            ErrorKind::TooLarge,
            "a pooling of more than 2^24 taps along an axis",
        ));
    }
    let reads = |o: usize| {
        (0..axis.kernel).any(|k| {
            let at = o * axis.stride + k * axis.dilation;
            at >= axis.before && at - axis.before < axis.input
        })
    };
    if (0..axis.output).all(reads) {
        Ok(())
    } else {
        Err(shape_error("a pooling window lies wholly in the border"))
    }
}
