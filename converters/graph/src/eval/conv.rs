//! Float convolution: `acc = bias`, then `acc = fma(x, w, acc)` over (kh, kw, ci) in order; the border reads +0.0 and
//! takes part.

use super::Call;
use super::element::{Element, elements};
use super::fused::{multiply_add, scale_add};
use super::window::Window;
use crate::error::Error;
use crate::op::{Clamp, Conv};
use crate::shape::conv_axes;
use crate::tensor::Data;

pub(super) fn conv(conv: &Conv, call: &Call<'_>) -> Result<Data, Error> {
    let (x, w) = (call.x(), call.inputs[1]);
    let window = Window::new(x.shape(), &conv_axes(conv, x.shape(), w.shape())?);
    let outputs = w.shape()[0];
    let (x, rows): (&[f32], &[f32]) = (elements(x)?, elements(w)?);
    let bias = bias(call, outputs)?;
    // [K][M]: the innermost loop runs over output channels, so the order over K is kept.
    let k = rows.len() / outputs;
    let weights = transposed(rows, outputs, k);

    let mut y = Vec::with_capacity(window.pixels() * outputs);
    let mut pixels = vec![0.0; window.taps() * window.channels];
    let mut acc = vec![0.0; outputs];
    for pixel in 0..window.pixels() {
        patch(&window, pixel, x, 0.0, &mut pixels);
        acc.copy_from_slice(&bias);
        if conv.groups == window.channels && outputs == window.channels {
            let taps = pixels.chunks_exact(outputs);
            for (x, w) in taps.zip(weights.chunks_exact(outputs)) {
                multiply_add(&mut acc, x, w);
            }
        } else {
            accumulate(&mut acc, &pixels, &weights, conv.groups, window.channels);
        }
        y.extend(acc.iter().map(|&v| bounded(v, conv.clamp)));
    }
    Ok(Data::F32(y))
}

/// All groups of one output pixel. `weights` are `[K][M]` with K = taps · channels / groups.
fn accumulate(acc: &mut [f32], pixels: &[f32], weights: &[f32], groups: usize, channels: usize) {
    let outputs = acc.len();
    let (group_in, group_out) = (channels / groups, outputs / groups);
    for g in 0..groups {
        let acc = &mut acc[g * group_out..][..group_out];
        for (tap, x) in pixels.chunks_exact(channels).enumerate() {
            for (c, &x) in x[g * group_in..][..group_in].iter().enumerate() {
                let row = (tap * group_in + c) * outputs + g * group_out;
                scale_add(acc, x, &weights[row..][..group_out]);
            }
        }
    }
}

/// The input pixels under all taps of one output pixel, `border` where there is none.
pub(super) fn patch<T: Copy>(window: &Window, pixel: usize, x: &[T], border: T, out: &mut [T]) {
    let places = out.chunks_exact_mut(window.channels);
    for (place, source) in places.zip(window.taps_of(pixel)) {
        match source {
            Some(at) => place.copy_from_slice(&x[at..][..window.channels]),
            None => place.fill(border),
        }
    }
}

/// `[rows][columns]` → `[columns][rows]`.
pub(super) fn transposed<T: Copy>(x: &[T], rows: usize, columns: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(x.len());
    for c in 0..columns {
        out.extend((0..rows).map(|r| x[r * columns + c]));
    }
    out
}

/// The third operand, or zeros.
pub(super) fn bias<T: Element + Default>(call: &Call<'_>, outputs: usize) -> Result<Vec<T>, Error> {
    match call.inputs.get(2) {
        Some(bias) => Ok(elements::<T>(bias)?.to_vec()),
        None => Ok(vec![T::default(); outputs]),
    }
}

/// The fused bounds of a float result.
pub(super) fn bounded(v: f32, clamp: Option<Clamp>) -> f32 {
    clamp.map_or(v, |c| c.apply(v))
}
