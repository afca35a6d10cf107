//! Convolutions: integer, float, depthwise.

use redpoll_graph::op::{Clamp, Conv};
use redpoll_graph::{Node, Tensor};
use redpoll_plan::{DType, Op, TensorId, Window, layout, op};

use super::lowering::{Done, Lowering, Refused, float_bounds, integer_bounds};
use super::{WeightType, pack};

/// A window over `[N, S…, C]` with one or two spatial axes.
pub(super) struct Sliding<'a> {
    pub(super) kernel: &'a [usize],
    pub(super) strides: &'a [usize],
    pub(super) dilations: &'a [usize],
    pub(super) pads_before: &'a [usize],
}

impl Sliding<'_> {
    /// The plan's window from `x` to `y`; a single spatial axis gets a height of 1.
    pub(super) fn window(&self, x: &[usize], y: &[usize]) -> Result<Window, Refused> {
        let n = |v: usize| u32::try_from(v).map_err(|_| Refused::from("a size passes 32 bits"));
        let pair = |v: &[usize], missing: usize| match *v {
            [w] => Ok((n(missing)?, n(w)?)),
            [h, w] => Ok((n(h)?, n(w)?)),
            _ => Err(Refused::from("only 1 or 2 spatial axes are supported")),
        };
        let (spatial_x, spatial_y) = match (x, y) {
            ([_, sx @ .., _], [_, sy @ .., _]) => (sx, sy),
            _ => return Err("not batch, space, channels".into()),
        };
        let (in_h, in_w) = pair(spatial_x, 1)?;
        let (out_h, out_w) = pair(spatial_y, 1)?;
        let (kernel_h, kernel_w) = pair(self.kernel, 1)?;
        let (stride_h, stride_w) = pair(self.strides, 1)?;
        let (dilation_h, dilation_w) = pair(self.dilations, 1)?;
        let (pad_top, pad_left) = pair(self.pads_before, 0)?;
        Ok(Window {
            batch: n(x[0])?,
            in_h,
            in_w,
            in_c: n(x[x.len() - 1])?,
            out_h,
            out_w,
            out_c: n(y[y.len() - 1])?,
            kernel_h,
            kernel_w,
            stride_h,
            stride_w,
            dilation_h,
            dilation_w,
            pad_top,
            pad_left,
        })
    }
}

pub(super) fn conv(cx: &mut Lowering<'_>, node: &Node, conv: &Conv) -> Done {
    let (x, y) = (cx.shape(node.inputs[0]), cx.shape(node.output));
    let weight_shape = cx.shape(node.inputs[1]);
    let sliding = Sliding {
        kernel: weight_shape.get(1..weight_shape.len() - 1).unwrap_or(&[]),
        strides: &conv.strides,
        dilations: &conv.dilations,
        pads_before: &conv.pads_before,
    };
    let window = sliding.window(x, y)?;
    let groups = conv.groups;
    if groups > 1 && groups == window.in_c as usize && window.in_c == window.out_c {
        return depthwise(cx, node, window, conv.clamp);
    }
    product(cx, node, simplified(window, groups), groups, conv.clamp)
}

/// A window that reads the whole input once is a matrix product with a longer K.
fn simplified(w: Window, groups: usize) -> Window {
    let whole = w.kernel_h == w.in_h && w.kernel_w == w.in_w && w.out_h == 1 && w.out_w == 1;
    let plain = w.dilation_h == 1 && w.dilation_w == 1 && w.pad_top == 0 && w.pad_left == 0;
    match w
        .in_h
        .checked_mul(w.in_w)
        .and_then(|n| n.checked_mul(w.in_c))
    {
        Some(k) if whole && plain && groups == 1 => Window::dense(w.batch, k, w.out_c),
        _ => w,
    }
}

/// The scale of the accumulator in units of the result, a channel: `f32(f32(s_x · s_w) / s_y)`.
fn multipliers(cx: &Lowering<'_>, node: &Node, outputs: usize) -> Result<Vec<f32>, Refused> {
    let (x, y) = (
        cx.quant(node.inputs[0])?.scale,
        cx.quant(node.output)?.scale,
    );
    let weights = cx.value(node.inputs[1]).qparams.as_ref();
    let weights = weights.ok_or("integer weights without scale")?;
    Ok((0..outputs)
        .map(|c| (x * weights.scale_at(c)) / y)
        .collect())
}

/// Weights and, per output channel, the bias that holds `− x_zero · Σ w` and the sum of weights.
struct IntegerWeights {
    rows: Vec<i8>,
    bias: Vec<i32>,
    bias_unsigned: Vec<i32>,
}

