//! The vector form of `finish`: bit for bit the scalar one.

use crate::params::Finish;
use core::arch::wasm32::*;

/// 1.5 · 2²³: adding it to a small f32 rounds to an integer, half to even, held in the low bits.
const MAGIC: f32 = 12_582_912.0;

/// `finish` of sums: scale, clamp, one rounding, zero point.
pub(super) struct Last {
    lo: v128,
    hi: v128,
    y_zero: v128,
}

impl Last {
    #[inline(always)]
    pub(super) fn new(f: &Finish) -> Self {
        Self {
            lo: f32x4_splat((f.lo - f.y_zero) as f32),
            hi: f32x4_splat((f.hi - f.y_zero) as f32),
            y_zero: i16x8_splat(f.y_zero as i16),
        }
    }

    /// Eight channels, in the low half: `pmax(lo, v)` is `lo < v ? v : lo`, so NaN gives the bound, as in the definition;
    /// what is left fits int8, so the narrowings lose nothing.
    #[inline(always)]
    pub(super) fn eight(&self, sums: [v128; 2], scale: [v128; 2]) -> v128 {
        let round = |sums: v128, scale: v128| {
            let v = f32x4_mul(f32x4_convert_i32x4(sums), scale);
            let v = f32x4_pmin(self.hi, f32x4_pmax(self.lo, v));
            let magic = f32x4_splat(MAGIC);
            i32x4_sub(f32x4_add(v, magic), magic)
        };
        let words = i16x8_narrow_i32x4(round(sums[0], scale[0]), round(sums[1], scale[1]));
        let words = i16x8_add(words, self.y_zero);
        i8x16_narrow_i16x8(words, words)
    }
}

/// Stores the first `count` (at most 8) bytes of the low half.
///
/// # Safety
/// `to` is writable for them.
#[inline(always)]
pub(super) unsafe fn store_bytes(to: *mut i8, bytes: v128, count: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if count >= 8 {
            v128_store64_lane::<0>(bytes, to.cast());
        } else {
            let copy = i64x2_extract_lane::<0>(bytes).to_le_bytes();
            core::ptr::copy_nonoverlapping(copy.as_ptr().cast(), to, count);
        }
    }
}
