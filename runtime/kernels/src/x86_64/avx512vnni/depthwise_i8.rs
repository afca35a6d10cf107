//! Integer depthwise convolution: 64 results (channels, or pixels × channels) at a time, four taps an instruction.
//!
//! `acc = bias − 128 · Σ w + Σ (x + 128) · w` with vpdpbusd over taps that [`interleave`] puts side by side; weights
//! are interleaved once for a run of channels. Accumulator: i32, `taps · 128 · 255 + |bias| < 2³¹`.
//!
//! | window | taps of an instruction | interleavings for 64 results |
//! |---|---|---|
//! | 3×3 and 5×5, stride 1 or 2, dilation 1 | of a column (`columns.rs`): interleaved once, used by all windows that it is in | ½ to 2 |
//! | any other | 4 in order | ⌈taps / 4⌉ |

use super::columns::columns;
use super::epilogue::{Last, small};
use super::lanes::{Channels, interleave};
use super::taps::{MOST_TAPS, Taps};
use crate::geometry::pixel;
use crate::params::DepthwiseI8;
use crate::scalar;
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::layout::padded_n;

/// A run of channels of a depthwise convolution.
pub(super) struct Run<'a> {
    pub p: &'a DepthwiseI8<'a>,
    /// The whole input.
    pub x: *const i8,
    /// Results of `rows`.
    pub y: *mut i8,
    pub rows: Range<usize>,
    /// First channel and channels.
    pub start: usize,
    pub count: usize,
    /// Bytes of the border.
    pub border: &'a [i8; 64],
}

/// Bias and scale in the order of the sums.
pub(super) struct Order {
    pub bias: [[i32; 16]; 4],
    pub scale: [[f32; 16]; 4],
}

impl Run<'_> {
    /// Weights of a tap, repeated for each pixel.
    ///
    /// # Safety
    /// The tap is in the window, the weights are as long as the layout says.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) unsafe fn weights<const P: usize>(&self, tap: usize) -> __m512i {
        let channels = Channels::<P, false>::new(self.count);
        let at = tap * padded_n(self.p.window.in_c as usize) + self.start;
        // SAFETY: `at` and the channels of this run are inside the row of the tap.
        unsafe { channels.load([self.p.weights.as_ptr().add(at); P]) }
    }

    /// Bias, less 128 times the sum of the weights, and scale.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn order<const P: usize>(&self) -> Order {
        let channels = Channels::<P, false>::new(self.count);
        let mut bias = [0i32; 64];
        let stride = padded_n(self.p.window.in_c as usize);
        bias[..self.count].copy_from_slice(&self.p.bias[self.start..][..self.count]);
        for tap in 0..self.p.window.taps() {
            let weights = &self.p.weights[tap * stride + self.start..][..self.count];
            for (bias, &w) in bias.iter_mut().zip(weights) {
                *bias = bias.wrapping_sub(128 * i32::from(w));
            }
        }
        let scale = &self.p.scale[self.start..][..self.count];
        Order {
            bias: channels.spread(&bias[..self.count]),
            scale: channels.spread(scale),
        }
    }
}

/// `finish` of four sums in the order of [`interleave`]: 64 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn finished(last: &Last, acc: [__m512i; 4], scale: &[[f32; 16]; 4]) -> __m512i {
    let mut q = acc;
    for (q, scale) in q.iter_mut().zip(scale) {
        // SAFETY: 16 values.
        *q = last.scaled(*q, unsafe { _mm512_loadu_ps(scale.as_ptr()) });
    }
    last.pack_lanes(q)
}

