//! The one rounding of every integer kernel.

use crate::params::Finish;

/// 1.5 · 2²³: adding it to a small f32 rounds to an integer, half to even, held in the low bits.
const MAGIC: f32 = 12_582_912.0;

/// `rhe(clamp(v, f32(lo − y_zero), f32(hi − y_zero))) + y_zero` with `rhe` round half to even; NaN gives `lo`.
///
/// `lo`, `hi` and `y_zero` are int8 values, so everything after the clamp is exact.
#[inline(always)]
pub fn finish(v: f32, f: &Finish) -> i32 {
    let lo = (f.lo - f.y_zero) as f32;
    let hi = (f.hi - f.y_zero) as f32;
    let v = if v > lo { v } else { lo };
    let v = if v < hi { v } else { hi };
    let rounded = (v + MAGIC).to_bits() as i32 - MAGIC.to_bits() as i32;
    rounded + f.y_zero
}
