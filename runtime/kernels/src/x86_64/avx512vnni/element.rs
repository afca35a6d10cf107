//! Between f32 and int8, and tables: 64 elements at a time.

use super::epilogue::{Last, low_bits};
use crate::params::{Finish, Source};
use core::arch::x86_64::*;

/// Scales that [`Quotient`] divides by without leaving the range of f32 on the way.
const COMMON: core::ops::RangeInclusive<f32> = 1e-18..=1e18;

/// `x / scale` by multiplication: five instructions of half a cycle instead of one of ten cycles for 16 elements.
///
/// With `y` the rounded `1 / scale`, `q + (x − q · scale) · y` in fused multiply-adds is the rounded quotient if `q` is within
/// an ulp of it (Markstein, 1990, theorem 8); one such step before brings `x · y` that close. Quotients beyond ±1024 are
/// clamped before (they saturate), those near 0 may lose bits by underflow (they round to 0).
#[derive(Clone, Copy)]
struct Quotient {
    scale: __m512,
    reciprocal: __m512,
    most: __m512,
    least: __m512,
}

impl Quotient {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(scale: f32) -> Self {
        Self {
            scale: _mm512_set1_ps(scale),
            reciprocal: _mm512_set1_ps(1.0 / scale),
            most: _mm512_set1_ps(1024.0 * scale),
            least: _mm512_set1_ps(-1024.0 * scale),
        }
    }

    /// NaN stays NaN.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn of(self, x: __m512) -> __m512 {
        let x = _mm512_max_ps(self.least, _mm512_min_ps(self.most, x));
        let q = _mm512_mul_ps(x, self.reciprocal);
        let q = _mm512_fmadd_ps(_mm512_fnmadd_ps(q, self.scale, x), self.reciprocal, q);
        _mm512_fmadd_ps(_mm512_fnmadd_ps(q, self.scale, x), self.reciprocal, q)
    }
}

/// See [`crate::scalar::quantize::quantize`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If `x` is shorter than `y`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn quantize(scale: f32, zero: i32, x: &[f32], y: &mut [i8]) {
    if COMMON.contains(&scale) {
        let by = Quotient::new(scale);
        quantized(zero, x, y, |x| by.of(x));
    } else {
        let by = _mm512_set1_ps(scale);
        quantized(zero, x, y, |x| _mm512_div_ps(x, by));
    }
}

/// Rounds what `divide` makes of `x`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn quantized(zero: i32, x: &[f32], y: &mut [i8], divide: impl Fn(__m512) -> __m512) {
    let x = &x[..y.len()];
    let last = Last::new(&Finish {
        y_zero: zero,
        lo: -128,
        hi: 127,
    });
    for (x, y) in x.chunks(64).zip(y.chunks_mut(64)) {
        let valid = low_bits(x.len());
        let mut q = [_mm512_setzero_si512(); 4];
        for (i, q) in q.iter_mut().enumerate() {
            let mask = (valid >> (i * 16)) as u16;
            // SAFETY: lanes behind the chunk are not read.
            let x = unsafe { _mm512_maskz_loadu_ps(mask, x.as_ptr().wrapping_add(i * 16)) };
            *q = last.rounded(divide(x));
        }
        // SAFETY: bytes behind the chunk are not written.
        unsafe { _mm512_mask_storeu_epi8(y.as_mut_ptr(), valid, last.pack(q)) };
    }
}

/// See [`crate::scalar::quantize::dequantize`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If `x` is shorter than `y`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn dequantize(scale: f32, zero: i32, x: &[i8], y: &mut [f32]) {
    let x = &x[..y.len()];
    let (scale, zero) = (_mm512_set1_ps(scale), _mm512_set1_epi32(zero));
    for (x, y) in x.chunks(16).zip(y.chunks_mut(16)) {
        let mask = low_bits(x.len()) as u16;
        // SAFETY: bytes behind the chunk are not read.
        let x = unsafe { _mm_maskz_loadu_epi8(mask, x.as_ptr()) };
        let v = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_cvtepi8_epi32(x), zero));
        // SAFETY: lanes behind the chunk are not written.
        unsafe { _mm512_mask_storeu_ps(y.as_mut_ptr(), mask, _mm512_mul_ps(v, scale)) };
    }
}

/// See [`crate::scalar::table::table_i8`]: the table in four registers, two look-ups of 128 entries and a choice by
/// the top bit.
///
/// # Safety
/// The CPU has the instructions, VBMI too.
///
/// # Panics
/// If `x` is shorter than `y`.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn table_i8(table: &[i8; 256], x: Source<'_, i8>, y: &mut [i8]) {
    let from = match x {
        Source::Slice(x) => x[..y.len()].as_ptr(),
        Source::InPlace => y.as_ptr(),
    };
    let mut t = [_mm512_setzero_si512(); 4];
    for (t, part) in t.iter_mut().zip(table.chunks_exact(64)) {
        // SAFETY: 64 entries.
        *t = unsafe { _mm512_loadu_si512(part.as_ptr().cast()) };
    }
    for at in (0..y.len()).step_by(64) {
        let mask = low_bits(y.len() - at);
        // SAFETY: as long as y; bytes behind it are not read.
        let x = unsafe { _mm512_maskz_loadu_epi8(mask, from.wrapping_add(at)) };
        // Entries start at −128: negative bytes take the first half.
        let negative = _mm512_permutex2var_epi8(t[0], x, t[1]);
        let positive = _mm512_permutex2var_epi8(t[2], x, t[3]);
        let v = _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), positive, negative);
        // SAFETY: bytes behind y are not written.
        unsafe { _mm512_mask_storeu_epi8(y.as_mut_ptr().wrapping_add(at), mask, v) };
    }
}
