//! The clamp after kernels that only saturate to int8.

use crate::params::Finish;

/// Clamps results where the bounds are tighter than int8: `clamp(saturate(v)) = clamp(v)`.
#[inline(always)]
pub(super) fn clamp(f: &Finish, y: &mut [i8]) {
    if f.lo <= -128 && f.hi >= 127 {
        return;
    }
    tighter(f.lo, f.hi, y);
}

#[inline(never)]
fn tighter(lo: i32, hi: i32, y: &mut [i8]) {
    for y in y {
        *y = i32::from(*y).max(lo).min(hi) as i8;
    }
}
