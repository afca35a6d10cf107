//! Float depthwise convolution: eight pixels × 16 channels for windows of 3 × 3 and 5 × 5 (see `../depthwise_f32.rs`), else
//! four pixels × 32 channels in eight registers, taps in order.

use super::taps::{MOST_TAPS, Taps};
use crate::geometry::pixel;
use crate::params::{DepthwiseF32, FloatWeights};
use crate::scalar;
use crate::x86_64::depthwise_f32::{self as shared, PIXELS as MOST, Tile, Tiles};
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::layout::padded_n;

/// One tile of `P` pixels of a window of `K` × `K` and stride `S`; weights in half precision if `HALF`.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for the window and `P` pixels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn tile<const K: usize, const S: usize, const P: usize, const HALF: bool>(t: &Tile) {
    let (lo, hi) = (_mm512_set1_ps(t.lo), _mm512_set1_ps(t.hi));
    for at in (0..t.channels).step_by(16) {
        let left = t.channels - at;
        let mask: __mmask16 = if left >= 16 { 0xffff } else { (1 << left) - 1 };
        // SAFETY: weights and bias are whole registers; lanes of x and y behind the channels are masked off.
        unsafe {
            let mut acc = [_mm512_loadu_ps(t.bias.add(at)); P];
            for i in 0..K {
                for j in 0..K {
                    let weight = (i * K + j) * t.tap_stride + at;
                    let w = if HALF {
                        _mm512_cvtph_ps(_mm256_loadu_si256(t.weights.add(weight * 2).cast()))
                    } else {
                        _mm512_loadu_ps(t.weights.add(weight * 4).cast())
                    };
                    for (pixel, acc) in acc.iter_mut().enumerate() {
                        let x = t.from[i][pixel * S + j].add(at);
                        *acc = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, x), w, *acc);
                    }
                }
            }
            for (pixel, &v) in acc.iter().enumerate() {
                // The second operand is the result where they are equal or one is NaN: NaN and −0.0 pass.
                let v = _mm512_min_ps(hi, _mm512_max_ps(lo, v));
                _mm512_mask_storeu_ps(t.y.add(pixel * t.y_stride + at), mask, v);
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
static THREE: [[[Kernel; MOST]; 2]; 2] = [
    kernels!(3, 1: 1 2 3 4 5 6 7 8),
    kernels!(3, 2: 1 2 3 4 5 6 7 8),
];
static FIVE: [[[Kernel; MOST]; 2]; 2] = [
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

/// Pixels of a tile of other windows.
const PIXELS: usize = 4;
/// Registers of channels of a tile.
const WIDE: usize = 2;

/// One run of channels, `count` of them from `start`, over all pixels.
///
/// # Safety
/// The CPU has the instructions; the slices are as long as the parameters say, taps at most [`MOST_TAPS`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn run<const HALF: bool>(
    p: &DepthwiseF32<'_>,
    x: *const f32,
    y: *mut f32,
    rows: Range<usize>,
    start: usize,
    count: usize,
) {
    let w = &p.window;
    let (c, taps) = (w.in_c as usize, w.taps());
    let stride = padded_n(c);
    let weights = match p.weights {
        FloatWeights::F32(w) => w.as_ptr().cast::<u8>(),
        FloatWeights::F16(w) => w.as_ptr().cast::<u8>(),
    };
    let mask = ((1u64 << count) - 1) as u32;
    let mask: [__mmask16; WIDE] = [mask as u16, (mask >> 16) as u16];
    let (lo, hi) = (_mm512_set1_ps(p.lo), _mm512_set1_ps(p.hi));
    let border = [0f32; 16 * WIDE];
    let places = Taps::new(w);
    let mut from = [[border.as_ptr(); MOST_TAPS]; PIXELS];
    let mut bias = [_mm512_setzero_ps(); WIDE];
    for (i, bias) in bias.iter_mut().enumerate() {
        // SAFETY: lanes behind the channels are not read.
        *bias = unsafe { _mm512_maskz_loadu_ps(mask[i], p.bias.as_ptr().add(start + i * 16)) };
    }
    for first in rows.clone().step_by(PIXELS) {
        for (lane, from) in from.iter_mut().enumerate() {
            // Pixels behind the last one repeat it.
            let at = pixel(w, (first + lane).min(rows.end - 1));
            places.point(&at, x.wrapping_add(start), border.as_ptr(), from);
        }
        let mut acc = [bias; PIXELS];
        for tap in 0..taps {
            for (i, &mask) in mask.iter().enumerate() {
                let at = tap * stride + start + i * 16;
                // SAFETY: a tap of the window; pointers to pixels or to the border. Lanes behind the channels are not read.
                unsafe {
                    let w = if HALF {
                        let bits = _mm256_maskz_loadu_epi16(mask, weights.add(at * 2).cast());
                        _mm512_cvtph_ps(bits)
                    } else {
                        _mm512_maskz_loadu_ps(mask, weights.add(at * 4).cast())
                    };
                    for (acc, from) in acc.iter_mut().zip(&from) {
                        let x = _mm512_maskz_loadu_ps(mask, from[tap].wrapping_add(i * 16));
                        acc[i] = _mm512_fmadd_ps(x, w, acc[i]);
                    }
                }
            }
        }
        for (lane, acc) in acc.iter().enumerate() {
            let row = (first + lane).min(rows.end - 1);
            for (i, &v) in acc.iter().enumerate() {
                // The second operand is the result where they are equal or one is NaN: NaN and −0.0 pass.
                let v = _mm512_min_ps(hi, _mm512_max_ps(lo, v));
                let at = (row - rows.start) * c + start + i * 16;
                // SAFETY: a pixel of y; lanes behind the channels are not written.
                unsafe { _mm512_mask_storeu_ps(y.wrapping_add(at), mask[i], v) };
            }
        }
    }
}

/// See [`crate::scalar::depthwise::depthwise_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn depthwise_f32(
    p: &DepthwiseF32<'_>,
    x: &[f32],
    y: &mut [f32],
    rows: Range<usize>,
) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() || c == 0 {
        return;
    }
    if shared::fits(p) {
        // SAFETY: as the caller promises.
        return unsafe { shared::depthwise_f32(&Registers, p, x, y, rows) };
    }
    if w.taps() > MOST_TAPS {
        return scalar::depthwise::depthwise_f32(p, x, y, rows);
    }
    let length = match p.weights {
        FloatWeights::F32(w) => w.len(),
        FloatWeights::F16(w) => w.len(),
    };
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));
    assert!(length >= w.taps() * padded_n(c) && p.bias.len() >= padded_n(c));
    for start in (0..c).step_by(16 * WIDE) {
        let count = (c - start).min(16 * WIDE);
        let (x, y, rows) = (x.as_ptr(), y.as_mut_ptr(), rows.clone());
        // SAFETY: the asserts above.
        unsafe {
            match p.weights {
                FloatWeights::F32(_) => run::<false>(p, x, y, rows, start, count),
                FloatWeights::F16(_) => run::<true>(p, x, y, rows, start, count),
            }
        }
    }
}
