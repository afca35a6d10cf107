//! Integer matrix product over packed weights with `sdot`: signed by signed, exact.
//!
//! ```text
//! weights, a quad of K:   [channel 0: k0 k1 k2 k3] … [channel 3: …]     one register, four of them a block of 16
//! x, one row:             four quads of K                               one register, a quad is a lane
//! sdot by lane:           acc[channel] += k0·k0 + k1·k1 + k2·k2 + k3·k3 4 × i32
//! ```
//! Tile: `R` rows × 16 channels in `4 · R` registers, four quads a turn. Accumulator: i32,
//! `|bias| + K · 128 · 255 < 2³¹`. `sdot` has no stable intrinsic: one instruction of inline assembly.

use crate::aarch64::neon::{Last, store_bytes};
use crate::product::{Tile, last_quad};
use core::arch::aarch64::*;
use core::arch::asm;

/// Rows of the largest tile.
const TILE_ROWS: usize = 5;

/// `acc[c] + Σ w[4 c + i] · x[4 LANE + i]` over i of 0 to 3.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot<const LANE: usize>(mut acc: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: registers only, and the function has the feature.
    unsafe {
        asm!(
            "sdot {acc:v}.4s, {w:v}.16b, {x:v}.4b[{lane}]",
            acc = inout(vreg) acc,
            w = in(vreg) w,
            x = in(vreg) x,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}

/// Adds a quad of K of all rows, lane `LANE` of x.
///
/// # Safety
/// `weights` is readable for a block of 64 bytes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn quad<const LANE: usize, const R: usize>(
    acc: &mut [[int32x4_t; 4]; R],
    weights: *const i8,
    x: &[int8x16_t; R],
) {
    // SAFETY: as the caller promises.
    let w: [int8x16_t; 4] = core::array::from_fn(|i| unsafe { vld1q_s8(weights.add(i * 16)) });
    for (acc, &x) in acc.iter_mut().zip(x) {
        for (acc, &w) in acc.iter_mut().zip(&w) {
            *acc = sdot::<LANE>(*acc, w, x);
        }
    }
}

/// One tile.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for `R` rows, `k` and `channels` (weights, bias and scale
/// for 16).
#[target_feature(enable = "neon,dotprod")]
unsafe fn tile<const R: usize>(t: &Tile) {
    let (quads, left) = (t.k / 4, t.k % 4);
    // SAFETY: as the caller promises; a turn of four quads reads 16 bytes of x that are inside the row.
    unsafe {
        let bias: [int32x4_t; 4] = core::array::from_fn(|i| vld1q_s32(t.bias.add(i * 4)));
        let mut acc = [bias; R];
        let mut w = t.weights;
        let mut q = 0;
        while q + 4 <= quads {
            let x = core::array::from_fn(|r| vld1q_s8(t.x.add(r * t.x_stride + q * 4)));
            quad::<0, R>(&mut acc, w, &x);
            quad::<1, R>(&mut acc, w.add(64), &x);
            quad::<2, R>(&mut acc, w.add(128), &x);
            quad::<3, R>(&mut acc, w.add(192), &x);
            w = w.add(256);
            q += 4;
        }
        let broadcast = |quad: i32| vreinterpretq_s8_s32(vdupq_n_s32(quad));
        while q < quads {
            let x = core::array::from_fn(|r| {
                let from = t.x.add(r * t.x_stride + q * 4).cast::<i32>();
                broadcast(from.read_unaligned())
            });
            quad::<0, R>(&mut acc, w, &x);
            w = w.add(64);
            q += 1;
        }
        if left > 0 {
            let x = core::array::from_fn(|r| {
                broadcast(last_quad(t.x.add(r * t.x_stride + q * 4), left))
            });
            quad::<0, R>(&mut acc, w, &x);
        }

        let last = Last::new(&t.finish);
        let scale: [float32x4_t; 4] = core::array::from_fn(|i| vld1q_f32(t.scale.add(i * 4)));
        for (r, acc) in acc.iter().enumerate() {
            let low = last.eight([acc[0], acc[1]], [scale[0], scale[1]]);
            let high = last.eight([acc[2], acc[3]], [scale[2], scale[3]]);
            let to = t.y.add(r * t.y_stride);
            if t.channels >= 16 {
                vst1q_s8(to, vcombine_s8(low, high));
            } else {
                store_bytes(to, low, t.channels);
                store_bytes(to.wrapping_add(8), high, t.channels.saturating_sub(8));
            }
        }
    }
}

type Kernel = unsafe fn(&Tile);

/// Kernels by rows.
const KERNELS: [Kernel; TILE_ROWS] = [tile::<1>, tile::<2>, tile::<3>, tile::<4>, tile::<5>];

/// `rows` × [`Tile::channels`] of any size: channels outside, rows inside.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
pub(in crate::aarch64) unsafe fn gemm(all: &Tile, rows: usize, _small: bool) {
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
