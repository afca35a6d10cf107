//! How AVX2 writes the elements of a patch: widened, or with the top bit flipped.

use core::arch::x86_64::*;
use core::mem::MaybeUninit;

pub(in crate::x86_64) use crate::patches::{Copied, Patch, Same};

/// int8 as i16.
pub(in crate::x86_64) struct Wide;

impl Copied<i8> for Wide {
    type To = i16;

    #[inline(always)]
    fn one(v: i8) -> i16 {
        i16::from(v)
    }

    /// Whole registers, the last one overlapping; below 8 elements one by one.
    #[inline(always)]
    fn run(&self, run: &[i8], to: &mut [MaybeUninit<i16>]) {
        let length = run.len();
        assert!(to.len() == length);
        if length >= 16 {
            let mut at = 0;
            loop {
                // SAFETY: AVX2 is there (only kernels of this tier come here); `at + 16` is at most the length of both.
                unsafe {
                    let v = _mm_loadu_si128(run.as_ptr().add(at).cast());
                    _mm256_storeu_si256(to.as_mut_ptr().add(at).cast(), _mm256_cvtepi8_epi16(v));
                }
                if at + 16 == length {
                    return;
                }
                at = (at + 16).min(length - 16);
            }
        } else if length >= 8 {
            for at in [0, length - 8] {
                // SAFETY: as above, with 8.
                unsafe {
                    let v = _mm_loadl_epi64(run.as_ptr().add(at).cast());
                    _mm_storeu_si128(to.as_mut_ptr().add(at).cast(), _mm_cvtepi8_epi16(v));
                }
            }
        } else {
            for (to, &v) in to.iter_mut().zip(run) {
                to.write(i16::from(v));
            }
        }
    }
}

/// int8 plus 128, as u8: the top bit flipped.
pub(in crate::x86_64) struct Flipped;

impl Copied<i8> for Flipped {
    type To = u8;

    #[inline(always)]
    fn one(v: i8) -> u8 {
        v as u8 ^ 0x80
    }

    /// Whole registers, the last one overlapping; below 8 elements one by one.
    #[inline(always)]
    fn run(&self, run: &[i8], to: &mut [MaybeUninit<u8>]) {
        let length = run.len();
        assert!(to.len() == length);
        let (from, out) = (run.as_ptr(), to.as_mut_ptr());
        if length >= 32 {
            let mut at = 0;
            loop {
                // SAFETY: AVX2 is there (only kernels of such tiers come here); `at + 32` is at most the length of both.
                unsafe {
                    let v = _mm256_loadu_si256(from.add(at).cast());
                    let v = _mm256_xor_si256(v, _mm256_set1_epi8(i8::MIN));
                    _mm256_storeu_si256(out.add(at).cast(), v);
                }
                if at + 32 == length {
                    return;
                }
                at = (at + 32).min(length - 32);
            }
        } else if length >= 8 {
            let mut at = 0;
            loop {
                // SAFETY: as above, with 8.
                unsafe {
                    let v = from.add(at).cast::<u64>().read_unaligned() ^ 0x8080_8080_8080_8080;
                    out.add(at).cast::<u64>().write_unaligned(v);
                }
                if at + 8 == length {
                    return;
                }
                at = (at + 8).min(length - 8);
            }
        } else {
            for (to, &v) in to.iter_mut().zip(run) {
                to.write(Self::one(v));
            }
        }
    }
}