/// Any window: four taps at a time.
///
/// # Safety
/// The CPU has the instructions; the slices are as long as the parameters say, taps at most [`MOST_TAPS`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn quads<const P: usize, const FULL: bool>(run: &Run<'_>) {
    let (p, w) = (run.p, &run.p.window);
    let c = w.in_c as usize;
    let channels = Channels::<P, FULL>::new(run.count);
    let sign = _mm512_set1_epi8(i8::MIN);
    let zero = _mm512_setzero_si512();
    let last = Last::new(&p.finish);
    let order = run.order::<P>();
    let taps = w.taps();
    let count = taps.div_ceil(4);
    let mut weights = [[zero; 4]; MOST_TAPS / 4];
    for (q, weights) in weights[..count].iter_mut().enumerate() {
        let mut quad = [zero; 4];
        for (i, quad) in quad.iter_mut().enumerate() {
            if q * 4 + i < taps {
                // SAFETY: a tap of the window.
                *quad = unsafe { run.weights::<P>(q * 4 + i) };
            }
        }
        *weights = interleave(quad);
    }
    let weights = &weights[..count];
    // Taps behind the last one have no weight; they read the border.
    let mut from = [[run.border.as_ptr(); MOST_TAPS]; P];
    let places = Taps::new(w);
    let rows = run.rows.clone();
    for first in rows.clone().step_by(P) {
        let mut to = [run.y; P];
        for (lane, to) in to.iter_mut().enumerate() {
            // Pixels behind the last one repeat it.
            let row = (first + lane).min(rows.end - 1);
            // SAFETY: a pixel of y, and channels of it.
            *to = unsafe { run.y.add((row - rows.start) * c + run.start) };
            let at = pixel(w, row);
            let x = run.x.wrapping_add(run.start);
            places.point(&at, x, run.border.as_ptr(), &mut from[lane]);
        }
        // SAFETY: 16 values each; pointers to pixels or to the border, which are as long as the run of channels.
        unsafe {
            let mut acc = [zero; 4];
            for (acc, bias) in acc.iter_mut().zip(&order.bias) {
                *acc = _mm512_loadu_si512(bias.as_ptr().cast());
            }
            for (q, w) in weights.iter().enumerate() {
                let mut taps = [zero; 4];
                for (i, tap) in taps.iter_mut().enumerate() {
                    let mut at = [run.border.as_ptr(); P];
                    for (at, from) in at.iter_mut().zip(&from) {
                        *at = from[q * 4 + i];
                    }
                    *tap = channels.load(at);
                }
                let x = interleave(taps);
                for i in 0..4 {
                    acc[i] = _mm512_dpbusd_epi32(acc[i], _mm512_xor_si512(x[i], sign), w[i]);
                }
            }
            channels.store(to, finished(&last, acc, &order.scale));
        }
    }
}

/// See [`crate::scalar::depthwise::depthwise_i8`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn depthwise_i8(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() || c == 0 {
        return;
    }
    if w.taps() > MOST_TAPS {
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

    // Sides of windows that slide along lines; several lines share columns where they lie side by side.
    let slides = w.dilation_w == 1 && w.kernel_h == w.kernel_w && small(&p.scale[..c]);
    let side = if slides { w.kernel_h } else { 0 };
    let plain = w.dilation_h == 1 && w.stride_h == w.stride_w;
    let few = rows.len() <= 2 * w.out_w as usize;
    let border = [p.x_zero; 64];
    for start in (0..c).step_by(64) {
        let run = Run {
            p,
            x: x.as_ptr(),
            y: y.as_mut_ptr(),
            rows: rows.clone(),
            start,
            count: (c - start).min(64),
            border: &border,
        };
        macro_rules! go {
            ($p:literal, $full:literal) => {
                match (side, w.stride_w, plain) {
                    (3, 1, true) => columns::<$p, $full, 3, 1, 2, 1>(&run),
                    (3, 1, false) => columns::<$p, $full, 3, 1, 1, 1>(&run),
                    (3, 2, _) => columns::<$p, $full, 3, 2, 1, 1>(&run),
                    (5, 1, true) if few => columns::<$p, $full, 5, 1, 2, 2>(&run),
                    (5, 1, true) => columns::<$p, $full, 5, 1, 4, 2>(&run),
                    (5, 2, true) => columns::<$p, $full, 5, 2, 2, 2>(&run),
                    _ => quads::<$p, $full>(&run),
                }
            };
        }
        // SAFETY: the asserts above.
        unsafe {
            match run.count {
                64 => go!(1, true),
                33.. => go!(1, false),
                32 => go!(2, true),
                17.. => go!(2, false),
                16 => go!(4, true),
                _ => go!(4, false),
            }
        }
    }
}
