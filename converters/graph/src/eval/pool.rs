//! Pooling, float and integer.

use super::Call;
use super::element::{elements, integers, pack};
use super::quantized::{Finish, scale, zero};
use super::window::Window;
use crate::error::Error;
use crate::op::{Pool, PoolKind};
use crate::shape::pool_axes;
use crate::tensor::Data;

pub(super) fn pool(pool: &Pool, call: &Call<'_>) -> Result<Data, Error> {
    let x = call.x();
    let window = Window::new(x.shape(), &pool_axes(pool, x.shape())?);
    if !call.is_integer() {
        let x: &[f32] = elements(x)?;
        let y = match pool.kind {
            PoolKind::Max => over_windows(&window, x, |_, taps| maximum(f32::NEG_INFINITY, taps)),
            PoolKind::Average => over_windows(&window, x, |inside, taps| {
                let sum = taps.fold(0.0, |sum, v| sum + v);
                sum / count(pool, &window, inside) as f32
            }),
        };
        return Ok(Data::F32(y));
    }
    let x = integers(x)?;
    let y = match pool.kind {
        PoolKind::Max => over_windows(&window, &x, |_, taps| maximum(i32::MIN, taps)),
        PoolKind::Average => {
            let finish = Finish::new(call.output, None);
            let zero = zero(call.values[0]);
            let ratio = scale(call.values[0]) / scale(call.output);
            over_windows(&window, &x, |inside, taps| {
                let sum: i32 = taps.map(|q| q - zero).sum();
                let m = ratio / count(pool, &window, inside) as f32;
                finish.apply(sum as f32 * m)
            })
        }
    };
    pack(call.output.dtype, y)
}

/// What an average divides by: `inside` taps lie in the input.
fn count(pool: &Pool, window: &Window, inside: usize) -> usize {
    if pool.count_include_pad {
        window.taps()
    } else {
        inside
    }
}

/// The first of the largest, passing over NaN; the border is not among the taps, and shape inference saw to it that
/// there is one.
fn maximum<T: Copy + PartialOrd>(least: T, taps: impl Iterator<Item = T>) -> T {
    taps.fold(least, |m, v| if v > m { v } else { m })
}

/// Applies `f` to the number and the elements of the taps inside the input, for each output element.
fn over_windows<T: Copy>(
    window: &Window,
    x: &[T],
    f: impl Fn(usize, &mut dyn Iterator<Item = T>) -> T,
) -> Vec<T> {
    let mut y = Vec::with_capacity(window.pixels() * window.channels);
    for pixel in 0..window.pixels() {
        let sources: Vec<usize> = window.taps_of(pixel).flatten().collect();
        for c in 0..window.channels {
            let mut taps = sources.iter().map(|at| x[at + c]);
            y.push(f(sources.len(), &mut taps));
        }
    }
    y
}
