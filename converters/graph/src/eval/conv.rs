//! Float convolution: `acc = bias`, then `acc = fma(x, w, acc)` over (kh, kw, ci) in order; the border reads +0.0 and
//! takes part.

use super::Call;
use super::element::{Element, elements};
use super::fused::{Grain, Weights};
use super::window::Window;
use crate::error::Error;
use crate::op::{Clamp, Conv};
use crate::shape::conv_axes;
use crate::tensor::Data;

pub(super) fn conv(conv: &Conv, call: &Call<'_>) -> Result<Data, Error> {
    let (x, w) = (call.x(), call.inputs[1]);
    let window = Window::new(x.shape(), &conv_axes(conv, x.shape(), w.shape())?);
    let outputs = w.shape()[0];
    let rows: &[f32] = elements(w)?;
    let bias: Vec<f32> = bias(call, outputs)?;
    let k = rows.len() / outputs;
    let (group_in, group_out) = (window.channels / conv.groups, outputs / conv.groups);
    let depthwise = group_in == 1 && group_out == 1;
    // Depthwise runs all channels side by side, the others one group at a time.
    let width = if depthwise { outputs } else { group_out };
    let weights: Vec<Weights> = (0..outputs)
        .step_by(width)
        .map(|first| Weights::new(k, width, |k_at, n| rows[(first + n) * k + k_at]))
        .collect();

    let x: &[f32] = elements(x)?;
    let grain = Grain::new(x, &bias);
    let x: Vec<f64> = x.iter().map(|&x| x.into()).collect();
    let mut y = Vec::with_capacity(window.pixels() * outputs);
    let mut pixels = vec![0.0; window.taps() * window.channels];
    let mut own = Vec::with_capacity(k);
    for pixel in 0..window.pixels() {
        patch(&window, pixel, &x, 0.0, &mut pixels);
        let start = y.len();
        y.extend_from_slice(&bias);
        let acc = &mut y[start..];
        for (g, (acc, weights)) in acc.chunks_exact_mut(width).zip(&weights).enumerate() {
            if depthwise {
                weights.accumulate_each(acc, &pixels, grain);
            } else if conv.groups == 1 {
                weights.accumulate(acc, &pixels, grain);
            } else {
                let taps = pixels.chunks_exact(window.channels);
                own.clear();
                own.extend(taps.flat_map(|x| &x[g * group_in..][..group_in]));
                weights.accumulate(acc, &own, grain);
            }
        }
        acc.iter_mut().for_each(|v| *v = bounded(*v, conv.clamp));
    }
    Ok(Data::F32(y))
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
