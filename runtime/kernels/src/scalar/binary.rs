//! Element-wise functions of two operands with broadcasting by strides.

use crate::finish::finish;
use crate::geometry::each_run;
use crate::math;
use crate::params::{Finish, Source};
use redpoll_plan::op::{self, Binary, Dims, MAX_LOOP, Strides};

/// A strided loop with its dense tail as one run.
struct Merged {
    /// Dimensions left outside the run.
    outer: Dims,
    length: usize,
    /// Strides of both operands in the run.
    steps: [isize; 2],
}

/// Merges inner dimensions as long as both operands go on with the same stride.
fn merge(dims: &Dims, strides: [&Strides; 2]) -> Merged {
    let mut out = Merged {
        outer: *dims,
        length: 1,
        steps: [0; 2],
    };
    for d in (0..MAX_LOOP).rev() {
        let here = [strides[0][d] as isize, strides[1][d] as isize];
        if dims[d] != 1 {
            if out.length == 1 {
                out.steps = here;
            } else if here != out.steps.map(|s| s * out.length as isize) {
                break;
            }
            out.length *= dims[d] as usize;
            out.outer[d] = 1;
        }
    }
    out
}

/// `y[i] = f(a, b)` over a strided loop, `y` dense. An operand in place is element `i` of `y` itself. Runs whose
/// operands are dense or repeat have loops of their own.
#[inline(always)]
fn walk<T: Copy>(
    dims: &Dims,
    strides: [&Strides; 2],
    a: Source<'_, T>,
    b: Source<'_, T>,
    y: &mut [T],
    f: impl Fn(T, T) -> T,
) {
    if dims.contains(&0) {
        return;
    }
    let Merged {
        outer,
        length,
        steps,
    } = merge(dims, strides);
    let mut done = 0;
    each_run(&outer, strides, [0, 0], |[a_at, b_at]| {
        let y = &mut y[done..done + length];
        match (a, steps[0], b, steps[1]) {
            (Source::Slice(a), 1, Source::Slice(b), 1) => {
                let (a, b) = (&a[a_at as usize..][..length], &b[b_at as usize..][..length]);
                for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                    *y = f(a, b);
                }
            }
            (Source::Slice(a), 1, Source::Slice(b), 0) => {
                let (a, b) = (&a[a_at as usize..][..length], b[b_at as usize]);
                y.iter_mut().zip(a).for_each(|(y, &a)| *y = f(a, b));
            }
            (Source::Slice(a), 0, Source::Slice(b), 1) => {
                let (a, b) = (a[a_at as usize], &b[b_at as usize..][..length]);
                y.iter_mut().zip(b).for_each(|(y, &b)| *y = f(a, b));
            }
            (Source::InPlace, _, Source::Slice(b), 1) => {
                let b = &b[b_at as usize..][..length];
                y.iter_mut().zip(b).for_each(|(y, &b)| *y = f(*y, b));
            }
            (Source::InPlace, _, Source::Slice(b), 0) => {
                let b = b[b_at as usize];
                y.iter_mut().for_each(|y| *y = f(*y, b));
            }
            (Source::Slice(a), 1, Source::InPlace, _) => {
                let a = &a[a_at as usize..][..length];
                y.iter_mut().zip(a).for_each(|(y, &a)| *y = f(a, *y));
            }
            (Source::Slice(a), 0, Source::InPlace, _) => {
                let a = a[a_at as usize];
                y.iter_mut().for_each(|y| *y = f(a, *y));
            }
            (a, a_step, b, b_step) => {
                for (i, y) in y.iter_mut().enumerate() {
                    let own = *y;
                    let at = |s: Source<'_, T>, at: isize, step: isize| match s {
                        Source::Slice(s) => s[(at + i as isize * step) as usize],
                        Source::InPlace => own,
                    };
                    *y = f(at(a, a_at, a_step), at(b, b_at, b_step));
                }
            }
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
