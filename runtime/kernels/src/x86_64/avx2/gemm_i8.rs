//! Integer matrix product over packed weights with vpmaddwd: exact, nothing saturates.
//!
//! ```text
//! weights, a quad of K:   [channel 0: k0 k1 k2 k3] [channel 1: …] … [channel 15]          64 bytes
//! widened, 4 channels:    k0 k1 k2 k3 | k0 k1 k2 k3 | k0 k1 k2 k3 | k0 k1 k2 k3           16 × i16
//! x, one row, the quad:   k0 k1 k2 k3 repeated four times                                16 × i16
//! vpmaddwd:               k0·k0 + k1·k1, k2·k2 + k3·k3 for each channel                    8 × i32
//! ```
//! Accumulators hold two partial sums a channel, added once at the end. Tile: `R` rows × `4 · H` channels in `R · H`
//! registers (6 × 2 or 2 × 4). Accumulator bound: `|bias| + K · 128 · 255 < 2³¹`; a pair of products is at most 2¹⁵.

use super::finish::{Last, store_bytes};
use crate::params::Finish;
use crate::x86_64::strip::Lines;
use core::arch::x86_64::*;

/// Rows and channels of one tile, or of a whole product.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Rows of i16 (`K` padded to quads), or of i8 as they come in the direct kernels.
    pub x: *const u8,
    /// Bytes between rows.
    pub x_stride: usize,
    /// Runs of a row: 1, or kernel rows of a strip.
    pub runs: usize,
    /// Bytes between the runs of a row.
    pub down: usize,
    /// Elements of a run, not padded.
    pub k: usize,
    /// First block of weights: `[runs][⌈k/4⌉][16][4]`.
    pub weights: *const i8,
    pub bias: *const i32,
    pub scale: *const f32,
    pub y: *mut i8,
    pub y_stride: usize,
    /// Channels to store.
    pub channels: usize,
    pub finish: Finish,
}

/// Sixteen bytes as i16.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn widen(from: *const i8) -> __m256i {
    // SAFETY: the caller has 16 bytes.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(from.cast()) })
}

/// Channels 0 … 7 in the order that horizontal addition leaves: 0 1 4 5 | 2 3 6 7, and back.
#[inline]
#[target_feature(enable = "avx2")]
fn swap(v: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(v)
}

impl Tile {
    /// Four rows of 8 sums are packed together, so that most instructions work on whole registers.
    ///
    /// # Safety
    /// As for [`tile`].
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn store<const R: usize, const H: usize>(&self, acc: &[[__m256i; H]; R]) {
        let last = Last::new(&self.finish);
        for pair in 0..H / 2 {
            let at = pair * 8;
            if at >= self.channels {
                return;
            }
            let count = self.channels - at;
            // SAFETY: scale is padded to 16 channels; y has `channels` of them in each row.
            unsafe {
                let scale = swap(_mm256_castps_si256(_mm256_loadu_ps(self.scale.add(at))));
                let scale = _mm256_castsi256_ps(scale);
                let row = |r: usize| {
                    // 0 1 4 5 | 2 3 6 7
                    let acc = &acc[r.min(R - 1)];
                    last.scaled(_mm256_hadd_epi32(acc[pair * 2], acc[pair * 2 + 1]), scale)
                };
                let mut r = 0;
                while r < R {
                    let a = row(r);
                    let b = if r + 1 < R { row(r + 1) } else { a };
                    let low = last.words(a, b);
                    let high = if r + 2 < R {
                        let c = row(r + 2);
                        let d = if r + 3 < R { row(r + 3) } else { c };
                        last.words(c, d)
                    } else {
                        low
                    };
                    let rows = last.bytes::<true>(low, high);
                    for (i, &bytes) in rows.iter().enumerate() {
                        if r + i < R {
                            store_bytes(self.y.add((r + i) * self.y_stride + at), bytes, count);
                        }
                    }
                    r += 4;
                }
            }
        }
    }
}