fn integer_weights(
    cx: &Lowering<'_>,
    node: &Node,
    outputs: usize,
) -> Result<IntegerWeights, Refused> {
    let constant = "weights of integer operators must be constant int8, biases constant int32";
    let weights = cx
        .constant(node.inputs[1])
        .and_then(Tensor::as_i8)
        .ok_or(constant)?;
    let bias = match node.inputs.get(2) {
        Some(&id) => cx
            .constant(id)
            .and_then(Tensor::as_i32)
            .ok_or(constant)?
            .to_vec(),
        None => vec![0; outputs],
    };
    let zero = cx.quant(node.inputs[0])?.zero;
    let sums = weights
        .chunks_exact((weights.len() / outputs).max(1))
        .map(|row| row.iter().map(|&w| i32::from(w)).sum::<i32>());
    // The verifier proved the true accumulator; partial ones may wrap and come back.
    let folded = |b: i32, sum: i32, shift: i32| b.wrapping_sub(shift.wrapping_mul(sum));
    let (bias, bias_unsigned) = bias
        .iter()
        .zip(sums)
        .map(|(&b, sum)| {
            let signed = folded(b, sum, zero);
            (signed, folded(signed, sum, 128))
        })
        .unzip();
    Ok(IntegerWeights {
        rows: weights.to_vec(),
        bias,
        bias_unsigned,
    })
}

struct FloatWeights {
    rows: Vec<f32>,
    bias: Vec<f32>,
}

fn float_weights(cx: &Lowering<'_>, node: &Node, outputs: usize) -> Result<FloatWeights, Refused> {
    let constant = "weights and biases must be constant f32";
    let rows = cx
        .constant(node.inputs[1])
        .and_then(Tensor::as_f32)
        .ok_or(constant)?;
    let bias = match node.inputs.get(2) {
        Some(&id) => cx
            .constant(id)
            .and_then(Tensor::as_f32)
            .ok_or(constant)?
            .to_vec(),
        None => vec![0.0; outputs],
    };
    Ok(FloatWeights {
        rows: rows.to_vec(),
        bias,
    })
}

pub(super) fn store_float(
    cx: &mut Lowering<'_>,
    node: &Node,
    packed: &[f32],
) -> Result<TensorId, Refused> {
    let name = cx.value(node.inputs[1]).name.clone();
    match cx.options.weights {
        WeightType::F32 => cx.weights_f32(name, packed),
        WeightType::F16 => cx.weights(name, DType::F16, pack::f16_bytes(packed)),
    }
}

/// Names of the packed parts: those of the weights with an ending.
fn part(cx: &Lowering<'_>, node: &Node, ending: &str) -> String {
    format!("{}.{ending}", cx.value(node.inputs[1]).name)
}

/// Scratch for packing patches: some rows of K elements, none for a matrix product.
fn scratch_bytes(cx: &Lowering<'_>, window: &Window, k_bytes: usize) -> usize {
    if window.is_pointwise() {
        return 0;
    }
    layout::patch_stride(k_bytes) * cx.options.scratch_rows.max(1)
}

/// Weights from which every pass over them counts: about half of a second-level cache.
const HEAVY: usize = 1 << 20;
/// Output pixels that a pass over heavy weights should serve, or reading them takes longer than the products.
const PIXELS_A_PASS: usize = 48;

/// As [`scratch_bytes`], for float weights of `bytes` a group: where windows reach over the border and the weights are heavy, room
/// for the padded input lines under as many output pixels as one pass over the weights should serve.
fn float_scratch(cx: &Lowering<'_>, w: &Window, k: usize, bytes: usize) -> usize {
    let patches = scratch_bytes(cx, w, k * 4);
    if w.is_pointwise() || cx.options.compact_scratch || bytes < HEAVY {
        return patches;
    }
    let reach = |out: usize, stride: u32, kernel: u32, dilation: u32| {
        (out.saturating_sub(1))
            .saturating_mul(stride as usize)
            .saturating_add(
                (kernel as usize)
                    .saturating_sub(1)
                    .saturating_mul(dilation as usize),
            )
            .saturating_add(1)
    };
    let out_w = (w.out_w as usize).max(1);
    let lines = PIXELS_A_PASS.div_ceil(out_w).min(w.out_h as usize);
    let span = reach(out_w, w.stride_w, w.kernel_w, w.dilation_w);
    let height = reach(lines, w.stride_h, w.kernel_h, w.dilation_h);
    let all = reach(w.out_h as usize, w.stride_h, w.kernel_h, w.dilation_h);
    if (w.pad_top, w.pad_left) == (0, 0) && span <= w.in_w as usize && all <= w.in_h as usize {
        return patches; // Read in place.
    }
    let bands = [span, height, k / w.taps().max(1), 4]
        .iter()
        .fold(1usize, |n, &d| n.saturating_mul(d));
    if bands > HEAVY {
        return patches;
    }
    patches.max(bands.next_multiple_of(64))
}

