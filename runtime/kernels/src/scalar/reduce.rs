//! Reduction of the middle axis of `[outer, count, inner]`.

use crate::finish::finish;
use crate::params::Finish;
use crate::reduce;
use redpoll_plan::op::{self, Reduce};

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
    for outer in 0..p.outer as usize {
        let x = &x[outer * count * inner..(outer + 1) * count * inner];
        let y = &mut y[outer * inner..(outer + 1) * inner];
        for (i, y) in y.iter_mut().enumerate() {
            let values = x.iter().skip(i).step_by(inner).copied();
            let within = |v: i8| i32::from(v).max(p.lo).min(p.hi) as i8;
            match p.kind {
                Reduce::Sum | Reduce::Mean => {
                    let sum = values.fold(0i32, |s, v| s.wrapping_add(i32::from(v) - p.x_zero));
                    *y = finish(sum as f32 * p.ratio, &last) as i8;
                }
                Reduce::Max => *y = within(values.max().unwrap_or(i8::MIN)),
                Reduce::Min => *y = within(values.min().unwrap_or(i8::MAX)),
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
    let (start, step): (f32, fn(f32, f32) -> f32) = match p.kind {
        Reduce::Sum | Reduce::Mean => (0.0, |s, v| s + v),
        Reduce::Max => (f32::NEG_INFINITY, |s, v| if v > s { v } else { s }),
        Reduce::Min => (f32::INFINITY, |s, v| if v < s { v } else { s }),
        Reduce::Prod => (1.0, |s, v| s * v),
    };
    for outer in 0..p.outer as usize {
        let x = &x[outer * count * inner..(outer + 1) * count * inner];
        let y = &mut y[outer * inner..(outer + 1) * inner];
        if inner == 1 && matches!(p.kind, Reduce::Sum | Reduce::Mean) {
            y[0] = reduce::sum(x);
        } else {
            y.fill(start);
            for x in x.chunks_exact(inner.max(1)) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = step(*y, x);
                }
            }
        }
        if p.kind == Reduce::Mean {
            y.iter_mut().for_each(|y| *y /= p.count as f32);
        }
    }
}
