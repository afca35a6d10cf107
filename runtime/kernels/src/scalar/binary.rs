//! Element-wise functions of two operands with broadcasting by strides.

use crate::finish::finish;
use crate::geometry::each_run;
use crate::math;
use crate::params::{Finish, Source};
use redpoll_plan::op::{self, Binary, Dims, MAX_LOOP, Strides};

/// `y[i] = f(a, b)` over a strided loop, `y` dense. An operand in place is element `i` of `y` itself.
#[inline(always)]
fn walk<T: Copy>(
    dims: &Dims,
    strides: [&Strides; 2],
    a: Source<'_, T>,
    b: Source<'_, T>,
    y: &mut [T],
    f: impl Fn(T, T) -> T,
) {
    let inner = MAX_LOOP - 1;
    let length = dims[inner] as usize;
    let (a_step, b_step) = (strides[0][inner] as isize, strides[1][inner] as isize);
    let mut done = 0;
    each_run(dims, strides, [0, 0], |[a_at, b_at]| {
        for (i, y) in y[done..done + length].iter_mut().enumerate() {
            let i = i as isize;
            let va = match a {
                Source::Slice(a) => a[(a_at + i * a_step) as usize],
                Source::InPlace => *y,
            };
            let vb = match b {
                Source::Slice(b) => b[(b_at + i * b_step) as usize],
                Source::InPlace => *y,
            };
            *y = f(va, vb);
        }
        done += length;
    });
}

/// See [`op::BinaryI8`]. Functions without an integer form (Div, Pow) are refused by the plan's check; here they
/// leave `y` as it is.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn binary_i8(p: &op::BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]) {
    let strides = [&p.a_strides, &p.b_strides];
    let last = Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    };
    let real_a = |a: i8| (i32::from(a) - p.a_zero) as f32 * p.a_scale;
    let real_b = |b: i8| (i32::from(b) - p.b_zero) as f32 * p.b_scale;
    let within = |v: i8| i32::from(v).max(p.lo).min(p.hi) as i8;
    match p.function {
        Binary::Add => walk(&p.dims, strides, a, b, y, |a, b| {
            finish(real_a(a) + real_b(b), &last) as i8
        }),
        Binary::Sub => walk(&p.dims, strides, a, b, y, |a, b| {
            finish(real_a(a) - real_b(b), &last) as i8
        }),
        Binary::Mul => walk(&p.dims, strides, a, b, y, |a, b| {
            let product = (i32::from(a) - p.a_zero) * (i32::from(b) - p.b_zero);
            finish(product as f32 * p.a_scale, &last) as i8
        }),
        Binary::Max => walk(&p.dims, strides, a, b, y, |a, b| within(a.max(b))),
        Binary::Min => walk(&p.dims, strides, a, b, y, |a, b| within(a.min(b))),
        Binary::Div | Binary::Pow => {}
    }
}

/// `y = clamp(a ∘ b, lo, hi)`; Max and Min give NaN where an operand is NaN.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn binary_f32(p: &op::BinaryF32, a: Source<'_, f32>, b: Source<'_, f32>, y: &mut [f32]) {
    let strides = [&p.a_strides, &p.b_strides];
    let (d, lo, hi) = (&p.dims, p.lo, p.hi);
    let last = |v| math::clamp(v, lo, hi);
    match p.function {
        Binary::Add => walk(d, strides, a, b, y, |a, b| last(a + b)),
        Binary::Sub => walk(d, strides, a, b, y, |a, b| last(a - b)),
        Binary::Mul => walk(d, strides, a, b, y, |a, b| last(a * b)),
        Binary::Div => walk(d, strides, a, b, y, |a, b| last(a / b)),
        Binary::Pow => walk(d, strides, a, b, y, |a, b| last(math::pow(a, b))),
        Binary::Max => walk(d, strides, a, b, y, |a, b| last(math::max(a, b))),
        Binary::Min => walk(d, strides, a, b, y, |a, b| last(math::min(a, b))),
    }
}
