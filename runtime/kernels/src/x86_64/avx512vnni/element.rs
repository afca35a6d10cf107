//! Between f32 and int8, and tables: 64 elements at a time.

use super::epilogue::{Last, low_bits};
use crate::params::{Finish, Source};
use core::arch::x86_64::*;

/// See [`crate::scalar::quantize::quantize`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If `x` is shorter than `y`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn quantize(scale: f32, zero: i32, x: &[f32], y: &mut [i8]) {
    let x = &x[..y.len()];
    let last = Last::new(&Finish {
        y_zero: zero,
        lo: -128,
        hi: 127,
    });
    let scale = _mm512_set1_ps(scale);
    for (x, y) in x.chunks(64).zip(y.chunks_mut(64)) {
        let valid = low_bits(x.len());
        let mut q = [_mm512_setzero_si512(); 4];
        for (i, q) in q.iter_mut().enumerate() {
            let mask = (valid >> (i * 16)) as u16;
            // SAFETY: lanes behind the chunk are not read.
            let x = unsafe { _mm512_maskz_loadu_ps(mask, x.as_ptr().wrapping_add(i * 16)) };
            *q = last.rounded(_mm512_div_ps(x, scale));
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
