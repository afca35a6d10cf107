//! Bytes of one or several pixels side by side in a register, and the order that depthwise kernels keep them in.
//!
//! A register holds `P` pixels × `64 / P` channels, P = 1, 2 or 4: narrow remainders of the channels fill it too.
//! [`interleave`] puts the bytes of four taps of one channel side by side, as vpdpbusd wants them:
//!
//! ```text
//! four taps, each 128-bit lane        result i: channels 4i … 4i + 3 of each lane
//! t0  a0 a1 a2 … a15                  0: a0 b0 c0 d0  a1 b1 c1 d1  a2 b2 c2 d2  a3 b3 c3 d3
//! t1  b0 b1 b2 … b15           →      1: a4 b4 c4 d4  …
//! t2  c0 …    t3  d0 …                2, 3: …
//! ```
//! The signed and saturating packs bring the sums of results 0 … 3 back to channel order by themselves.

use super::epilogue::low_bits;
use core::arch::x86_64::*;

/// See the module: the bytes of four taps, channel by channel.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn interleave(t: [__m512i; 4]) -> [__m512i; 4] {
    let ab = (
        _mm512_unpacklo_epi8(t[0], t[1]),
        _mm512_unpackhi_epi8(t[0], t[1]),
    );
    let cd = (
        _mm512_unpacklo_epi8(t[2], t[3]),
        _mm512_unpackhi_epi8(t[2], t[3]),
    );
    [
        _mm512_unpacklo_epi16(ab.0, cd.0),
        _mm512_unpackhi_epi16(ab.0, cd.0),
        _mm512_unpacklo_epi16(ab.1, cd.1),
        _mm512_unpackhi_epi16(ab.1, cd.1),
    ]
}

/// A run of at most `64 / P` channels.
#[derive(Clone, Copy)]
pub(super) struct Channels<const P: usize, const FULL: bool> {
    /// Channels in use: all `64 / P` where `FULL`.
    count: usize,
}

impl<const P: usize, const FULL: bool> Channels<P, FULL> {
    /// Of `count` channels.
    #[inline]
    pub(super) fn new(count: usize) -> Self {
        debug_assert!(count <= 64 / P && (!FULL || count == 64 / P));
        Self { count }
    }

    /// The bytes at `P` pointers.
    ///
    /// # Safety
    /// Each is readable for the channels in use.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) unsafe fn load(self, from: [*const i8; P]) -> __m512i {
        let mask = low_bits(self.count);
        // SAFETY: as the caller promises; masked-off bytes are not read.
        unsafe {
            match (P, FULL) {
                (1, true) => _mm512_loadu_si512(from[0].cast()),
                (1, false) => _mm512_maskz_loadu_epi8(mask, from[0]),
                (2, _) => {
                    let half = |i: usize| {
                        if FULL {
                            _mm256_loadu_si256(from[i % P].cast())
                        } else {
                            _mm256_maskz_loadu_epi8(mask as u32, from[i % P])
                        }
                    };
                    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(half(0)), half(1))
                }
                _ => {
                    let quarter = |i: usize| {
                        if FULL {
                            _mm_loadu_si128(from[i % P].cast())
                        } else {
                            _mm_maskz_loadu_epi8(mask as u16, from[i % P])
                        }
                    };
                    let v = _mm512_castsi128_si512(quarter(0));
                    let v = _mm512_inserti32x4::<1>(v, quarter(1));
                    let v = _mm512_inserti32x4::<2>(v, quarter(2));
                    _mm512_inserti32x4::<3>(v, quarter(3))
                }
            }
        }
    }

    /// Stores the channels in use of each pixel.
    ///
    /// # Safety
    /// Each pointer is writable for the channels in use.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) unsafe fn store(self, to: [*mut i8; P], v: __m512i) {
        let mask = low_bits(self.count);
        // SAFETY: as the caller promises; masked-off bytes are not written.
        unsafe {
            match P {
                1 => _mm512_mask_storeu_epi8(to[0], mask, v),
                2 => {
                    let mask = mask as u32;
                    _mm256_mask_storeu_epi8(to[0], mask, _mm512_castsi512_si256(v));
                    let high = _mm512_extracti64x4_epi64::<1>(v);
                    _mm256_mask_storeu_epi8(to[1 % P], mask, high);
                }
                _ => {
                    let mask = mask as u16;
                    let quarters = [
                        _mm512_castsi512_si128(v),
                        _mm512_extracti32x4_epi32::<1>(v),
                        _mm512_extracti32x4_epi32::<2>(v),
                        _mm512_extracti32x4_epi32::<3>(v),
                    ];
                    for (i, &v) in quarters.iter().enumerate() {
                        _mm_mask_storeu_epi8(to[i % P], mask, v);
                    }
                }
            }
        }
    }

    /// One value of 32 bits a channel, in the order of [`interleave`], repeated for each pixel; zeros behind `valid`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn spread<T: Copy + Default>(self, values: &[T]) -> [[T; 16]; 4] {
        // Whole groups of four channels keep together.
        let mut all = [T::default(); 64];
        all[..values.len()].copy_from_slice(values);
        let mut out = [[T::default(); 16]; 4];
        for (i, out) in out.iter_mut().enumerate() {
            for (j, out) in out.chunks_exact_mut(4).enumerate() {
                out.copy_from_slice(&all[(j * 16 + i * 4) % (64 / P)..][..4]);
            }
        }
        out
    }
}
