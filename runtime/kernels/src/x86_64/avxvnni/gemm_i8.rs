//! Integer matrix product over packed weights with vpdpbusd on 256 bits: exact, its 32-bit sums do not saturate.
//!
//! ```text
//! weights, a quad of K:   [channel 0: k0 k1 k2 k3] … [channel 7]   [channel 8] … [channel 15]    two registers
//! x + 128, one row:       k0 k1 k2 k3 repeated eight times                                       one register
//! vpdpbusd:               acc[channel] += Σ (x + 128) · w, the bias less 128 · Σ w beforehand
//! ```
//! Tile: `R` rows × `16 · B` channels in `2 · R · B` registers (6 × 16, 3 × 32, 1 × 64). Accumulator: i32,
//! `|bias| + K · 128 · 255 < 2³¹`; on the way it wraps, which ends at the same sum.

use crate::params::Finish;
use crate::x86_64::avx2::finish::{Last, store_bytes};
use crate::x86_64::strip::Lines;
use core::arch::x86_64::*;

/// Rows and channels of one tile, or of a whole product.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Rows of x + 128, padded to quads.
    pub x: *const u8,
    /// Bytes between rows.
    pub x_stride: usize,
    /// Runs of a row: 1, or kernel rows of a strip.
    pub runs: usize,
    /// Bytes between the runs of a row.
    pub down: usize,
    /// Quads of a run.
    pub quads: usize,
    /// First block of weights: `[runs][quads][16][4]`.
    pub weights: *const i8,
    pub bias_unsigned: *const i32,
    pub scale: *const f32,
    pub y: *mut i8,
    pub y_stride: usize,
    /// Channels to store.
    pub channels: usize,
    pub finish: Finish,
}

/// One tile.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for `R` rows, `quads` and `channels` (weights, bias and
/// scale for `16 · B`).
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn tile<const R: usize, const B: usize>(t: &Tile) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut first = [[_mm256_setzero_si256(); 2]; B];
        for (b, first) in first.iter_mut().enumerate() {
            for (half, first) in first.iter_mut().enumerate() {
                let bias = t.bias_unsigned.add(b * 16 + half * 8);
                *first = _mm256_loadu_si256(bias.cast());
            }
        }
        let mut acc = [first; R];
        for run in 0..t.runs {
            let (x, weights) = (t.x.add(run * t.down), t.weights.add(run * t.quads * 64));
            for q in 0..t.quads {
                let mut w = [[_mm256_setzero_si256(); 2]; B];
                for (b, w) in w.iter_mut().enumerate() {
                    let from: *const __m256i = weights.add((b * t.runs * t.quads + q) * 64).cast();
                    *w = [_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))];
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let quad = x.add(r * t.x_stride + q * 4).cast::<i32>();
                    let x = _mm256_set1_epi32(quad.read_unaligned());
                    for (acc, w) in acc.iter_mut().zip(&w) {
                        acc[0] = _mm256_dpbusd_avx_epi32(acc[0], x, w[0]);
                        acc[1] = _mm256_dpbusd_avx_epi32(acc[1], x, w[1]);
                    }
                }
            }
        }
        t.store(&acc);
    }
}

impl Tile {
    /// # Safety
    /// As for [`tile`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store<const R: usize, const B: usize>(&self, acc: &[[[__m256i; 2]; B]; R]) {
        let last = Last::new(&self.finish);
        for eight in 0..B * 2 {
            let at = eight * 8;
            if at >= self.channels {
                return;
            }
            let count = self.channels - at;
            // SAFETY: scale is padded to 16 channels; y has `channels` of them in each row.
            unsafe {
                let scale = _mm256_loadu_ps(self.scale.add(at));
                let mut r = 0;
                while r < R {
                    let row = |i: usize| {
                        let acc = acc[(r + i).min(R - 1)][eight / 2][eight % 2];
                        last.scaled(acc, scale)
                    };
                    let a = row(0);
                    let low = last.words(a, if r + 1 < R { row(1) } else { a });
                    let high = if r + 2 < R {
                        last.words(row(2), row(3))
                    } else {
                        low
                    };
                    for (i, &bytes) in last.bytes::<false>(low, high).iter().enumerate() {
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

type Kernel = unsafe fn(&Tile);

static ONE: [Kernel; 6] = [
    tile::<1, 1>,
    tile::<2, 1>,
    tile::<3, 1>,
    tile::<4, 1>,
    tile::<5, 1>,
    tile::<6, 1>,
];

/// `lines` of `rows` × [`Tile::channels`] of any size: channels outside, rows inside.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) unsafe fn gemm(all: &Tile, rows: usize, lines: Lines) {
    let mut n = 0;
    while n < all.channels {
        let left = (all.channels - n).div_ceil(16);
        // Few rows need more blocks to hide the latency of the multiplier.
        let (kernel, blocks): (Option<Kernel>, usize) = match (rows, left) {
            (1, 4..) => (Some(tile::<1, 4>), 4),
            (2, 2..) => (Some(tile::<2, 2>), 2),
            (3, 2..) => (Some(tile::<3, 2>), 2),
            _ => (None, 1),
        };
        let mut row = 0;
        while row < rows * lines.count {
            let (line, r) = (row / rows, row % rows);
            let count = match kernel {
                Some(_) => rows,
                None => (rows - r).div_ceil((rows - r).div_ceil(ONE.len())),
            };
            // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
            unsafe {
                let t = Tile {
                    x: all.x.add(line * lines.x + r * all.x_stride),
                    weights: all.weights.add(n / 16 * all.runs * all.quads * 64),
                    bias_unsigned: all.bias_unsigned.add(n),
                    scale: all.scale.add(n),
                    y: all.y.add(line * lines.y + r * all.y_stride + n),
                    channels: (all.channels - n).min(blocks * 16),
                    ..*all
                };
                kernel.unwrap_or(ONE[count - 1])(&t);
            }
            row += count;
        }
        n += blocks * 16;
    }
}
