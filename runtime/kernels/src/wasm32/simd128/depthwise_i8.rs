//! Integer depthwise convolution: 16 channels at a time, two taps an instruction, exact.
//!
//! ```text
//! weights, two taps:   [c0: w w'] [c1: w w'] …     widened to 16 bits once a run, 4 registers
//! x, two taps:         [c0: x x'] [c1: x x'] …     interleaved, then widened, 4 registers
//! dot:                 acc[c] += w·x + w'·x'       4 × i32, at most 2 · 128 · 128 a turn
//! ```
//! Accumulator: i32, `taps · 128 · 255 + |bias| < 2³¹`. An odd last tap is paired with weights of zero. The last channels
//! are computed in a block that overlaps the one before. Fewer than 16 channels, or more taps than a walk holds, are left
//! to the definition.

use super::finish::Last;
use crate::params::DepthwiseI8;
use crate::scalar;
use crate::taps::{MOST_TAPS, RUN, Walk};
use core::arch::wasm32::*;
use core::ops::Range;
use redpoll_plan::layout::{BLOCK_N, padded_n};

/// Blocks of a run.
const BLOCKS: usize = RUN / BLOCK_N;

/// Two taps of 16 channels, interleaved and widened.
#[inline(always)]
fn interleave(a: v128, b: v128) -> [v128; 4] {
    let low = i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
    let high = i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b);
    [
        i16x8_extend_low_i8x16(low),
        i16x8_extend_high_i8x16(low),
        i16x8_extend_low_i8x16(high),
        i16x8_extend_high_i8x16(high),
    ]
}

/// All rows of a run of channels from `start` on.
///
/// # Safety
/// Sizes as asserted by [`depthwise_i8`].
unsafe fn run(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: &Range<usize>, start: usize) {
    let c = p.window.in_c as usize;
    let stride = padded_n(c);
    let taps = p.window.taps();
    let pairs = taps.div_ceil(2);
    // The last block starts early enough to be whole, even before this run.
    let (start, count) = match (c - start).min(RUN) {
        count if count < BLOCK_N => (c - BLOCK_N, BLOCK_N),
        count => (start, count),
    };
    let blocks = count.div_ceil(BLOCK_N);
    let place = |block: usize| (block * BLOCK_N).min(count - BLOCK_N);
    let mut weights = [[[i32x4_splat(0); 4]; MOST_TAPS / 2]; BLOCKS];
    for (block, weights) in weights.iter_mut().take(blocks).enumerate() {
        for (pair, weights) in weights.iter_mut().take(pairs).enumerate() {
            // SAFETY: weights are padded to 16 channels; a tap behind the last is not read.
            let tap = |tap: usize| unsafe {
                if tap < taps {
                    let first = tap * stride + start + place(block);
                    v128_load(p.weights.as_ptr().add(first).cast())
                } else {
                    i32x4_splat(0)
                }
            };
            *weights = interleave(tap(2 * pair), tap(2 * pair + 1));
        }
    }
    let last = Last::new(&p.finish);
    let border = [p.x_zero; RUN];
    let mut walk = Walk::new(&p.window, x[start..].as_ptr(), &border, rows);
    for pixel in 0..rows.len() {
        walk.next();
        for (block, weights) in weights.iter().take(blocks).enumerate() {
            let at = place(block);
            let first = start + at;
            // SAFETY: taps point to pixels of x or to the border, both readable for this run's channels from `start`;
            // the one behind an odd last points to the border; bias and scale are padded to 16; y holds `rows` of c
            // channels.
            unsafe {
                let bias: *const v128 = p.bias.as_ptr().add(first).cast();
                let scale: *const v128 = p.scale.as_ptr().add(first).cast();
                let mut acc: [v128; 4] = core::array::from_fn(|i| v128_load(bias.add(i)));
                for (weights, from) in weights.iter().zip(walk.from[..2 * pairs].chunks_exact(2)) {
                    let tap = |from: *const i8| v128_load(from.add(at).cast());
                    let x = interleave(tap(from[0]), tap(from[1]));
                    for i in 0..4 {
                        acc[i] = i32x4_add(acc[i], i32x4_dot_i16x8(x[i], weights[i]));
                    }
                }
                let scale: [v128; 4] = core::array::from_fn(|i| v128_load(scale.add(i)));
                let low = last.eight([acc[0], acc[1]], [scale[0], scale[1]]);
                let high = last.eight([acc[2], acc[3]], [scale[2], scale[3]]);
                let to: *mut v128 = y.as_mut_ptr().add(pixel * c + first).cast();
                v128_store(to, i64x2_shuffle::<0, 2>(low, high));
            }
        }
    }
}

/// See [`crate::scalar::depthwise::depthwise_i8`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub(super) fn depthwise_i8(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
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
    for start in (0..c).step_by(RUN) {
        // SAFETY: the asserts above.
        unsafe { run(p, x, y, &rows, start) };
    }
}
