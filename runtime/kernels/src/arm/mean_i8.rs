//! Pooling and reductions: see [`crate::scalar::pool::pool_i8`] and [`crate::scalar::reduce::reduce_i8`] for the
//! definitions. Sums of four neighbouring elements run in 16-bit lanes, which hold 255 of them.

use super::lanes::{add_lanes, even_bytes, lanes, odd_bytes};
use super::require;
use super::tile::finish1;
use crate::geometry::{Walk, taps_inside};
use core::ops::Range;
use redpoll_plan::op::{PoolI8, Reduce, ReduceI8};

/// Elements side by side.
const QUAD: usize = 4;
/// int8 that a 16-bit lane can hold the sum of.
const MOST: usize = 255;

/// Running sums of up to four elements.
struct Sums {
    /// Elements 0 and 2, 1 and 3.
    lanes: [u32; 2],
    in_lanes: usize,
    wide: [i32; QUAD],
}

impl Sums {
    fn new() -> Self {
        Self {
            lanes: [0; 2],
            in_lanes: 0,
            wide: [0; QUAD],
        }
    }

    #[inline(always)]
    fn add(&mut self, quad: u32) {
        self.lanes[0] = add_lanes(self.lanes[0], even_bytes(quad));
        self.lanes[1] = add_lanes(self.lanes[1], odd_bytes(quad));
        self.in_lanes += 1;
        if self.in_lanes == MOST {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let ([a, c], [b, d]) = (lanes(self.lanes[0]), lanes(self.lanes[1]));
        for (wide, v) in self.wide.iter_mut().zip([a, b, c, d]) {
            *wide = wide.wrapping_add(v);
        }
        (self.lanes, self.in_lanes) = ([0; 2], 0);
    }

    fn sums(mut self) -> [i32; QUAD] {
        self.flush();
        self.wide
    }
}

/// Up to four elements as a word.
///
/// # Safety
/// `from` is readable for `count` elements.
#[inline(always)]
unsafe fn read(from: *const i8, count: usize) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        if count == QUAD {
            return from.cast::<u32>().read_unaligned();
        }
        let mut word = 0;
        for i in 0..count {
            word |= u32::from(from.add(i).read() as u8) << (8 * i);
        }
        word
    }
}

/// See [`crate::scalar::pool::pool_i8`].
pub(super) fn pool_i8(p: &PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    require(inputs.is_some_and(|n| x.len() >= n));
    require(rows.end <= w.rows() && rows.start <= rows.end);
    require(y.len() / c.max(1) >= rows.len());
    let within = |v: i32| v.max(p.lo).min(p.hi) as i8;
    let mut walk = Walk::new(w, rows.start);
    let (x, mut y) = (x.as_ptr(), y.as_mut_ptr());
    for _ in rows {
        let at = walk.next();
        let inside = taps_inside(w, &at);
        let counted = if p.count_border != 0 {
            w.taps()
        } else {
            inside.max(1)
        };
        let ratio = p.ratio / counted as f32;
        let mut channel = 0;
        while channel < c {
            let count = QUAD.min(c - channel);
            let mut sums = Sums::new();
            let mut most = [i8::MIN; QUAD];
            at.each_tap(w, |_, pixel| {
                let Some(i) = pixel else { return };
                // SAFETY: the check above: a pixel of the input.
                let quad = unsafe { read(x.wrapping_add(i * c + channel), count) };
                if p.kind == Reduce::Max {
                    for (most, v) in most.iter_mut().zip(quad.to_le_bytes()) {
                        *most = (*most).max(v as i8);
                    }
                } else {
                    sums.add(quad);
                }
            });
            let zeros = (inside as i32).wrapping_mul(p.x_zero);
            for (i, (sum, most)) in sums.sums().iter().zip(most).enumerate().take(count) {
                let v = if p.kind == Reduce::Max {
                    i32::from(most)
                } else {
                    finish1(sum.wrapping_sub(zeros) as f32 * ratio, p.y_zero)
                };
                // SAFETY: the check above: a pixel of the result.
                unsafe { y.add(channel + i).write(within(v)) };
            }
            channel += count;
        }
        y = y.wrapping_add(c);
    }
}

/// See [`crate::scalar::reduce::reduce_i8`].
pub(super) fn reduce_i8(p: &ReduceI8, x: &[i8], y: &mut [i8]) {
    let [outer, count, inner] = [p.outer, p.count, p.inner].map(|d| d as usize);
    let results = outer.checked_mul(inner);
    let elements = results.and_then(|n| n.checked_mul(count));
    require(elements.is_some_and(|n| x.len() >= n) && results.is_some_and(|n| y.len() >= n));
    let within = |v: i32| v.max(p.lo).min(p.hi) as i8;
    if p.kind == Reduce::Prod {
        return;
    }
    let zeros = (count as i32).wrapping_mul(p.x_zero);
    let (mut x, mut y) = (x.as_ptr(), y.as_mut_ptr());
    for _ in 0..outer {
        let mut at = 0;
        while at < inner {
            let width = QUAD.min(inner - at);
            let mut sums = Sums::new();
            let mut best = [if p.kind == Reduce::Max {
                i8::MIN
            } else {
                i8::MAX
            }; QUAD];
            let mut from = x.wrapping_add(at);
            for _ in 0..count {
                // SAFETY: the check above.
                let quad = unsafe { read(from, width) };
                match p.kind {
                    Reduce::Max | Reduce::Min => {
                        for (best, v) in best.iter_mut().zip(quad.to_le_bytes()) {
                            let v = v as i8;
                            let better = if p.kind == Reduce::Max {
                                v > *best
                            } else {
                                v < *best
                            };
                            *best = if better { v } else { *best };
                        }
                    }
                    _ => sums.add(quad),
                }
                from = from.wrapping_add(inner);
            }
            for (i, (sum, best)) in sums.sums().iter().zip(best).enumerate().take(width) {
                let v = match p.kind {
                    Reduce::Max | Reduce::Min => i32::from(best),
                    _ => finish1(sum.wrapping_sub(zeros) as f32 * p.ratio, p.y_zero),
                };
                // SAFETY: the check above.
                unsafe { y.add(at + i).write(within(v)) };
            }
            at += width;
        }
        x = x.wrapping_add(count * inner);
        y = y.wrapping_add(inner);
    }
}
