//! Float depthwise convolution: eight pixels × 8 channels for windows of 3 × 3 and 5 × 5 (see `../depthwise_f32.rs`), else 16
//! channels at a time; `acc = fma(x, w, acc)` over the taps in order.
//!
//! The last channels are computed in a block that overlaps the one before; fewer than 16 go through a copy.

use super::gemm_f32::{clamp, sixteen};
use crate::params::{DepthwiseF32, FloatWeights};
use crate::scalar;
use crate::taps::{MOST_TAPS, RUN, Walk};
use crate::x86_64::depthwise_f32::{self as shared, PIXELS, Tile, Tiles};
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::layout::{BLOCK_N, padded_n};

/// One tile of `P` pixels of a window of `K` × `K` and stride `S`; weights in half precision if `HALF`.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for the window and `P` pixels, and for 8 channels, some of
/// which may lie before those of the tile.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile<const K: usize, const S: usize, const P: usize, const HALF: bool>(t: &Tile) {
    let (lo, hi) = (_mm256_set1_ps(t.lo), _mm256_set1_ps(t.hi));
    let mut next = 0;
    while next < t.channels {
        // The last register overlaps the one before.
        let at = (next as isize).min(t.channels as isize - 8);
        next += 8;
        // SAFETY: as the caller promises.
        unsafe {
            let mut acc = [_mm256_loadu_ps(t.bias.offset(at)); P];
            for i in 0..K {
                for j in 0..K {
                    let weight = ((i * K + j) * t.tap_stride) as isize + at;
                    let w = if HALF {
                        _mm256_cvtph_ps(_mm_loadu_si128(t.weights.offset(weight * 2).cast()))
                    } else {
                        _mm256_loadu_ps(t.weights.offset(weight * 4).cast())
                    };
                    for (pixel, acc) in acc.iter_mut().enumerate() {
                        let x = _mm256_loadu_ps(t.from[i][pixel * S + j].offset(at));
                        *acc = _mm256_fmadd_ps(x, w, *acc);
                    }
                }
            }
            for (pixel, &v) in acc.iter().enumerate() {
                let to = t.y.offset((pixel * t.y_stride) as isize + at);
                _mm256_storeu_ps(to, clamp(v, lo, hi));
            }
        }
    }
}

type Kernel = unsafe fn(&Tile);

/// Kernels of a window by pixels, in single and half precision.
macro_rules! kernels {
    ($k:literal, $s:literal: $($p:literal)*) => {
        [[$(tile::<$k, $s, $p, false> as Kernel),*], [$(tile::<$k, $s, $p, true> as Kernel),*]]
    };
}
static THREE: [[[Kernel; PIXELS]; 2]; 2] = [
    kernels!(3, 1: 1 2 3 4 5 6 7 8),
    kernels!(3, 2: 1 2 3 4 5 6 7 8),
];
static FIVE: [[[Kernel; PIXELS]; 2]; 2] = [
    kernels!(5, 1: 1 2 3 4 5 6 7 8),
    kernels!(5, 2: 1 2 3 4 5 6 7 8),
];

/// The tiles of this tier.
struct Registers;

impl Tiles for Registers {
    #[inline(always)]
    unsafe fn tile(&self, t: &Tile, kernel: usize, stride: usize, pixels: usize, half: bool) {
        let kernels = if kernel == 3 { &THREE } else { &FIVE };
        // SAFETY: as the caller promises.
        unsafe { kernels[stride - 1][usize::from(half)][pixels - 1](t) };
    }
}

