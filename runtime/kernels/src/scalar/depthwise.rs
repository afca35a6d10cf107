//! Depthwise convolution, int8 and float: one output channel an input channel, weights `[taps][⌈C/16⌉ · 16]`.

use crate::finish::finish;
use crate::geometry::pixel;
use crate::math::{clamp, fma};
use crate::params::{DepthwiseF32, DepthwiseI8, FloatWeights};
use core::ops::Range;
use half::f16;
use redpoll_plan::layout::{BLOCK_N, padded_n};

/// `y = finish(f32(bias + Σ x · w) · scale[c])`, the border reading `x_zero`; `y` holds output pixels `rows`.
/// Accumulator: i32, `taps · 128 · 255 + |bias| < 2³¹`.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn depthwise_i8(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    let stride = padded_n(c);
    for (y, row) in y.chunks_exact_mut(c.max(1)).zip(rows) {
        let at = pixel(w, row);
        for start in (0..c).step_by(BLOCK_N) {
            let width = (c - start).min(BLOCK_N);
            let mut acc = [0i32; BLOCK_N];
            acc.copy_from_slice(&p.bias[start..start + BLOCK_N]);
            at.each_tap(w, |tap, pixel| {
                let weights = &p.weights[tap * stride + start..][..width];
                let border = [p.x_zero; BLOCK_N];
                let x = match pixel {
                    Some(i) => &x[i * c + start..][..width],
                    None => &border[..width],
                };
                for ((acc, &x), &w) in acc.iter_mut().zip(x).zip(weights) {
                    *acc = acc.wrapping_add(i32::from(x) * i32::from(w));
                }
            });
            let scale = &p.scale[start..start + width];
            for ((y, &acc), &scale) in y[start..start + width].iter_mut().zip(&acc).zip(scale) {
                *y = finish(acc as f32 * scale, &p.finish) as i8;
            }
        }
    }
}

/// `acc = bias; acc = fma(x, w, acc)` over the taps in order, the border reading `+0.0`; then the clamp.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn depthwise_f32(p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    let stride = padded_n(c);
    for (y, row) in y.chunks_exact_mut(c.max(1)).zip(rows) {
        let at = pixel(w, row);
        for start in (0..c).step_by(BLOCK_N) {
            let width = (c - start).min(BLOCK_N);
            let mut acc = [0f32; BLOCK_N];
            acc.copy_from_slice(&p.bias[start..start + BLOCK_N]);
            at.each_tap(w, |tap, pixel| {
                let from = tap * stride + start;
                for (n, acc) in acc[..width].iter_mut().enumerate() {
                    let x = pixel.map_or(0.0, |i| x[i * c + start + n]);
                    let w = match p.weights {
                        FloatWeights::F32(w) => w[from + n],
                        FloatWeights::F16(w) => f16::from_bits(w[from + n]).to_f32_const(),
                    };
                    *acc = fma(x, w, *acc);
                }
            });
            for (y, &acc) in y[start..start + width].iter_mut().zip(&acc) {
                *y = clamp(acc, p.lo, p.hi);
            }
        }
    }
}
