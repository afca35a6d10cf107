//! Integer element-wise steps: see [`crate::scalar::binary::binary_i8`] for the definition. Everything is read through
//! pointers after one check of where the strides lead.

use super::clamp::clamp;
use super::job::Sum;
use super::require;
use super::tile::sum;
use crate::finish::finish;
use crate::geometry::each_run;
use crate::params::{Finish, Source};
use redpoll_plan::op::{Binary, BinaryI8, Dims, MAX_LOOP, Strides};

/// See [`crate::scalar::binary::binary_i8`].
pub(super) fn binary_i8(p: &BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]) {
    let total = p
        .dims
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    let Some(total) = total.filter(|&n| n > 0) else {
        return;
    };
    require(y.len() >= total);
    let own = y.as_mut_ptr();
    let start = |s: Source<'_, i8>, strides: &Strides| match s {
        Source::Slice(s) => {
            require(inside(&p.dims, strides, s.len()));
            s.as_ptr()
        }
        // The result's own elements, in their order.
        Source::InPlace => {
            require(in_order(&p.dims, strides));
            own.cast_const()
        }
    };
    let (a, b) = (start(a, &p.a_strides), start(b, &p.b_strides));
    let last = Finish {
        y_zero: p.y_zero,
        lo: p.lo,
        hi: p.hi,
    };
    let within = |v: i32| v.max(p.lo).min(p.hi);
    let real_a = |a: i32| (a - p.a_zero) as f32 * p.a_scale;
    let real_b = |b: i32| (b - p.b_zero) as f32 * p.b_scale;
    // The usual case has a loop of its own: dense operands whose sums are finite.
    let dense = in_order(&p.dims, &p.a_strides) && in_order(&p.dims, &p.b_strides);
    let usual = dense && p.a_scale.abs() < 1e30 && p.b_scale.abs() < 1e30;
    // SAFETY: the checks above.
    unsafe {
        match p.function {
            Binary::Add if usual => {
                sum(&Sum {
                    a,
                    b,
                    y: own,
                    end: own.wrapping_add(total),
                    a_zero: p.a_zero,
                    b_zero: p.b_zero,
                    zero: p.y_zero,
                    a_scale: p.a_scale,
                    b_scale: p.b_scale,
                });
                if let Some(y) = y.get_mut(..total) {
                    clamp(&last, y);
                }
            }
            Binary::Add => walk(p, a, b, own, |a, b| finish(real_a(a) + real_b(b), &last)),
            Binary::Sub => walk(p, a, b, own, |a, b| finish(real_a(a) - real_b(b), &last)),
            Binary::Mul => walk(p, a, b, own, |a, b| {
                let product = (a - p.a_zero) * (b - p.b_zero);
                finish(product as f32 * p.a_scale, &last)
            }),
            Binary::Max => walk(p, a, b, own, |a, b| within(a.max(b))),
            Binary::Min => walk(p, a, b, own, |a, b| within(a.min(b))),
            Binary::Div | Binary::Pow => {}
        }
    }
}

/// `y = f(a, b)` over the loop, `y` dense. Operands in the result's order are one run.
///
/// # Safety
/// The strides stay inside the operands; `y` holds the loop's elements. An operand may be `y` itself, in order.
#[inline(never)]
unsafe fn walk(p: &BinaryI8, a: *const i8, b: *const i8, y: *mut i8, f: impl Fn(i32, i32) -> i32) {
    let dense = in_order(&p.dims, &p.a_strides) && in_order(&p.dims, &p.b_strides);
    let mut dims = p.dims;
    let inner = MAX_LOOP - 1;
    let (mut a_step, mut b_step) = (p.a_strides[inner] as isize, p.b_strides[inner] as isize);
    let mut length = dims[inner] as usize;
    if dense {
        length = p.dims.iter().fold(1, |n, &d| n * d as usize);
        dims = [1; MAX_LOOP];
        (a_step, b_step) = (1, 1);
    }
    let mut y = y;
    each_run(
        &dims,
        [&p.a_strides, &p.b_strides],
        [0, 0],
        |[a_at, b_at]| {
            let (mut a, mut b) = (a.wrapping_offset(a_at), b.wrapping_offset(b_at));
            for _ in 0..length {
                // SAFETY: as the caller promises.
                unsafe { y.write(f(i32::from(a.read()), i32::from(b.read())) as i8) };
                y = y.wrapping_add(1);
                a = a.wrapping_offset(a_step);
                b = b.wrapping_offset(b_step);
            }
        },
    );
}

/// Whether a loop from the start stays inside `len` elements.
fn inside(dims: &Dims, strides: &Strides, len: usize) -> bool {
    let (mut low, mut high) = (0i64, 0i64);
    for (&d, &s) in dims.iter().zip(strides) {
        let reach = i64::from(d.saturating_sub(1)).saturating_mul(s.into());
        let end = if reach < 0 { &mut low } else { &mut high };
        *end = end.saturating_add(reach);
    }
    low >= 0 && u64::try_from(high).is_ok_and(|high| high < len as u64)
}

/// Whether a loop walks its operand element by element.
fn in_order(dims: &Dims, strides: &Strides) -> bool {
    let mut expected = 1i64;
    for (&d, &s) in dims.iter().zip(strides).rev() {
        if d != 1 && i64::from(s) != expected {
            return false;
        }
        expected = expected.saturating_mul(i64::from(d));
    }
    true
}
