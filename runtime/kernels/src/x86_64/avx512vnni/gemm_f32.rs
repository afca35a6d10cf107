//! The tile of the float product: `R` rows × `B` blocks of 16 channels in `R · B` registers.
//!
//! ```text
//! weights f32, f16 [N/16][K][16]: one register (half of one) a block and K; block b is `block_stride` further
//! right side of a matrix product [K][N]: the same with blocks beside one another and N between the K
//! ```
//! `acc = bias; acc = fma(x, w, acc)` over K in order, one chain an element, as the definition has it. Largest tiles: 6 × 4,
//! 8 × 3, 12 × 2, 12 × 1 and 1 × 8. The K of a row lie in runs ([`Runs`]): one, or the lines under a window, in place.

use crate::bands::{Places, Rows, Runs};
use crate::params::{ConvF32, Part};
use crate::x86_64::conv_f32::{self, Gemm, Tile};
use core::arch::x86_64::*;

/// Bytes of each block that are fetched ahead: the weights of a tile often exceed the first cache.
const AHEAD: usize = 1024;

/// One tile of `R` rows × `B` blocks; weights in half precision if `HALF`; `rows` are where the K of each row begin. For
/// every K `share` more bytes from `later` on are fetched to the second-level cache.
///
/// # Safety
/// The CPU has the instructions; `rows` has `R` elements; the runs of each and the pointers of `t` are good for `B` blocks;
/// `t.channels` is in `16 · (B − 1) + 1 ..= 16 · B`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn tile<const R: usize, const B: usize, const HALF: bool>(
    t: &Tile,
    rows: &[*const f32; MOST],
    mut later: *const u8,
    share: usize,
) {
    let valid = t.channels - (B - 1) * 16;
    let last: __mmask16 = (((1u32 << valid) - 1) & 0xffff) as u16;
    let mask = |b: usize| if b + 1 == B { last } else { 0xffff };
    let mut start = [_mm512_setzero_ps(); B];
    if !t.bias.is_null() {
        for (b, start) in start.iter_mut().enumerate() {
            // SAFETY: the bias has whole blocks.
            *start = unsafe { _mm512_loadu_ps(t.bias.add(b * 16)) };
        }
    }
    let mut acc = [start; R];
    let size = if HALF { 2 } else { 4 };
    let rows: [*const f32; R] = core::array::from_fn(|r| rows[r]);
    let mut w = t.weights;
    let mut line = 0;
    for _ in 0..t.runs.lines {
        let mut start = line;
        for _ in 0..t.runs.taps {
            for k in start..start + t.runs.length {
                // SAFETY: as the caller promises; k and w move by one K at a time. Lanes that are masked off are not read.
                unsafe {
                    let mut weights = [_mm512_setzero_ps(); B];
                    for (b, weights) in weights.iter_mut().enumerate() {
                        let at = w.wrapping_add(b * t.block_stride * size);
                        if B > 1 {
                            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD).cast());
                        }
                        *weights = if HALF {
                            _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask(b), at.cast()))
                        } else {
                            _mm512_maskz_loadu_ps(mask(b), at.cast())
                        };
                    }
                    for (&row, acc) in rows.iter().zip(&mut acc) {
                        let x = _mm512_set1_ps(*row.add(k));
                        for (acc, &w) in acc.iter_mut().zip(&weights) {
                            *acc = _mm512_fmadd_ps(x, w, *acc);
                        }
                    }
                    // One block is bound by loads, and its weights are few.
                    if B > 1 {
                        _mm_prefetch::<_MM_HINT_T1>(later.cast());
                        later = later.wrapping_add(share);
                    }
                    w = w.add(t.step * size);
                }
            }
            start += t.runs.tap_stride;
        }
        line += t.runs.line_stride;
    }
    let (lo, hi) = (_mm512_set1_ps(t.lo), _mm512_set1_ps(t.hi));
    for (r, acc) in acc.iter().enumerate() {
        for (b, &v) in acc.iter().enumerate() {
            // The second operand is the result where they are equal or one is NaN: NaN and −0.0 pass.
            let v = _mm512_min_ps(hi, _mm512_max_ps(lo, v));
            // SAFETY: as the caller promises; lanes that are masked off are not written.
            unsafe { _mm512_mask_storeu_ps(t.y.add(r * t.y_stride + b * 16), mask(b), v) };
        }
    }
}

type Kernel = unsafe fn(&Tile, &[*const f32; MOST], *const u8, usize);

/// Most rows of any tile.
const MOST: usize = 12;
/// Most rows of a tile of 1, 2, 3, 4 blocks.
const MOST_ROWS: [usize; 4] = [12, 12, 8, 6];

/// Kernels of 1, 2, 3, 4 blocks by rows, in single and half precision.
macro_rules! kernels {
    ($b:literal: $($r:literal)*) => {
        [[$(tile::<$r, $b, false> as Kernel),*], [$(tile::<$r, $b, true> as Kernel),*]]
    };
}
static ONE: [[Kernel; 12]; 2] = kernels!(1: 1 2 3 4 5 6 7 8 9 10 11 12);
static TWO: [[Kernel; 12]; 2] = kernels!(2: 1 2 3 4 5 6 7 8 9 10 11 12);
static THREE: [[Kernel; 8]; 2] = kernels!(3: 1 2 3 4 5 6 7 8);
static FOUR: [[Kernel; 6]; 2] = kernels!(4: 1 2 3 4 5 6);

