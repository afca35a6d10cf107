//! Float convolution and dense product: tiles of `R` rows × `16 · B` channels over `[N/16][K][16]`.
//!
//! `acc = bias; acc = fma(x, w, acc)` over K in order: one accumulator an output, so the order is the definition's.
//! Tile: 6 × 16, 3 × 32 or 1 × 64 in at most 12 registers, one broadcast of x a row and K. Half-precision weights are
//! widened (exactly) on the way. Windows are read in place or in padded bands: see `../conv_f32.rs`.

use crate::bands::Rows;
use crate::params::{ConvF32, Part};
use crate::x86_64::conv_f32::{self, Gemm, Tile};
use core::arch::x86_64::*;
use redpoll_plan::layout::BLOCK_N;

/// `v < lo ? lo : v > hi ? hi : v`; NaN passes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn clamp(v: __m256, lo: __m256, hi: __m256) -> __m256 {
    // Where an operand is NaN or both are equal, the second is taken.
    _mm256_min_ps(hi, _mm256_max_ps(lo, v))
}

/// Sixteen half-precision weights.
///
/// # Safety
/// `from` is readable for 16 elements.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn sixteen(from: *const u16) -> [__m256; 2] {
    // SAFETY: as the caller promises.
    unsafe {
        [
            _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
            _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast())),
        ]
    }
}

/// Most rows of a tile.
const MOST: usize = 6;

/// One tile.
///
/// # Safety
/// The CPU has the instructions; the runs at `rows` and the pointers of `t` are good for `R` rows, `B` blocks and
/// `channels`, of which there are more than `16 · (B − 1)`; the bias is there.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile<const R: usize, const B: usize, const HALF: bool>(
    t: &Tile,
    rows: &[*const f32; MOST],
) {
    let element = if HALF { 2 } else { 4 };
    // SAFETY: as the caller promises.
    unsafe {
        let mut acc = [[[_mm256_setzero_ps(); 2]; B]; R];
        for acc in &mut acc {
            for (b, acc) in acc.iter_mut().enumerate() {
                let bias = t.bias.add(b * BLOCK_N);
                *acc = [_mm256_loadu_ps(bias), _mm256_loadu_ps(bias.add(8))];
            }
        }
        let rows: [*const f32; R] = core::array::from_fn(|r| rows[r]);
        let mut at = t.weights;
        let mut line = 0;
        for _ in 0..t.runs.lines {
            let mut start = line;
            for _ in 0..t.runs.taps {
                for k in start..start + t.runs.length {
                    let mut w = [[_mm256_setzero_ps(); 2]; B];
                    for (b, w) in w.iter_mut().enumerate() {
                        let from = at.wrapping_add(b * t.block_stride * element);
                        *w = if HALF {
                            sixteen(from.cast())
                        } else {
                            let from: *const f32 = from.cast();
                            [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))]
                        };
                    }
                    for (&row, acc) in rows.iter().zip(&mut acc) {
                        let x = _mm256_set1_ps(*row.add(k));
                        for (acc, w) in acc.iter_mut().zip(&w) {
                            acc[0] = _mm256_fmadd_ps(x, w[0], acc[0]);
                            acc[1] = _mm256_fmadd_ps(x, w[1], acc[1]);
                        }
                    }
                    at = at.add(t.step * element);
                }
                start += t.runs.tap_stride;
            }
            line += t.runs.line_stride;
        }
        let (lo, hi) = (_mm256_set1_ps(t.lo), _mm256_set1_ps(t.hi));
        for (r, acc) in acc.iter().enumerate() {
            for (b, acc) in acc.iter().enumerate() {
                let count = t.channels - b * BLOCK_N;
                let to = t.y.add(r * t.y_stride + b * BLOCK_N);
                let acc = [clamp(acc[0], lo, hi), clamp(acc[1], lo, hi)];
                if count >= BLOCK_N {
                    _mm256_storeu_ps(to, acc[0]);
                    _mm256_storeu_ps(to.add(8), acc[1]);
                } else {
                    let mut copy = [0.0f32; BLOCK_N];
                    _mm256_storeu_ps(copy.as_mut_ptr(), acc[0]);
                    _mm256_storeu_ps(copy.as_mut_ptr().add(8), acc[1]);
                    core::ptr::copy_nonoverlapping(copy.as_ptr(), to, count);
                }
            }
        }
    }
}

type Kernel = unsafe fn(&Tile, &[*const f32; MOST]);

/// Kernels of one block by rows.
fn one_block(half: bool) -> &'static [Kernel] {
    macro_rules! rows {
        ($half:literal) => {
            &[
                tile::<1, 1, $half> as Kernel,
                tile::<2, 1, $half>,
                tile::<3, 1, $half>,
                tile::<4, 1, $half>,
                tile::<5, 1, $half>,
                tile::<6, 1, $half>,
            ]
        };
    }
    if half { rows!(true) } else { rows!(false) }
}

/// `count` rows × [`Tile::channels`] of any size: channels outside, rows inside.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for; `x` is what `rows` are relative to.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn gemm(all: &Tile, half: bool, x: *const f32, rows: &Rows, count: usize) {
    let element = if half { 2 } else { 4 };
    let single = one_block(half);
    let mut n = 0;
    while n < all.channels {
        let left = (all.channels - n).div_ceil(BLOCK_N);
        // Few rows need more blocks to hide the latency of the multiplier.
        let (kernel, blocks): (Option<Kernel>, usize) = match (count, left, half) {
            (1, 4.., false) => (Some(tile::<1, 4, false>), 4),
            (1, 4.., true) => (Some(tile::<1, 4, true>), 4),
            (2, 2.., false) => (Some(tile::<2, 2, false>), 2),
            (2, 2.., true) => (Some(tile::<2, 2, true>), 2),
            (3, 2.., false) => (Some(tile::<3, 2, false>), 2),
            (3, 2.., true) => (Some(tile::<3, 2, true>), 2),
            _ => (None, 1),
        };
        let mut places = rows.places();
        let mut r = 0;
        while r < count {
            let now = match kernel {
                Some(_) => count,
                None => (count - r).div_ceil((count - r).div_ceil(single.len())),
            };
            let mut from = [x; MOST];
            // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
            unsafe {
                for from in &mut from[..now] {
                    *from = x.add(places.next());
                }
                let t = Tile {
                    weights: all.weights.add(n / BLOCK_N * all.block_stride * element),
                    bias: all.bias.add(n),
                    y: all.y.add(r * all.y_stride + n),
                    channels: (all.channels - n).min(blocks * BLOCK_N),
                    ..*all
                };
                kernel.unwrap_or(single[now - 1])(&t, &from);
            }
            r += now;
        }
        n += blocks * BLOCK_N;
    }
}

/// The tiles of this tier.
#[derive(Clone, Copy)]
struct Tiles;

impl Gemm for Tiles {
    #[inline(always)]
    unsafe fn gemm(self, tile: &Tile, half: bool, x: *const f32, rows: &Rows, count: usize) {
        // SAFETY: as the caller promises.
        unsafe { gemm(tile, half, x, rows, count) };
    }
}

/// See [`crate::scalar::conv::conv_f32`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say, or the scratch does not hold one patch.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn conv_f32(p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]) {
    // SAFETY: this function runs only where the CPU has the instructions.
    unsafe { conv_f32::conv_f32(Tiles, p, x, y, part, scratch) };
}
