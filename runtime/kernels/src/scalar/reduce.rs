//! Reduction of the middle axis of `[outer, count, inner]`.

use crate::finish::finish;
use crate::params::Finish;
use crate::reduce;
use redpoll_plan::op::{self, Reduce};

/// Elements of the inner axis reduced at a time.
const BLOCK: usize = 32;

/// Sum, Mean: `finish(f32(Σ (x − x_zero)) · ratio)`; Max, Min: integers, clamped. Prod has no integer form: the
/// plan's check refuses it, here it leaves `y` as it is. Accumulator: i32, `count · 255 < 2³¹`.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn reduce_i8(p: &op::ReduceI8, x: &[i8], y: &mut [i8]) {
    let (count, inner) = (p.count as usize, p.inner as usize);
    let last = Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    };
    let within = |v: i8| i32::from(v).max(p.lo).min(p.hi) as i8;
    for outer in 0..p.outer as usize {
        let x = &x[outer * count * inner..(outer + 1) * count * inner];
        let y = &mut y[outer * inner..(outer + 1) * inner];
        if inner == 1 {
            // One run: lanes of integers add up to the same sum in any order.
            let sum = |x: &[i8]| {
                x.iter()
                    .fold(0i32, |s, &v| s.wrapping_add(i32::from(v) - p.x_zero))
            };
            match p.kind {
                Reduce::Sum | Reduce::Mean => y[0] = finish(sum(x) as f32 * p.ratio, &last) as i8,
                Reduce::Max => y[0] = within(x.iter().copied().max().unwrap_or(i8::MIN)),
                Reduce::Min => y[0] = within(x.iter().copied().min().unwrap_or(i8::MAX)),
                Reduce::Prod => {}
            }
            continue;
        }
        for (block, y) in y.chunks_mut(BLOCK).enumerate() {
            let rows = x
                .chunks_exact(inner)
                .map(|x| &x[block * BLOCK..][..y.len()]);
            match p.kind {
                Reduce::Sum | Reduce::Mean => {
                    let mut sums = [0i32; BLOCK];
                    for row in rows {
                        for (sum, &x) in sums.iter_mut().zip(row) {
                            *sum = sum.wrapping_add(i32::from(x) - p.x_zero);
                        }
                    }
                    for (y, &sum) in y.iter_mut().zip(&sums) {
                        *y = finish(sum as f32 * p.ratio, &last) as i8;
                    }
                }
                Reduce::Max | Reduce::Min => {
                    let is_max = p.kind == Reduce::Max;
                    let mut best = [if is_max { i8::MIN } else { i8::MAX }; BLOCK];
                    for row in rows {
                        for (best, &x) in best.iter_mut().zip(row) {
                            *best = if is_max { x.max(*best) } else { x.min(*best) };
                        }
                    }
                    for (y, &best) in y.iter_mut().zip(&best) {
                        *y = within(best);
                    }
                }
                Reduce::Prod => {}
            }
        }
    }
}

/// With inner 1 sums run over the fixed tree of 16 lanes, otherwise over count in order from +0.0; Mean divides by
/// f32(count); Max and Min pass over NaN; Prod in order from 1.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn reduce_f32(p: &op::ReduceF32, x: &[f32], y: &mut [f32]) {
    let (count, inner) = (p.count as usize, p.inner as usize);
    for outer in 0..p.outer as usize {
        let x = &x[outer * count * inner..(outer + 1) * count * inner];
        let y = &mut y[outer * inner..(outer + 1) * inner];
        if inner == 1 && matches!(p.kind, Reduce::Sum | Reduce::Mean) {
            y[0] = reduce::sum(x);
        } else {
            match p.kind {
                Reduce::Sum | Reduce::Mean => columns(x, y, 0.0, |s, v| s + v),
                Reduce::Max => columns(x, y, f32::NEG_INFINITY, |s, v| if v > s { v } else { s }),
                Reduce::Min => columns(x, y, f32::INFINITY, |s, v| if v < s { v } else { s }),
                Reduce::Prod => columns(x, y, 1.0, |s, v| s * v),
            }
        }
        if p.kind == Reduce::Mean {
            y.iter_mut().for_each(|y| *y /= p.count as f32);
        }
    }
}

/// `y[i] = step(… step(start, x[0][i]) …, x[n][i])`: every column by itself, as many at a time as stay in registers.
#[inline(always)]
fn columns(x: &[f32], y: &mut [f32], start: f32, step: impl Fn(f32, f32) -> f32 + Copy) {
    let at = blocks::<64>(x, y, 0, start, step);
    let at = blocks::<16>(x, y, at, start, step);
    let at = blocks::<4>(x, y, at, start, step);
    blocks::<1>(x, y, at, start, step);
}

/// The whole blocks of `W` columns from column `at`; returns the first one that is left.
#[inline(always)]
fn blocks<const W: usize>(
    x: &[f32],
    y: &mut [f32],
    mut at: usize,
    start: f32,
    step: impl Fn(f32, f32) -> f32,
) -> usize {
    let inner = y.len();
    while let Some(y) = y.get_mut(at..).and_then(|y| y.first_chunk_mut::<W>()) {
        let mut all = [start; W];
        for row in x.chunks_exact(inner) {
            if let Some(row) = row[at..].first_chunk::<W>() {
                for (all, &v) in all.iter_mut().zip(row) {
                    *all = step(*all, v);
                }
            }
        }
        *y = all;
        at += W;
    }
    at
}
