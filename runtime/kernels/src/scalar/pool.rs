//! Pooling over windows: `y` holds output pixels `rows`, all channels.

use crate::finish::finish;
use crate::geometry::{Pixel, pixel};
use crate::params::Finish;
use core::ops::Range;
use redpoll_plan::Window;
use redpoll_plan::op::{self, Reduce};

/// Channels summed at a time.
const BLOCK: usize = 32;

/// Taps counted by a mean: all of them, or those inside the input (at least 1).
pub(crate) fn count(w: &Window, at: &Pixel, border: bool) -> usize {
    if border {
        return w.taps();
    }
    let mut inside = 0usize;
    at.each_tap(w, |_, pixel| inside += usize::from(pixel.is_some()));
    inside.max(1)
}

/// Max: the largest tap inside, then the clamp. Mean: `finish(f32(Σ (x − x_zero)) · (ratio / f32(count)))`.
/// Accumulator: i32, `taps · 255 < 2³¹`.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn pool_i8(p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    let last = Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    };
    for (y, row) in y.chunks_exact_mut(c.max(1)).zip(rows) {
        let at = pixel(w, row);
        if p.kind == Reduce::Max {
            y.fill(i8::MIN);
            at.each_tap(w, |_, pixel| {
                if let Some(i) = pixel {
                    for (y, &x) in y.iter_mut().zip(&x[i * c..(i + 1) * c]) {
                        *y = (*y).max(x);
                    }
                }
            });
            for y in y {
                *y = i32::from(*y).max(p.lo).min(p.hi) as i8;
            }
        } else {
            let ratio = p.ratio / count(w, &at, p.count_border != 0) as f32;
            for (block, y) in y.chunks_mut(BLOCK).enumerate() {
                let mut sums = [0i32; BLOCK];
                at.each_tap(w, |_, pixel| {
                    if let Some(i) = pixel {
                        let x = &x[i * c + block * BLOCK..][..y.len()];
                        for (sum, &x) in sums.iter_mut().zip(x) {
                            *sum = sum.wrapping_add(i32::from(x) - p.x_zero);
                        }
                    }
                });
                for (y, &sum) in y.iter_mut().zip(&sums) {
                    *y = finish(sum as f32 * ratio, &last) as i8;
                }
            }
        }
    }
}

/// Max: the largest tap inside (NaN taps are passed over, −∞ without any). Mean: the sum over the taps in order
/// from +0.0, divided by the count.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn pool_f32(p: &op::PoolF32, x: &[f32], y: &mut [f32], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    let is_max = p.kind == Reduce::Max;
    for (y, row) in y.chunks_exact_mut(c.max(1)).zip(rows) {
        let at = pixel(w, row);
        y.fill(if is_max { f32::NEG_INFINITY } else { 0.0 });
        at.each_tap(w, |_, pixel| {
            if let Some(i) = pixel {
                for (y, &x) in y.iter_mut().zip(&x[i * c..(i + 1) * c]) {
                    if !is_max {
                        *y += x;
                    } else if x > *y {
                        *y = x;
                    }
                }
            }
        });
        if !is_max {
            let count = count(w, &at, p.count_border != 0) as f32;
            y.iter_mut().for_each(|y| *y /= count);
        }
    }
}