/// Blocks of the tile of one row.
const ROW_BLOCKS: usize = 8;

/// The size of the next of the equal parts, each at most `most`, that `left` is cut into.
fn next(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

/// Bytes of rows that are gone over for all channels before the next ones: a part of the second-level cache.
const BAND: usize = 192 * 1024;
/// Bytes of the weights of a tile that stay in the first-level cache.
const NEAR: usize = 32 * 1024;

/// `count` rows × [`Tile::channels`] of any size: bands of rows, channels inside of them, tiles of rows innermost.
///
/// # Safety
/// As for a tile, with as many rows and blocks as asked for; `x` is what `rows` are relative to.
unsafe fn gemm<const HALF: bool>(all: &Tile, x: *const f32, rows: &Rows, count: usize) {
    let k = all.runs.lines * all.runs.taps * all.runs.length;
    let fit = (BAND / 4 / k.max(1)).max(4 * MOST);
    let mut places = rows.places();
    let mut r = 0;
    while r < count {
        let now = next(count - r, fit);
        let mut t = *all;
        // SAFETY: r is a row inside the rows.
        unsafe {
            t.y = all.y.add(r * all.y_stride);
            places = band::<HALF>(&t, x, &places, now, k);
        }
        r += now;
    }
}

/// A band of rows from `start`; returns the place of the first row behind it.
///
/// # Safety
/// As for [`gemm`].
unsafe fn band<const HALF: bool>(
    all: &Tile,
    x: *const f32,
    start: &Places,
    count: usize,
    k: usize,
) -> Places {
    let size = if HALF { 2 } else { 4 };
    // Two blocks need half the weights of four for each product: for weights that come from the second-level cache.
    let most = if count >= MOST && k * 4 * 64 > NEAR {
        2
    } else {
        4
    };
    let mut places = *start;
    let mut n = 0;
    while n < all.channels {
        let left = (all.channels - n).div_ceil(16);
        let blocks = if count == 1 && left >= ROW_BLOCKS {
            ROW_BLOCKS
        } else {
            next(left, most)
        };
        let mut t = *all;
        t.channels = (all.channels - n).min(blocks * 16);
        places = *start;
        // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
        unsafe {
            t.weights = all.weights.add(n / 16 * all.block_stride * size);
            if !all.bias.is_null() {
                t.bias = all.bias.add(n);
            }
            // The weights of the next blocks come from afar: fetched evenly over the tiles.
            let most = MOST_ROWS[(blocks - 1).min(3)];
            let share = (blocks * 16 * size).div_ceil(count.div_ceil(most)).min(64);
            let mut later = t.weights.wrapping_add(blocks * all.block_stride * size);
            let mut r = 0;
            while r < count {
                let now = next(count - r, most);
                let mut from = [x; MOST];
                for from in &mut from[..now] {
                    *from = x.add(places.next());
                }
                t.y = all.y.add(r * all.y_stride + n);
                match blocks {
                    ROW_BLOCKS => tile::<1, ROW_BLOCKS, HALF>(&t, &from, later, share),
                    4 => FOUR[HALF as usize][now - 1](&t, &from, later, share),
                    3 => THREE[HALF as usize][now - 1](&t, &from, later, share),
                    2 => TWO[HALF as usize][now - 1](&t, &from, later, share),
                    _ => ONE[HALF as usize][now - 1](&t, &from, later, share),
                }
                r += now;
                later = later.wrapping_add(k * share);
            }
        }
        n += blocks * 16;
    }
    places
}

/// The tiles of this tier.
#[derive(Clone, Copy)]
struct Tiles;

impl Gemm for Tiles {
    #[inline(always)]
    unsafe fn gemm(self, tile: &Tile, half: bool, x: *const f32, rows: &Rows, count: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            if half {
                gemm::<true>(tile, x, rows, count);
            } else {
                gemm::<false>(tile, x, rows, count);
            }
        }
    }
}

/// See [`crate::scalar::conv::conv_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the parameters say, or the scratch does not hold one patch.
pub(super) unsafe fn conv_f32(
    p: &ConvF32<'_>,
    x: &[f32],
    y: &mut [f32],
    part: Part,
    scratch: &mut [u8],
) {
    // SAFETY: as the caller promises.
    unsafe { conv_f32::conv_f32(Tiles, p, x, y, part, scratch) };
}

/// See [`crate::scalar::matmul::matmul_f32`]: the same bits.
///
/// # Safety
/// The CPU has the instructions.
///
/// # Panics
/// If a slice is shorter than the sizes say.
pub(super) unsafe fn matmul_f32(a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize) {
    let holds = |len: usize, r: usize, c: usize| r.checked_mul(c).is_some_and(|l| len >= l);
    assert!(holds(a.len(), m, k) && holds(b.len(), k, n) && holds(y.len(), m, n));
    let tile = Tile {
        runs: Runs::one(k),
        weights: b.as_ptr().cast(),
        block_stride: 16,
        step: n,
        bias: core::ptr::null(),
        lo: f32::NEG_INFINITY,
        hi: f32::INFINITY,
        y: y.as_mut_ptr(),
        y_stride: n,
        channels: n,
    };
    // SAFETY: the asserts above; the tile does not load columns behind the last.
    unsafe { gemm::<false>(&tile, a.as_ptr(), &Rows::even(k), m) };
}
