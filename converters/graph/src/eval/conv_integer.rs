//! Integer convolution and dense product: exact i32 sums of `(x − z_x) · w`, then one multiplication and rounding.

use super::Call;
use super::conv::{bias, patch, transposed};
use super::element::{elements, integers, pack};
use super::quantized::{Finish, scale, zero};
use super::window::Window;
use crate::error::Error;
use crate::op::{Clamp, Conv};
use crate::shape::conv_axes;
use crate::tensor::{Data, Tensor};

pub(super) fn conv(conv: &Conv, call: &Call<'_>) -> Result<Data, Error> {
    let (x, w) = (call.x(), call.inputs[1]);
    let window = Window::new(x.shape(), &conv_axes(conv, x.shape(), w.shape())?);
    let outputs = w.shape()[0];
    let x = centred(x, zero(call.values[0]))?;
    let weights: Vec<i16> = elements::<i8>(w)?.iter().map(|&w| w.into()).collect();
    let bias: Vec<i32> = bias(call, outputs)?;
    let end = Epilogue::new(call, conv.clamp, outputs);

    let mut y = Vec::with_capacity(window.pixels() * outputs);
    let mut pixels = vec![0; window.taps() * window.channels];
    let mut acc = vec![0; outputs];
    let depthwise = conv.groups == window.channels && outputs == window.channels;
    let by_tap = transposed(&weights, outputs, window.taps() * usize::from(depthwise));
    for pixel in 0..window.pixels() {
        // The border reads the zero point: 0 once centred.
        patch(&window, pixel, &x, 0, &mut pixels);
        acc.copy_from_slice(&bias);
        if depthwise {
            let taps = pixels.chunks_exact(outputs);
            for (x, w) in taps.zip(by_tap.chunks_exact(outputs)) {
                for ((acc, &x), &w) in acc.iter_mut().zip(x).zip(w) {
                    *acc = acc.wrapping_add(i32::from(x) * i32::from(w));
                }
            }
        } else {
            accumulate(&mut acc, &pixels, &weights, conv.groups, window.channels);
        }
        end.write(&acc, &mut y);
    }
    pack(call.output.dtype, y)
}

/// All groups of one output pixel. `weights` are `[M][taps][C / groups]`.
fn accumulate(acc: &mut [i32], pixels: &[i16], weights: &[i16], groups: usize, channels: usize) {
    let (group_in, group_out) = (channels / groups, acc.len() / groups);
    let k = weights.len() / acc.len();
    let mut own = Vec::new();
    for g in 0..groups {
        let x = if groups == 1 {
            pixels
        } else {
            let taps = pixels.chunks_exact(channels);
            own.clear();
            own.extend(taps.flat_map(|x| &x[g * group_in..][..group_in]));
            &own
        };
        let acc = &mut acc[g * group_out..][..group_out];
        let rows = weights[g * group_out * k..].chunks_exact(k);
        for (acc, w) in acc.iter_mut().zip(rows) {
            *acc = acc.wrapping_add(dot(x, w));
        }
    }
}

pub(super) fn dense(clamp: Option<Clamp>, call: &Call<'_>) -> Result<Data, Error> {
    let w = call.inputs[1];
    let (outputs, k) = (w.shape()[0], w.shape()[1]);
    let x = centred(call.x(), zero(call.values[0]))?;
    let weights: Vec<i16> = elements::<i8>(w)?.iter().map(|&w| w.into()).collect();
    let bias: Vec<i32> = bias(call, outputs)?;
    let end = Epilogue::new(call, clamp, outputs);
    let rows = call.output.len() / outputs.max(1);
    let mut y = Vec::with_capacity(call.output.len());
    for r in 0..rows {
        let x = &x[r * k..][..k];
        let acc: Vec<i32> = (0..outputs)
            .map(|o| bias[o].wrapping_add(dot(x, &weights[o * k..][..k])))
            .collect();
        end.write(&acc, &mut y);
    }
    pack(call.output.dtype, y)
}

/// The verifier has proved that no sum passes 32 bits, so wrapping arithmetic never wraps here.
fn dot(x: &[i16], w: &[i16]) -> i32 {
    x.iter().zip(w).fold(0i32, |sum, (&x, &w)| {
        sum.wrapping_add(i32::from(x) * i32::from(w))
    })
}

/// `x − z`, which needs 9 bits.
fn centred(x: &Tensor, zero: i32) -> Result<Vec<i16>, Error> {
    Ok(integers(x)?
        .into_iter()
        .map(|q| (q - zero) as i16)
        .collect())
}

/// `finish(f32(acc) · m)` per channel, `m = f32(f32(s_x · s_w) / s_y)`.
struct Epilogue {
    multipliers: Vec<f32>,
    finish: Finish,
}

impl Epilogue {
    fn new(call: &Call<'_>, clamp: Option<Clamp>, outputs: usize) -> Self {
        let (x, w) = (scale(call.values[0]), call.values[1]);
        let weight_scale = |c: usize| w.qparams.as_ref().map_or(1.0, |q| q.scale_at(c));
        let multipliers = (0..outputs).map(|c| (x * weight_scale(c)) / scale(call.output));
        Self {
            multipliers: multipliers.collect(),
            finish: Finish::new(call.output, clamp),
        }
    }

    fn write(&self, acc: &[i32], y: &mut Vec<i32>) {
        let results = acc.iter().zip(&self.multipliers);
        y.extend(results.map(|(&acc, &m)| self.finish.apply(acc as f32 * m)));
    }
}
