//! Integer pooling and reductions: 64 channels at a time.
//!
//! Sums take four bytes an instruction: `Σ (x − x_zero) = Σ (x + 128) · 1 − count · (128 + x_zero)` with vpdpbusd over
//! interleaved taps (see `lanes.rs`); a border that reads `x_zero` adds nothing. Accumulator: i32, `count · 255 < 2³¹`.

use super::epilogue::{Last, low_bits};
use super::lanes::{Channels, interleave};
use super::taps::{MOST_TAPS, Taps};
use crate::geometry::pixel;
use crate::params::Finish;
use crate::scalar;
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::op::{self, Reduce};

/// Sums of 64 channels.
struct Sum([__m512i; 4]);

impl Sum {
    /// Starts from `bias`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(bias: i32) -> Self {
        Self([_mm512_set1_epi32(bias); 4])
    }

    /// Adds four bytes + 128 of each channel.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn add(&mut self, taps: [__m512i; 4]) {
        let (sign, one) = (_mm512_set1_epi8(i8::MIN), _mm512_set1_epi8(1));
        for (acc, x) in self.0.iter_mut().zip(interleave(taps)) {
            *acc = _mm512_dpbusd_epi32(*acc, _mm512_xor_si512(x, sign), one);
        }
    }

    /// `finish(f32(sum) · ratio)`: 64 bytes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn finish(self, last: &Last, ratio: f32) -> __m512i {
        let ratio = _mm512_set1_ps(ratio);
        last.pack_lanes(self.0.map(|acc| last.scaled(acc, ratio)))
    }
}

/// Clamps to int8 bounds.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn within(v: __m512i, lo: i32, hi: i32) -> __m512i {
    let v = _mm512_max_epi8(v, _mm512_set1_epi8(lo as i8));
    _mm512_min_epi8(v, _mm512_set1_epi8(hi as i8))
}

/// Input columns that [`max_lines`] holds.
const COLUMNS: usize = 256;

/// Largest values of a run of `count` channels from `start` on, line by line: first of every input column under the line,
/// then of the columns under each pixel. What is outside the input takes no part.
///
/// # Safety
/// The CPU has the instructions; `x` and `y` are as long as the parameters say; the input is at most [`COLUMNS`] wide.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn max_lines<const FULL: bool>(
    p: &op::PoolI8,
    x: *const i8,
    y: *mut i8,
    rows: &Range<usize>,
    (start, count): (usize, usize),
) {
    let w = &p.window;
    let (c, in_h, in_w) = (w.in_c as usize, w.in_h as isize, w.in_w as isize);
    let out_w = w.out_w as usize;
    let channels = Channels::<1, FULL>::new(count);
    let least = _mm512_set1_epi8(i8::MIN);
    let mut held = [least; COLUMNS];
    let mut row = rows.start;
    while row < rows.end {
        let length = (out_w - row % out_w).min(rows.end - row);
        let at = pixel(w, row);
        let reach = ((length - 1) * w.stride_w as usize
            + (w.kernel_w as usize - 1) * w.dilation_w as usize) as isize;
        let columns = at.left.clamp(0, in_w)..(at.left + reach + 1).clamp(0, in_w);
        for column in columns {
            let mut v = least;
            for i in 0..w.kernel_h as usize {
                let line = at.top + (i * w.dilation_h as usize) as isize;
                if line >= 0 && line < in_h {
                    let pixel = at.base + (line * in_w + column) as usize;
                    // SAFETY: a pixel of x, and channels of it.
                    let tap = unsafe { channels.load([x.add(pixel * c + start)]) };
                    v = _mm512_max_epi8(v, tap);
                }
            }
            held[column as usize % COLUMNS] = v;
        }
        for i in 0..length {
            let left = at.left + (i * w.stride_w as usize) as isize;
            let mut v = least;
            for j in 0..w.kernel_w as usize {
                let column = left + (j * w.dilation_w as usize) as isize;
                if column >= 0 && column < in_w {
                    v = _mm512_max_epi8(v, held[column as usize % COLUMNS]);
                }
            }
            // SAFETY: a pixel of y, and channels of it.
            unsafe {
                let to = y.add((row + i - rows.start) * c + start);
                channels.store([to], within(v, p.lo, p.hi));
            }
        }
        row += length;
    }
}