/// Convolution or matrix product over `window`; weights are rows of K, one an output channel.
pub(super) fn product(
    cx: &mut Lowering<'_>,
    node: &Node,
    window: Window,
    groups: usize,
    clamp: Option<Clamp>,
) -> Done {
    let outputs = window.out_c as usize;
    let n = outputs / groups;
    let k = window.taps() * window.in_c as usize / groups;
    let macs = cx.graph.macs(node);
    let x = cx.operand(node.inputs[0])?;
    if cx.is_quantized(node.inputs[0]) {
        let w = integer_weights(cx, node, outputs)?;
        let scale = multipliers(cx, node, outputs)?;
        let (x_quant, y_quant) = (cx.quant(node.inputs[0])?, cx.quant(node.output)?);
        let name = cx.value(node.inputs[1]).name.clone();
        let packed = pack::rows_i8(groups, n, k, &w.rows);
        let weights = cx.weights(name, DType::I8, pack::i8_bytes(&packed))?;
        let integers = |cx: &mut Lowering<'_>, ending: &str, values: &[i32]| {
            let bytes = pack::i32_bytes(&pack::channels(groups, n, values));
            cx.weights(part(cx, node, ending), DType::I32, bytes)
        };
        let bias = integers(cx, "bias", &w.bias)?;
        let bias_unsigned = integers(cx, "bias_unsigned", &w.bias_unsigned)?;
        let scale = pack::channels(groups, n, &scale);
        let scale = cx.weights_f32(part(cx, node, "scale"), &scale)?;
        let y = cx.result(node.output)?;
        let (lo, hi) = integer_bounds(clamp, y_quant);
        let op = op::ConvI8 {
            x,
            y,
            weights,
            bias,
            bias_unsigned,
            scale,
            window,
            groups: groups as u32,
            x_zero: x_quant.zero,
            y_zero: y_quant.zero,
            lo,
            hi,
        };
        let scratch = scratch_bytes(cx, &window, k);
        cx.product(node, Op::ConvI8(op), macs, scratch);
    } else {
        let w = float_weights(cx, node, outputs)?;
        let weights = store_float(cx, node, &pack::rows_f32(groups, n, k, &w.rows))?;
        let bias = pack::channels(groups, n, &w.bias);
        let bias = cx.weights_f32(part(cx, node, "bias"), &bias)?;
        let y = cx.result(node.output)?;
        let (lo, hi) = float_bounds(clamp);
        let op = op::ConvF32 {
            x,
            y,
            weights,
            bias,
            window,
            groups: groups as u32,
            lo,
            hi,
        };
        let scratch = float_scratch(cx, &window, k, n * k * 4);
        cx.product(node, Op::ConvF32(op), macs, scratch);
    }
    Ok(())
}

fn depthwise(cx: &mut Lowering<'_>, node: &Node, window: Window, clamp: Option<Clamp>) -> Done {
    let (channels, taps) = (window.out_c as usize, window.taps());
    let macs = cx.graph.macs(node);
    let x = cx.operand(node.inputs[0])?;
    if cx.is_quantized(node.inputs[0]) {
        let w = integer_weights(cx, node, channels)?;
        let scale = multipliers(cx, node, channels)?;
        let (x_quant, y_quant) = (cx.quant(node.inputs[0])?, cx.quant(node.output)?);
        let name = cx.value(node.inputs[1]).name.clone();
        let packed = pack::depthwise(channels, taps, &w.rows);
        let weights = cx.weights(name, DType::I8, pack::i8_bytes(&packed))?;
        let bias = pack::i32_bytes(&pack::channels(1, channels, &w.bias));
        let bias = cx.weights(part(cx, node, "bias"), DType::I32, bias)?;
        let scale = pack::channels(1, channels, &scale);
        let scale = cx.weights_f32(part(cx, node, "scale"), &scale)?;
        let y = cx.result(node.output)?;
        let (lo, hi) = integer_bounds(clamp, y_quant);
        let (x_zero, y_zero) = (x_quant.zero, y_quant.zero);
        let op = op::DepthwiseI8 {
            x,
            y,
            weights,
            bias,
            scale,
            window,
            x_zero,
            y_zero,
            lo,
            hi,
        };
        cx.product(node, Op::DepthwiseI8(op), macs, 0);
    } else {
        let w = float_weights(cx, node, channels)?;
        let weights = store_float(cx, node, &pack::depthwise(channels, taps, &w.rows))?;
        let bias = pack::channels(1, channels, &w.bias);
        let bias = cx.weights_f32(part(cx, node, "bias"), &bias)?;
        let y = cx.result(node.output)?;
        let (lo, hi) = float_bounds(clamp);
        let op = op::DepthwiseF32 {
            x,
            y,
            weights,
            bias,
            window,
            lo,
            hi,
        };
        cx.product(node, Op::DepthwiseF32(op), macs, 0);
    }
    Ok(())
}
