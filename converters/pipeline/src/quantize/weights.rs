//! Weights and biases as integers, with the proof that no accumulator overflows.

use redpoll_graph::{DType, Data, QParams, Tensor};

use crate::calibrate::Range;
use crate::quantize::parameters::activation_params;

/// Weights and bias of a convolution or dense layer in integers.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// Integers, `[M, …]`.
    pub weights: Vec<i8>,
    /// One scale for each output channel.
    pub scales: Vec<f32>,
    /// `bias / (s_x · s_w)`.
    pub bias: Vec<i32>,
}

/// Largest |bias| in integers: half of the accumulator is left to the products.
const MOST_BIAS: f64 = (1u32 << 30) as f64;

/// Quantises float weights `[M, …]` and the bias for inputs of scale `s_x`: symmetric, `max |w| / 127` for each output
/// channel (or all of them), to the nearest. Where the bias would pass 2³⁰ the scale is enlarged.
pub(super) fn quantize_layer(
    w: &[f32],
    bias: Option<&[f32]>,
    channels: usize,
    s_x: f32,
    per_channel: bool,
) -> Layer {
    let mut scales = scales(w, bias, channels, s_x);
    if !per_channel {
        let largest = scales.iter().copied().fold(0.0, f32::max);
        scales.fill(largest);
    }
    let row = (w.len() / channels.max(1)).max(1);
    let weights = w
        .chunks(row)
        .zip(&scales)
        .flat_map(|(row, &s)| row.iter().map(move |&v| nearest(v / s)))
        .collect();
    let zeros = vec![0.0; channels];
    let bias = quantize_bias(bias.unwrap_or(&zeros), &scales, s_x);
    Layer {
        weights,
        scales,
        bias,
    }
}

/// The scale of each output channel.
fn scales(w: &[f32], bias: Option<&[f32]>, channels: usize, s_x: f32) -> Vec<f32> {
    let row = (w.len() / channels.max(1)).max(1);
    let scale = |(c, row): (usize, &[f32])| {
        let largest = row.iter().fold(0f32, |m, v| m.max(v.abs()));
        let bias = bias.map_or(0.0, |b| f64::from(b[c].abs()));
        let for_weights = f64::from(largest) / 127.0;
        let for_bias = bias / (MOST_BIAS * f64::from(s_x));
        let s = for_weights.max(for_bias);
        if s > 0.0 { s.max(1e-12) as f32 } else { 1.0 }
    };
    w.chunks(row).enumerate().map(scale).collect()
}

/// `v` to the nearest of −127 … 127, half to even.
pub(super) fn nearest(v: f32) -> i8 {
    v.round_ties_even().clamp(-127.0, 127.0) as i8
}

/// The bias in units of the accumulator.
pub(super) fn quantize_bias(bias: &[f32], scales: &[f32], s_x: f32) -> Vec<i32> {
    let one = |(&b, &s): (&f32, &f32)| {
        let unit = f64::from(s_x * s);
        (f64::from(b) / unit)
            .round_ties_even()
            .clamp(-MOST_BIAS, MOST_BIAS) as i32
    };
    bias.iter().zip(scales).map(one).collect()
}

/// The first output channel whose accumulator could pass 2³¹: `|bias| + Σ |w| · max |x − z_x|`.
pub(super) fn overflowing_channel(
    weights: &[i8],
    bias: &[i32],
    x: &QParams,
    dtype: DType,
) -> Option<usize> {
    let (least, most) = dtype.quantized_range().unwrap_or((-128, 127));
    let zero = x.zero_point();
    let reach = i64::from((zero - least).max(most - zero));
    let row = (weights.len() / bias.len().max(1)).max(1);
    let fits = |(row, &b): (&[i8], &i32)| {
        let sum: i64 = row.iter().map(|&w| i64::from(w).abs()).sum();
        sum * reach + i64::from(b).abs() <= i64::from(i32::MAX)
    };
    weights.chunks(row).zip(bias).position(|pair| !fits(pair))
}

/// A constant operand in integers of `dtype`, by `params` or, without them, by its own extremes.
pub(super) fn quantize_constant(
    tensor: &Tensor,
    params: Option<QParams>,
    dtype: DType,
) -> Option<(Tensor, QParams)> {
    let v = tensor.as_f32()?;
    let q = params.unwrap_or_else(|| activation_params(extremes(v), dtype));
    let (least, most) = dtype.quantized_range()?;
    let one = |v: &f32| (v / q.scale()).round_ties_even() as i32;
    let integers = v
        .iter()
        .map(one)
        .map(|i| i.saturating_add(q.zero_point()).clamp(least, most));
    let data = match dtype {
        DType::U8 => Data::U8(integers.map(|i| i as u8).collect()),
        _ => Data::I8(integers.map(|i| i as i8).collect()),
    };
    Some((Tensor::new(tensor.shape().to_vec(), data).ok()?, q))
}

/// Smallest and largest element, 0 included.
pub(super) fn extremes(v: &[f32]) -> Range {
    Range {
        min: v.iter().copied().fold(0.0, f32::min),
        max: v.iter().copied().fold(0.0, f32::max),
    }
}
