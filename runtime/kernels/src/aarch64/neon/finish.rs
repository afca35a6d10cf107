//! The vector form of `finish`: bit for bit the scalar one.

use crate::params::Finish;
use core::arch::aarch64::*;

/// `finish` of sums: scale, clamp, one rounding, zero point.
pub(in crate::aarch64) struct Last {
    lo: float32x4_t,
    hi: float32x4_t,
    y_zero: int16x8_t,
}

impl Last {
    #[inline]
    #[target_feature(enable = "neon")]
    pub(in crate::aarch64) fn new(f: &Finish) -> Self {
        Self {
            lo: vdupq_n_f32((f.lo - f.y_zero) as f32),
            hi: vdupq_n_f32((f.hi - f.y_zero) as f32),
            y_zero: vdupq_n_s16(f.y_zero as i16),
        }
    }

    /// Eight channels: `fmaxnm` takes the bound where a product is NaN, as the definition does; `fcvtns` rounds half to
    /// even; what is left fits int8, so the narrowings lose nothing.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(in crate::aarch64) fn eight(
        &self,
        sums: [int32x4_t; 2],
        scale: [float32x4_t; 2],
    ) -> int8x8_t {
        let round = |sums: int32x4_t, scale: float32x4_t| {
            let v = vmulq_f32(vcvtq_f32_s32(sums), scale);
            vqmovn_s32(vcvtnq_s32_f32(vminq_f32(vmaxnmq_f32(v, self.lo), self.hi)))
        };
        let words = vcombine_s16(round(sums[0], scale[0]), round(sums[1], scale[1]));
        vqmovn_s16(vaddq_s16(words, self.y_zero))
    }
}

/// Stores the first `count` (at most 8) bytes.
///
/// # Safety
/// `to` is writable for them.
#[inline]
#[target_feature(enable = "neon")]
pub(in crate::aarch64) unsafe fn store_bytes(to: *mut i8, bytes: int8x8_t, count: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if count >= 8 {
            vst1_s8(to, bytes);
        } else {
            let mut copy = [0i8; 8];
            vst1_s8(copy.as_mut_ptr(), bytes);
            core::ptr::copy_nonoverlapping(copy.as_ptr(), to, count);
        }
    }
}
