//! Between f32 and int8.

use crate::finish::finish;
use crate::params::Finish;

/// `y = finish(x / scale)` over the whole int8 range; NaN gives −128.
///
/// # Panics
/// If `x` is shorter than `y`.
#[inline(always)]
pub fn quantize(scale: f32, zero: i32, x: &[f32], y: &mut [i8]) {
    let last = Finish {
        y_zero: zero,
        lo: -128,
        hi: 127,
    };
    let x = &x[..y.len()];
    for (y, &x) in y.iter_mut().zip(x) {
        *y = finish(x / scale, &last) as i8;
    }
}

/// `y = f32(x − zero) · scale`.
///
/// # Panics
/// If `x` is shorter than `y`.
#[inline(always)]
pub fn dequantize(scale: f32, zero: i32, x: &[i8], y: &mut [f32]) {
    let x = &x[..y.len()];
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (i32::from(x) - zero) as f32 * scale;
    }
}
