//! Integer matrix product over packed weights with plain NEON: exact, nothing wraps on the way.
//!
//! ```text
//! weights, a quad of K:   [channel 0: k0 k1 k2 k3] … [channel 3: …]     one register, four of them a block of 16
//! x, one row, the quad:   k0 k1 k2 k3 repeated four times               one register
//! smull, smull2:          products of two channels each                 8 × i16
//! sadalp:                 k0·k0 + k1·k1, k2·k2 + k3·k3 a channel        added to 4 × i32
//! ```
//! Accumulators hold two partial sums a channel, added once at the end. Where no weight is −128, two quads are summed
//! in 16 bits (`smull`, `smlal`: at most 2 · 127 · 128 = 32,512) before they are widened. Tile: `R` rows × `8 · H`
//! channels in `4 · R · H` registers (4 × 8 or 2 × 16). Accumulator bound: `|bias| + K · 128 · 255 < 2³¹`.

use super::finish::{Last, store_bytes};
use crate::product::{Tile, last_quad};
use core::arch::aarch64::*;

/// Products of a quad of K: the weights of four channels with x.
#[inline]
#[target_feature(enable = "neon")]
fn multiply(w: int8x16_t, x: int8x16_t) -> [int16x8_t; 2] {
    [
        vmull_s8(vget_low_s8(w), vget_low_s8(x)),
        vmull_high_s8(w, x),
    ]
}

/// One tile; `PAIRS` only if no weight is −128.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for `R` rows, `k` and `channels` (weights, bias and scale
/// for `8 · H`).
#[target_feature(enable = "neon")]
unsafe fn tile<const R: usize, const H: usize, const PAIRS: bool>(t: &Tile) {
    let (quads, left) = (t.k / 4, t.k % 4);
    // SAFETY: as the caller promises.
    unsafe {
        let mut acc = [[[vdupq_n_s32(0); 4]; H]; R];
        let load = |quad: usize, h: usize| {
            let from = t.weights.add(quad * 64 + h * 32);
            [vld1q_s8(from), vld1q_s8(from.add(16))]
        };
        let row = |r: usize, quad: usize| {
            let from = t.x.add(r * t.x_stride + quad * 4).cast::<i32>();
            vreinterpretq_s8_s32(vdupq_n_s32(from.read_unaligned()))
        };
        let mut q = 0;
        if PAIRS {
            while q + 2 <= quads {
                for h in 0..H {
                    let (w, v) = (load(q, h), load(q + 1, h));
                    for (r, acc) in acc.iter_mut().enumerate() {
                        let (x, z) = (row(r, q), row(r, q + 1));
                        for i in 0..2 {
                            let [low, high] = multiply(w[i], x);
                            let low = vmlal_s8(low, vget_low_s8(v[i]), vget_low_s8(z));
                            let high = vmlal_high_s8(high, v[i], z);
                            acc[h][2 * i] = vpadalq_s16(acc[h][2 * i], low);
                            acc[h][2 * i + 1] = vpadalq_s16(acc[h][2 * i + 1], high);
                        }
                    }
                }
                q += 2;
            }
        }
        let mut one = |q: usize, x: [int8x16_t; R]| {
            for h in 0..H {
                let w = load(q, h);
                for (acc, &x) in acc.iter_mut().zip(&x) {
                    for i in 0..2 {
                        let [low, high] = multiply(w[i], x);
                        acc[h][2 * i] = vpadalq_s16(acc[h][2 * i], low);
                        acc[h][2 * i + 1] = vpadalq_s16(acc[h][2 * i + 1], high);
                    }
                }
            }
        };
        while q < quads {
            one(q, core::array::from_fn(|r| row(r, q)));
            q += 1;
        }
        if left > 0 {
            let x = core::array::from_fn(|r| {
                let quad = last_quad(t.x.add(r * t.x_stride + quads * 4), left);
                vreinterpretq_s8_s32(vdupq_n_s32(quad))
            });
            one(quads, x);
        }

        let last = Last::new(&t.finish);
        for h in 0..H {
            let (bias, scale) = (t.bias.add(h * 8), t.scale.add(h * 8));
            let bias = [vld1q_s32(bias), vld1q_s32(bias.add(4))];
            let scale = [vld1q_f32(scale), vld1q_f32(scale.add(4))];
            for (r, acc) in acc.iter().enumerate() {
                let acc = &acc[h];
                let sums = [
                    vaddq_s32(vpaddq_s32(acc[0], acc[1]), bias[0]),
                    vaddq_s32(vpaddq_s32(acc[2], acc[3]), bias[1]),
                ];
                let to = t.y.wrapping_add(r * t.y_stride + h * 8);
                let count = t.channels.saturating_sub(h * 8);
                store_bytes(to, last.eight(sums, scale), count);
            }
        }
    }
}

type Kernel = unsafe fn(&Tile);

/// Kernels of half a block and of a whole one, by rows.
fn kernels(pairs: bool) -> (&'static [Kernel], &'static [Kernel]) {
    macro_rules! rows {
        ($pairs:literal) => {
            (
                &[
                    tile::<1, 1, $pairs> as Kernel,
                    tile::<2, 1, $pairs>,
                    tile::<3, 1, $pairs>,
                    tile::<4, 1, $pairs>,
                ],
                &[tile::<1, 2, $pairs> as Kernel, tile::<2, 2, $pairs>],
            )
        };
    }
    if pairs { rows!(true) } else { rows!(false) }
}

/// `rows` × [`Tile::channels`] of any size: channels outside, rows inside. `small` if no weight is −128.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
pub(in crate::aarch64) unsafe fn gemm(all: &Tile, rows: usize, small: bool) {
    let (half, whole) = kernels(small);
    let (kernels, step) = if rows > 2 { (half, 8) } else { (whole, 16) };
    let block = all.k.div_ceil(4) * 64;
    for n in (0..all.channels).step_by(step) {
        let mut r = 0;
        while r < rows {
            let left = rows - r;
            let count = left.div_ceil(left.div_ceil(kernels.len()));
            // SAFETY: n is a block or the half of one inside the channels, r a row inside the rows.
            unsafe {
                let t = Tile {
                    x: all.x.add(r * all.x_stride),
                    weights: all.weights.add(n / 16 * block + n % 16 * 4),
                    bias: all.bias.add(n),
                    scale: all.scale.add(n),
                    y: all.y.add(r * all.y_stride + n),
                    channels: (all.channels - n).min(step),
                    ..*all
                };
                kernels[count - 1](&t);
            }
            r += count;
        }
    }
}