/// See [`crate::scalar::pool::pool_i8`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn pool_i8(p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let (c, taps) = (w.in_c as usize, w.taps());
    let max = p.kind == Reduce::Max;
    let Ok(x_zero) = i8::try_from(p.x_zero) else {
        return scalar::pool::pool_i8(p, x, y, rows);
    };
    if taps > MOST_TAPS || (!max && p.kind != Reduce::Mean) {
        return scalar::pool::pool_i8(p, x, y, rows);
    }
    if rows.is_empty() || c == 0 {
        return;
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));

    let last = Last::new(&Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    });
    if max && w.in_w as usize <= COLUMNS {
        for start in (0..c).step_by(64) {
            let run = (start, (c - start).min(64));
            // SAFETY: the asserts above.
            unsafe {
                match run.1 {
                    64 => max_lines::<true>(p, x.as_ptr(), y.as_mut_ptr(), &rows, run),
                    _ => max_lines::<false>(p, x.as_ptr(), y.as_mut_ptr(), &rows, run),
                }
            }
        }
        return;
    }
    // Taps behind the last one read the border, which adds nothing.
    let border = [if max { i8::MIN } else { x_zero }; 64];
    let quads = taps.div_ceil(4);
    let bias = -((quads * 4) as i32) * (128 + i32::from(x_zero));
    let places = Taps::new(w);
    for start in (0..c).step_by(64) {
        let channels = Channels::<1, false>::new((c - start).min(64));
        let mut from = [border.as_ptr(); MOST_TAPS];
        for row in rows.clone() {
            let at = pixel(w, row);
            let x = x.as_ptr().wrapping_add(start);
            places.point(&at, x, border.as_ptr(), &mut from);
            // SAFETY: pointers to pixels or to the border, which are as long as the run of channels; a pixel of y.
            unsafe {
                let result = if max {
                    let mut v = _mm512_set1_epi8(i8::MIN);
                    for &from in &from[..taps] {
                        v = _mm512_max_epi8(v, channels.load([from]));
                    }
                    within(v, p.lo, p.hi)
                } else {
                    let mut sum = Sum::new(bias);
                    for quad in from[..quads * 4].chunks_exact(4) {
                        let mut taps = [_mm512_setzero_si512(); 4];
                        for (tap, &from) in taps.iter_mut().zip(quad) {
                            *tap = channels.load([from]);
                        }
                        sum.add(taps);
                    }
                    let count = scalar::pool::count(w, &at, p.count_border != 0);
                    sum.finish(&last, p.ratio / count as f32)
                };
                let to = y.as_mut_ptr().add((row - rows.start) * c + start);
                channels.store([to], result);
            }
        }
    }
}

/// See [`crate::scalar::reduce::reduce_i8`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn reduce_i8(p: &op::ReduceI8, x: &[i8], y: &mut [i8]) {
    let (outer, count, inner) = (p.outer as usize, p.count as usize, p.inner as usize);
    if p.kind == Reduce::Prod || inner == 0 {
        return;
    }
    let holds = |len: usize, n: Option<usize>| n.is_some_and(|n| len >= n);
    let row = count.checked_mul(inner);
    assert!(holds(x.len(), row.and_then(|r| r.checked_mul(outer))));
    assert!(holds(y.len(), outer.checked_mul(inner)));
    let last = Last::new(&Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    });
    let sums = matches!(p.kind, Reduce::Sum | Reduce::Mean);
    let bias = (count as i32)
        .wrapping_neg()
        .wrapping_mul(p.x_zero.wrapping_add(128));
    let empty = _mm512_set1_epi8(if p.kind == Reduce::Max {
        i8::MIN
    } else {
        i8::MAX
    });
    let pick = |a, b| {
        if p.kind == Reduce::Max {
            _mm512_max_epi8(a, b)
        } else {
            _mm512_min_epi8(a, b)
        }
    };
    for o in 0..outer {
        let x = &x[o * count * inner..(o + 1) * count * inner];
        let y = &mut y[o * inner..(o + 1) * inner];
        if inner == 1 {
            y[0] = reduce_run(p, x, &last, bias);
            continue;
        }
        for start in (0..inner).step_by(64) {
            let channels = Channels::<1, false>::new((inner - start).min(64));
            // SAFETY: row i is inside the count, the channels are inside the row.
            let load = |i: usize| unsafe { channels.load([x.as_ptr().add(i * inner + start)]) };
            let result = if sums {
                let mut sum = Sum::new(bias);
                for i in (0..count).step_by(4) {
                    // Rows behind the last one: −128 + 128 adds nothing.
                    let none = _mm512_set1_epi8(i8::MIN);
                    let mut taps = [none; 4];
                    for (j, tap) in taps.iter_mut().enumerate() {
                        if i + j < count {
                            *tap = load(i + j);
                        }
                    }
                    sum.add(taps);
                }
                sum.finish(&last, p.ratio)
            } else {
                within((0..count).fold(empty, |v, i| pick(v, load(i))), p.lo, p.hi)
            };
            // SAFETY: channels of the result.
            unsafe { channels.store([y.as_mut_ptr().add(start)], result) };
        }
    }
}

/// Reduction of a contiguous run to one value.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn reduce_run(p: &op::ReduceI8, x: &[i8], last: &Last, bias: i32) -> i8 {
    if !matches!(p.kind, Reduce::Sum | Reduce::Mean) {
        let values = x.iter().copied();
        let v = if p.kind == Reduce::Max {
            values.max().unwrap_or(i8::MIN)
        } else {
            values.min().unwrap_or(i8::MAX)
        };
        return i32::from(v).max(p.lo).min(p.hi) as i8;
    }
    let (sign, one) = (_mm512_set1_epi8(i8::MIN), _mm512_set1_epi8(1));
    let mut acc = _mm512_setzero_si512();
    for x in x.chunks(64) {
        let mask = low_bits(x.len());
        // SAFETY: bytes behind the chunk are not read; they become 0 and add nothing.
        let v = unsafe { _mm512_maskz_loadu_epi8(mask, x.as_ptr()) };
        let v = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(v, sign));
        acc = _mm512_dpbusd_epi32(acc, v, one);
    }
    let sum = _mm512_set1_epi32(_mm512_reduce_add_epi32(acc).wrapping_add(bias));
    let q = last.scaled(sum, _mm512_set1_ps(p.ratio));
    _mm512_cvtsi512_si32(last.pack_lanes([q; 4])) as i8
}
