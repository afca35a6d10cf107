//! From i32 accumulators to int8 results: `finish(f32(acc) · scale)` on 64 values at a time.
//!
//! The definition clamps in f32 and rounds; here the upper bound is clamped in f32 and the lower one in int8:
//!
//! ```text
//! v = f32(acc) · scale            cvtepi32_ps, mul_ps
//! v = v > hi − y_zero ? … : v     min_ps (NaN stays NaN)
//! q = round_half_even(v)          cvtps_epi32: −2³¹ for NaN and for everything below −2³¹
//! q = saturate_i16(q) + y_zero    packs_epi32, adds_epi16
//! q = max(saturate_i8(q), lo)     packs_epi16, max_epi8
//! ```
//! Equal bits: above the bound both give `hi`; between the bounds nothing saturates; below, saturation at −32768 and −128
//! keeps the order, so that the last maximum gives `lo`; NaN gives `lo`.
//!
//! Where zero point and lower bound are −128, packing saturates to unsigned bytes, of which 128 is taken: the same bounds.
//!
//! Where all scales are [`small`], nothing leaves the range of i32 and both bounds are clamped in int8, one instruction for
//! 64 values instead of one for 16.

use crate::params::Finish;
use core::arch::x86_64::*;

/// Constants of [`Finish`] in registers.
#[derive(Clone, Copy)]
pub(super) struct Last {
    hi: __m512,
    zero: __m512i,
    lo: __m512i,
    /// The upper bound in int8.
    top: __m512i,
    /// Zero point and lower bound are −128, as behind a ReLU.
    bottom: bool,
}

/// True if all scales are numbers of at most 0.5: then no product with a sum reaches 2³¹.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
pub(super) fn small(scales: &[f32]) -> bool {
    let half = _mm512_set1_ps(0.5);
    scales.chunks(16).all(|chunk| {
        let mask = low_bits(chunk.len()) as u16;
        // SAFETY: lanes behind the chunk are not read.
        let v = unsafe { _mm512_maskz_loadu_ps(mask, chunk.as_ptr()) };
        _mm512_cmp_ps_mask::<_CMP_LE_OQ>(_mm512_abs_ps(v), half) == !0
    })
}

impl Last {
    /// Of int8 `lo`, `hi` and `y_zero`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn new(f: &Finish) -> Self {
        Self {
            hi: _mm512_set1_ps((f.hi - f.y_zero) as f32),
            zero: _mm512_set1_epi16(f.y_zero as i16),
            lo: _mm512_set1_epi8(f.lo as i8),
            top: _mm512_set1_epi8(f.hi as i8),
            bottom: f.y_zero == -128 && f.lo == -128,
        }
    }

    /// Scaled and rounded, without the zero point and the lower bound.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn scaled(&self, acc: __m512i, scale: __m512) -> __m512i {
        self.rounded(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale))
    }

    /// The same for [`small`] scales, without the upper bound too: for [`Self::pack_within`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn scaled_small(&self, acc: __m512i, scale: __m512) -> __m512i {
        _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale))
    }

    /// Scales, clamps and rounds sums of scales that are not small, so that [`Self::scaled_small`] with scale 1 keeps them
    /// (those beyond 2²⁴ are rounded, but saturate anyway). `acc` holds rows of as many sums as there are scales.
    #[cold]
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn finish_first(&self, acc: &mut [__m512i], scale: &[__m512]) {
        for (acc, &scale) in acc.iter_mut().zip(scale.iter().cycle()) {
            *acc = self.scaled(*acc, scale);
        }
    }

    /// Rounded, without the zero point and the lower bound.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn rounded(&self, v: __m512) -> __m512i {
        _mm512_cvtps_epi32(_mm512_min_ps(self.hi, v))
    }

    /// Packs four results of [`Self::scaled`] within 128-bit lanes: lane `l` of the result holds lane `l` of `a`, `b`, `c`, `d`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn pack_lanes(&self, q: [__m512i; 4]) -> __m512i {
        let low = _mm512_packs_epi32(q[0], q[1]);
        let high = _mm512_packs_epi32(q[2], q[3]);
        if self.bottom {
            // Saturated to 0 … 255 and then 128 less: two instructions less.
            return _mm512_xor_si512(_mm512_packus_epi16(low, high), _mm512_set1_epi8(i8::MIN));
        }
        let low = _mm512_adds_epi16(low, self.zero);
        let high = _mm512_adds_epi16(high, self.zero);
        _mm512_max_epi8(_mm512_packs_epi16(low, high), self.lo)
    }

    /// [`Self::pack_lanes`] for [`Self::scaled_small`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn pack_lanes_within(&self, q: [__m512i; 4]) -> __m512i {
        _mm512_min_epi8(self.pack_lanes(q), self.top)
    }

    /// Packs four results of [`Self::scaled_small`] in order: 16 bytes each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn pack_within(&self, q: [__m512i; 4]) -> __m512i {
        _mm512_min_epi8(self.pack(q), self.top)
    }

    /// Packs four results of [`Self::scaled`] in order: 16 bytes each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn pack(&self, q: [__m512i; 4]) -> __m512i {
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm512_permutexvar_epi32(order, self.pack_lanes(q))
    }
}

/// The lowest `count` of 64 bits, `count` at most 64.
#[inline]
pub(super) fn low_bits(count: usize) -> u64 {
    if count >= 64 { !0 } else { (1 << count) - 1 }
}
