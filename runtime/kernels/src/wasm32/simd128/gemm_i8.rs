//! Integer matrix product over packed weights with `i32x4.dot_i16x8_s`: bytes widened to 16 bits first, exact.
//!
//! ```text
//! weights, a quad of K:   [c0: k0 k1 k2 k3] … [c3: …]          one register, four of them a block of 16
//! sorted, widened:        [c0: k0 k1] … [c3: k0 k1]  and  [c0: k2 k3] … [c3: k2 k3]      8 × i16 each
//! x, one row:             k0 k1 four times           and  k2 k3 four times
//! dot:                    acc[channel] += k0·k0 + k1·k1        4 × i32, at most 2 · 128 · 128 a turn
//! ```
//! Tile: `R` rows × `8 · H` channels in `2 · R · H` registers. Accumulator: i32, `|bias| + K · 128 · 255 < 2³¹`.

use super::finish::{Last, store_bytes};
use crate::product::{Tile, last_quad};
use core::arch::wasm32::*;

/// Rows of the largest tile.
const TILE_ROWS: usize = 3;

/// Both pairs of K of four channels.
#[inline(always)]
fn pairs(w: v128) -> [v128; 2] {
    let sorted = i16x8_shuffle::<0, 2, 4, 6, 1, 3, 5, 7>(w, w);
    [
        i16x8_extend_low_i8x16(sorted),
        i16x8_extend_high_i8x16(sorted),
    ]
}

/// Both pairs of a quad of x, a pair in every lane.
#[inline(always)]
fn spread(quad: v128) -> [v128; 2] {
    let words = i16x8_extend_low_i8x16(quad);
    [
        i32x4_shuffle::<0, 0, 0, 0>(words, words),
        i32x4_shuffle::<1, 1, 1, 1>(words, words),
    ]
}

/// One tile.
///
/// # Safety
/// The pointers of `t` are good for `R` rows, `k` and `channels` (weights, bias and scale for `8 · H`).
unsafe fn tile<const R: usize, const H: usize>(t: &Tile) {
    let (quads, left) = (t.k / 4, t.k % 4);
    // SAFETY: as the caller promises.
    unsafe {
        let mut acc: [[[v128; 2]; H]; R] = [core::array::from_fn(|h| {
            let bias: *const v128 = t.bias.add(h * 8).cast();
            [v128_load(bias), v128_load(bias.add(1))]
        }); R];
        let mut w: *const v128 = t.weights.cast();
        let mut quad = |x: [[v128; 2]; R]| {
            for h in 0..H {
                for i in 0..2 {
                    let [first, second] = pairs(v128_load(w.add(2 * h + i)));
                    for (acc, x) in acc.iter_mut().zip(&x) {
                        let sum = i32x4_add(acc[h][i], i32x4_dot_i16x8(first, x[0]));
                        acc[h][i] = i32x4_add(sum, i32x4_dot_i16x8(second, x[1]));
                    }
                }
            }
            w = w.add(4);
        };
        for q in 0..quads {
            quad(core::array::from_fn(|r| {
                let from = t.x.add(r * t.x_stride + q * 4);
                spread(v128_load32_splat(from.cast()))
            }));
        }
        if left > 0 {
            quad(core::array::from_fn(|r| {
                let from = t.x.add(r * t.x_stride + quads * 4);
                spread(i32x4_splat(last_quad(from, left)))
            }));
        }

        let last = Last::new(&t.finish);
        for h in 0..H {
            let scale: *const v128 = t.scale.add(h * 8).cast();
            let scale = [v128_load(scale), v128_load(scale.add(1))];
            for (r, acc) in acc.iter().enumerate() {
                let to = t.y.wrapping_add(r * t.y_stride + h * 8);
                let count = t.channels.saturating_sub(h * 8);
                store_bytes(to, last.eight(acc[h], scale), count);
            }
        }
    }
}

type Kernel = unsafe fn(&Tile);

/// Kernels by rows.
const KERNELS: [Kernel; TILE_ROWS] = [tile::<1, 2>, tile::<2, 2>, tile::<3, 2>];

/// `rows` × [`Tile::channels`] of any size: channels outside, rows inside.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
pub(super) unsafe fn gemm(all: &Tile, rows: usize, _small: bool) {
    let block = all.k.div_ceil(4) * 64;
    for n in (0..all.channels).step_by(16) {
        let mut r = 0;
        while r < rows {
            let left = rows - r;
            let count = left.div_ceil(left.div_ceil(TILE_ROWS));
            // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
            unsafe {
                let t = Tile {
                    x: all.x.add(r * all.x_stride),
                    weights: all.weights.add(n / 16 * block),
                    bias: all.bias.add(n),
                    scale: all.scale.add(n),
                    y: all.y.add(r * all.y_stride + n),
                    channels: (all.channels - n).min(16),
                    ..*all
                };
                KERNELS[count - 1](&t);
            }
            r += count;
        }
    }
}
