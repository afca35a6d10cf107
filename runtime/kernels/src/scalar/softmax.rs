//! Softmax over rows of `count` elements.

use crate::finish::finish;
use crate::math::exp;
use crate::params::{Finish, Source};
use crate::reduce;
use redpoll_plan::op;

/// `m = max`, `e = exp(x − m)`, `y = e / Σ e`, the sum over the fixed tree of 16 lanes. NaN is passed over by the
/// maximum and then makes its whole row NaN.
///
/// # Panics
/// If `x` is shorter than `y`.
#[inline(always)]
pub fn softmax_f32(count: usize, x: Source<'_, f32>, y: &mut [f32]) {
    if let Source::Slice(x) = x {
        y.copy_from_slice(&x[..y.len()]);
    }
    for y in y.chunks_exact_mut(count.max(1)) {
        let max = reduce::max(y);
        y.iter_mut().for_each(|y| *y = exp(*y - max));
        let sum = reduce::sum(y);
        y.iter_mut().for_each(|y| *y /= sum);
    }
}

/// `e = table[max − x]`, `y = finish((e / Σ e) / scale)`, the sum over the fixed tree of 16 lanes.
///
/// # Panics
/// If `x` is shorter than `y`.
#[inline(always)]
pub fn softmax_i8(p: &op::SoftmaxI8, table: &[f32; 256], x: &[i8], y: &mut [i8]) {
    let last = Finish {
        y_zero: p.y_zero,
        lo: -128,
        hi: 127,
    };
    let count = (p.count as usize).max(1);
    for (x, y) in x.chunks_exact(count).zip(y.chunks_exact_mut(count)) {
        let max = x.iter().copied().max().unwrap_or(0);
        let e = |x: i8| table[usize::from(max.wrapping_sub(x) as u8)];
        let sum = reduce::sum_by(x, e);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = finish((e(x) / sum) / p.scale, &last) as i8;
        }
    }
}
