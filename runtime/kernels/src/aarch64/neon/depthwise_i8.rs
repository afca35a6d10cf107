//! Integer depthwise convolution: 16 channels at a time, exact.
//!
//! ```text
//! smull, smull2:    x · w of a tap, 16 channels          2 registers of 8 × i16
//! smlal, smlal2:    the next tap, where no weight is −128 (at most 2 · 127 · 128 = 32,512)
//! saddw, saddw2:    added to the sums                    4 registers of 4 × i32
//! ```
//! Accumulator: i32, `taps · 128 · 255 + |bias| < 2³¹`. The last channels are computed in a block that overlaps the one
//! before. Fewer than 16 channels, or more taps than a walk holds, are left to the definition.

use super::finish::Last;
use crate::params::DepthwiseI8;
use crate::scalar;
use crate::taps::{MOST_TAPS, RUN, Walk};
use core::arch::aarch64::*;
use core::ops::Range;
use redpoll_plan::layout::{BLOCK_N, padded_n};

/// Adds the products of a tap, or of two, to the sums.
#[inline]
#[target_feature(enable = "neon")]
fn widen(acc: &mut [int32x4_t; 4], low: int16x8_t, high: int16x8_t) {
    acc[0] = vaddw_s16(acc[0], vget_low_s16(low));
    acc[1] = vaddw_high_s16(acc[1], low);
    acc[2] = vaddw_s16(acc[2], vget_low_s16(high));
    acc[3] = vaddw_high_s16(acc[3], high);
}

/// All rows of a run of channels; `PAIRS` only if no weight is −128; `TAPS` if known to the compiler, else 0.
///
/// # Safety
/// The CPU has the instructions; sizes as asserted by [`depthwise_i8`].
#[target_feature(enable = "neon")]
unsafe fn run<const PAIRS: bool, const TAPS: usize>(
    p: &DepthwiseI8<'_>,
    x: &[i8],
    y: &mut [i8],
    rows: &Range<usize>,
    start: usize,
) {
    let c = p.window.in_c as usize;
    let stride = padded_n(c);
    let taps = if TAPS > 0 { TAPS } else { p.window.taps() };
    // The last block starts early enough to be whole, even before this run.
    let (start, count) = match (c - start).min(RUN) {
        count if count < BLOCK_N => (c - BLOCK_N, BLOCK_N),
        count => (start, count),
    };
    let last = Last::new(&p.finish);
    let border = [p.x_zero; RUN];
    let mut walk = Walk::new(&p.window, x[start..].as_ptr(), &border, rows);
    for pixel in 0..rows.len() {
        walk.next();
        for block in 0..count.div_ceil(BLOCK_N) {
            let at = (block * BLOCK_N).min(count - BLOCK_N);
            let first = start + at;
            // SAFETY: taps point to pixels of x or to the border, both readable for this run's channels from `start`;
            // weights, bias and scale are padded to 16; y holds `rows` of c channels.
            unsafe {
                let (bias, scale) = (p.bias.as_ptr().add(first), p.scale.as_ptr().add(first));
                let scale: [float32x4_t; 4] = core::array::from_fn(|i| vld1q_f32(scale.add(i * 4)));
                let mut acc: [int32x4_t; 4] = core::array::from_fn(|i| vld1q_s32(bias.add(i * 4)));
                let from = &walk.from[..taps];
                let tap = |tap: usize| {
                    let w = vld1q_s8(p.weights.as_ptr().add(tap * stride + first));
                    (vld1q_s8(from[tap].add(at)), w)
                };
                // Known bounds for the most common window, so that the loops unroll.
                let pairs = if PAIRS { taps / 2 } else { 0 };
                for pair in 0..pairs {
                    let ((x, w), (z, v)) = (tap(2 * pair), tap(2 * pair + 1));
                    let low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
                    let low = vmlal_s8(low, vget_low_s8(z), vget_low_s8(v));
                    let high = vmlal_high_s8(vmull_high_s8(x, w), z, v);
                    widen(&mut acc, low, high);
                }
                for i in 2 * pairs..taps {
                    let (x, w) = tap(i);
                    let low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
                    widen(&mut acc, low, vmull_high_s8(x, w));
                }
                let low = last.eight([acc[0], acc[1]], [scale[0], scale[1]]);
                let high = last.eight([acc[2], acc[3]], [scale[2], scale[3]]);
                let to = y.as_mut_ptr().add(pixel * c + first);
                vst1q_s8(to, vcombine_s8(low, high));
            }
        }
    }
}

/// See [`crate::scalar::depthwise::depthwise_i8`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "neon")]
pub(in crate::aarch64) fn depthwise_i8(
    p: &DepthwiseI8<'_>,
    x: &[i8],
    y: &mut [i8],
    rows: Range<usize>,
) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() {
        return;
    }
    if w.taps() > MOST_TAPS || c < BLOCK_N {
        return scalar::depthwise::depthwise_i8(p, x, y, rows);
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));
    assert!(p.weights.len() >= w.taps() * padded_n(c));
    assert!(p.bias.len() >= padded_n(c) && p.scale.len() >= padded_n(c));
    let small = p.weights.iter().fold(i8::MAX, |m, &w| m.min(w)) > i8::MIN;
    for start in (0..c).step_by(RUN) {
        // SAFETY: the asserts above.
        unsafe {
            match (small, w.taps()) {
                (true, 9) => run::<true, 9>(p, x, y, &rows, start),
                (true, _) => run::<true, 0>(p, x, y, &rows, start),
                (false, _) => run::<false, 0>(p, x, y, &rows, start),
            }
        }
    }
}
