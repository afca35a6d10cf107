//! Float depthwise convolution: 16 channels at a time, `acc = fma(x, w, acc)` over the taps in order.
//!
//! The last channels are computed in a block that overlaps the one before. Fewer than 16 channels, or more taps than a
//! walk holds, are left to the definition.

use super::float::{clamp, sixteen, store};
use crate::params::{DepthwiseF32, FloatWeights};
use crate::scalar;
use crate::taps::{MOST_TAPS, RUN, Walk};
use core::arch::aarch64::*;
use core::ops::Range;
use redpoll_plan::layout::{BLOCK_N, padded_n};

/// All rows of a run of channels.
///
/// # Safety
/// The CPU has the instructions; sizes as asserted by [`depthwise_f32`]; `weights` are u16 if `HALF`, else f32.
#[target_feature(enable = "neon")]
unsafe fn run<const HALF: bool>(
    p: &DepthwiseF32<'_>,
    weights: *const u8,
    x: &[f32],
    y: &mut [f32],
    rows: &Range<usize>,
    start: usize,
) {
    let c = p.window.in_c as usize;
    let (stride, taps) = (padded_n(c), p.window.taps());
    let element = if HALF { 2 } else { 4 };
    // The last block starts early enough to be whole, even before this run.
    let (start, count) = match (c - start).min(RUN) {
        count if count < BLOCK_N => (c - BLOCK_N, BLOCK_N),
        count => (start, count),
    };
    let (lo, hi) = (vdupq_n_f32(p.lo), vdupq_n_f32(p.hi));
    let border = [0.0; RUN];
    let mut walk = Walk::new(&p.window, x[start..].as_ptr(), &border, rows);
    for pixel in 0..rows.len() {
        walk.next();
        for block in 0..count.div_ceil(BLOCK_N) {
            let at = (block * BLOCK_N).min(count - BLOCK_N);
            // SAFETY: taps point to pixels of x or to the border, both readable for this run's channels from `start`;
            // weights and bias are padded to 16; y holds `rows` of c channels.
            unsafe {
                let bias = p.bias.as_ptr().add(start + at);
                let mut acc: [float32x4_t; 4] =
                    core::array::from_fn(|i| vld1q_f32(bias.add(i * 4)));
                for (tap, from) in walk.from[..taps].iter().enumerate() {
                    let w = weights.add((tap * stride + start + at) * element);
                    let w = sixteen::<HALF>(w);
                    for (i, acc) in acc.iter_mut().enumerate() {
                        *acc = vfmaq_f32(*acc, vld1q_f32(from.add(at + i * 4)), w[i]);
                    }
                }
                let v = acc.map(|v| clamp(v, lo, hi));
                store(y.as_mut_ptr().add(pixel * c + start + at), v, BLOCK_N);
            }
        }
    }
}

/// See [`crate::scalar::depthwise::depthwise_f32`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "neon")]
pub(in crate::aarch64) fn depthwise_f32(
    p: &DepthwiseF32<'_>,
    x: &[f32],
    y: &mut [f32],
    rows: Range<usize>,
) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() {
        return;
    }
    if w.taps() > MOST_TAPS || c < BLOCK_N {
        return scalar::depthwise::depthwise_f32(p, x, y, rows);
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));
    let (weights, length, half): (*const u8, usize, bool) = match p.weights {
        FloatWeights::F32(w) => (w.as_ptr().cast(), w.len(), false),
        FloatWeights::F16(w) => (w.as_ptr().cast(), w.len(), true),
    };
    assert!(length >= w.taps() * padded_n(c) && p.bias.len() >= padded_n(c));
    for start in (0..c).step_by(RUN) {
        // SAFETY: the asserts above.
        unsafe {
            if half {
                run::<true>(p, weights, x, y, &rows, start);
            } else {
                run::<false>(p, weights, x, y, &rows, start);
            }
        }
    }
}