/// All rows of a run of channels.
///
/// # Safety
/// The CPU has the instructions; sizes as asserted by [`depthwise_f32`]; `FULL` if there are at least 16 channels.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn run<const FULL: bool>(
    p: &DepthwiseF32<'_>,
    x: &[f32],
    y: &mut [f32],
    rows: &Range<usize>,
    start: usize,
) {
    let c = p.window.in_c as usize;
    let (stride, taps) = (padded_n(c), p.window.taps());
    let count = (c - start).min(RUN);
    // The last block starts early enough to be whole, even before this run.
    let (start, count) = if FULL && count < BLOCK_N {
        (c - BLOCK_N, BLOCK_N)
    } else {
        (start, count)
    };
    let (lo, hi) = (_mm256_set1_ps(p.lo), _mm256_set1_ps(p.hi));
    let border = [0.0; RUN];
    let mut walk = Walk::new(&p.window, x[start..].as_ptr(), &border, rows);
    for pixel in 0..rows.len() {
        walk.next();
        for block in 0..count.div_ceil(BLOCK_N) {
            let at = if FULL {
                (block * BLOCK_N).min(count - BLOCK_N)
            } else {
                0
            };
            // SAFETY: taps point to pixels of x or to the border, both readable for this run's channels from `start`;
            // weights and bias are padded to 16; y holds `rows` of c channels.
            unsafe {
                let bias = p.bias.as_ptr().add(start + at);
                let mut acc = [_mm256_loadu_ps(bias), _mm256_loadu_ps(bias.add(8))];
                for (tap, from) in walk.from[..taps].iter().enumerate() {
                    let mut from = from.add(at);
                    let mut copy = [0.0; BLOCK_N];
                    if !FULL {
                        core::ptr::copy_nonoverlapping(from, copy.as_mut_ptr(), count);
                        from = copy.as_ptr();
                    }
                    let w = match p.weights {
                        FloatWeights::F32(w) => {
                            let w = w.as_ptr().add(tap * stride + start + at);
                            [_mm256_loadu_ps(w), _mm256_loadu_ps(w.add(8))]
                        }
                        FloatWeights::F16(w) => sixteen(w.as_ptr().add(tap * stride + start + at)),
                    };
                    acc[0] = _mm256_fmadd_ps(_mm256_loadu_ps(from), w[0], acc[0]);
                    acc[1] = _mm256_fmadd_ps(_mm256_loadu_ps(from.add(8)), w[1], acc[1]);
                }
                let acc = acc.map(|v| clamp(v, lo, hi));
                let to = y.as_mut_ptr().add(pixel * c + start + at);
                if FULL {
                    _mm256_storeu_ps(to, acc[0]);
                    _mm256_storeu_ps(to.add(8), acc[1]);
                } else {
                    let mut copy = [0.0f32; BLOCK_N];
                    _mm256_storeu_ps(copy.as_mut_ptr(), acc[0]);
                    _mm256_storeu_ps(copy.as_mut_ptr().add(8), acc[1]);
                    core::ptr::copy_nonoverlapping(copy.as_ptr(), to, count);
                }
            }
        }
    }
}

/// The definition, compiled for AVX2 and FMA.
#[target_feature(enable = "avx2,fma,f16c")]
fn again(p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
    scalar::depthwise::depthwise_f32(p, x, y, rows);
}

/// See [`crate::scalar::depthwise::depthwise_f32`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn depthwise_f32(p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() || c == 0 {
        return;
    }
    if c >= 8 && shared::fits(p) {
        // SAFETY: this function runs only where the CPU has the instructions.
        return unsafe { shared::depthwise_f32(&Registers, p, x, y, rows) };
    }
    if w.taps() > MOST_TAPS {
        return again(p, x, y, rows);
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));
    let weights = match p.weights {
        FloatWeights::F32(w) => w.len(),
        FloatWeights::F16(w) => w.len(),
    };
    assert!(weights >= w.taps() * padded_n(c) && p.bias.len() >= padded_n(c));
    for start in (0..c).step_by(RUN) {
        // SAFETY: the asserts above.
        unsafe {
            if c >= BLOCK_N {
                run::<true>(p, x, y, &rows, start);
            } else {
                run::<false>(p, x, y, &rows, start);
            }
        }
    }
}