/// One tile. `DIRECT`: rows of x are i8 as they come, widened here (for K too long to be packed).
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for `R` rows, `K` and `min(4 · H, channels)` channels
/// (weights, bias and scale for `4 · H`).
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const R: usize, const H: usize, const DIRECT: bool>(t: &Tile) {
    // The bias is the first partial sum of each channel.
    let mut first = [_mm256_setzero_si256(); H];
    for (h, first) in first.iter_mut().enumerate() {
        // SAFETY: bias is padded to 16 channels.
        *first = _mm256_cvtepu32_epi64(unsafe { _mm_loadu_si128(t.bias.add(h * 4).cast()) });
    }
    let mut acc = [first; R];
    let whole = if DIRECT { t.k / 4 } else { t.k.div_ceil(4) };
    // SAFETY: as the caller promises.
    unsafe {
        for run in 0..if DIRECT { 1 } else { t.runs } {
            let (x, weights) = (t.x.add(run * t.down), t.weights.add(run * whole * 64));
            for q in 0..whole {
                let mut w = [_mm256_setzero_si256(); H];
                for (h, w) in w.iter_mut().enumerate() {
                    *w = widen(weights.add(q * 64 + h * 16));
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let row = x.add(r * t.x_stride);
                    let x = if DIRECT {
                        let quad = row.add(q * 4).cast::<i32>().read_unaligned();
                        _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(quad)))
                    } else {
                        _mm256_set1_epi64x(row.add(q * 8).cast::<i64>().read_unaligned())
                    };
                    for h in 0..H {
                        acc[h] = _mm256_add_epi32(acc[h], _mm256_madd_epi16(x, w[h]));
                    }
                }
            }
        }
        if DIRECT && !t.k.is_multiple_of(4) {
            for (r, acc) in acc.iter_mut().enumerate() {
                let mut quad = [0i8; 4];
                let from = t.x.add(r * t.x_stride + whole * 4);
                core::ptr::copy_nonoverlapping(from.cast(), quad.as_mut_ptr(), t.k % 4);
                let quad = _mm_cvtsi32_si128(i32::from_le_bytes(quad.map(|v| v as u8)));
                let x = _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(quad));
                for (h, acc) in acc.iter_mut().enumerate() {
                    let w = widen(t.weights.add(whole * 64 + h * 16));
                    *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(x, w));
                }
            }
        }
        t.store(&acc);
    }
}

type Kernel = unsafe fn(&Tile);

static HALF: [Kernel; 6] = [
    tile::<1, 2, false>,
    tile::<2, 2, false>,
    tile::<3, 2, false>,
    tile::<4, 2, false>,
    tile::<5, 2, false>,
    tile::<6, 2, false>,
];
static WHOLE: [Kernel; 2] = [tile::<1, 4, false>, tile::<2, 4, false>];
static DIRECT: [Kernel; 2] = [tile::<1, 4, true>, tile::<2, 4, true>];

/// `lines` of `rows` × [`Tile::channels`] of any size: channels outside, rows inside, so that the weights of a tile stay in the
/// first cache. `direct`: see [`tile`].
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn gemm(all: &Tile, rows: usize, lines: Lines, direct: bool) {
    let kernels = match (direct, rows > 2) {
        (true, _) => &DIRECT[..],
        (false, true) => &HALF[..],
        (false, false) => &WHOLE[..],
    };
    let step = if !direct && rows > 2 { 8 } else { 16 };
    let block = all.runs * all.k.div_ceil(4) * 64;
    let mut n = 0;
    while n < all.channels {
        let mut row = 0;
        while row < rows * lines.count {
            let (line, r) = (row / rows, row % rows);
            let left = rows - r;
            let count = left.div_ceil(left.div_ceil(kernels.len()));
            // SAFETY: n is a block or the half of one inside the channels, r a row inside the rows.
            unsafe {
                let t = Tile {
                    x: all.x.add(line * lines.x + r * all.x_stride),
                    weights: all.weights.add(n / 16 * block + n % 16 * 4),
                    bias: all.bias.add(n),
                    scale: all.scale.add(n),
                    y: all.y.add(line * lines.y + r * all.y_stride + n),
                    channels: (all.channels - n).min(step),
                    ..*all
                };
                kernels[count - 1](&t);
            }
            row += count;
        }
        n += step;
    }
}
