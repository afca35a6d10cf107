//! The vector form of `finish`: bit for bit the scalar one.

use crate::params::Finish;
use core::arch::x86_64::*;

/// `finish` of sums: scale, clamp, one rounding, zero point.
pub(in crate::x86_64) struct Last {
    lo: __m256,
    hi: __m256,
    y_zero: __m256i,
}

impl Last {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::x86_64) fn new(f: &Finish) -> Self {
        Self {
            lo: _mm256_set1_ps((f.lo - f.y_zero) as f32),
            hi: _mm256_set1_ps((f.hi - f.y_zero) as f32),
            y_zero: _mm256_set1_epi16(f.y_zero as i16),
        }
    }

    /// The rounded values, without the zero point.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::x86_64) fn scaled(&self, sums: __m256i, scale: __m256) -> __m256i {
        let v = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale);
        _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(v, self.lo), self.hi))
    }

    /// Two rows as i16 with the zero point: the low halves of a and b | the high halves.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::x86_64) fn words(&self, a: __m256i, b: __m256i) -> __m256i {
        _mm256_add_epi16(_mm256_packs_epi32(a, b), self.y_zero)
    }

    /// Four rows, each in the low half of a register; `SWAPPED` if sums are in the order 0 1 4 5 | 2 3 6 7.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::x86_64) fn bytes<const SWAPPED: bool>(
        &self,
        ab: __m256i,
        cd: __m256i,
    ) -> [__m128i; 4] {
        // low halves of a b c d | high halves, four bytes each
        let v = _mm256_packs_epi16(ab, cd);
        let v = _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        let v = if SWAPPED {
            // 0 1 4 5 2 3 6 7 twice a half
            let order = _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
            _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(order))
        } else {
            v
        };
        let (ab, cd) = (_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
        [
            ab,
            _mm_unpackhi_epi64(ab, ab),
            cd,
            _mm_unpackhi_epi64(cd, cd),
        ]
    }
}

/// Stores the low `count` (at most 8) bytes.
///
/// # Safety
/// `to` is writable for them.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::x86_64) unsafe fn store_bytes(to: *mut i8, bytes: __m128i, count: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if count >= 8 {
            _mm_storel_epi64(to.cast(), bytes);
        } else {
            let all = _mm_cvtsi128_si64(bytes).to_le_bytes();
            core::ptr::copy_nonoverlapping(all.as_ptr().cast(), to, count);
        }
    }
}
