//! Integer matrix product over packed weights with `smmla`: signed by signed, exact.
//!
//! ```text
//! weights, quads q and q + 1:   [c0: k0…3] [c1: k0…3] [c2] [c3]  and  [c0: k4…7] [c1: k4…7] [c2] [c3]
//! zip1, zip2 of words:          [c0: k0…7] [c1: k0…7]            and  [c2: k0…7] [c3: k0…7]
//! x, two rows:                  [r0: k0…7] [r1: k0…7]            one register a pair of rows
//! smmla:                        [r0·c0  r0·c1  r1·c0  r1·c1] +=  2 × 2 sums of 8 products, 4 × i32
//! ```
//! Tile: `2 · P` rows × 16 channels in `8 · P` registers; an odd last row is computed twice and stored once. A product
//! of one row is left to `sdot`, which wastes nothing there. Accumulator: i32, `|bias| + K · 128 · 255 < 2³¹`. `smmla`
//! has no stable intrinsic: one instruction of inline assembly.

use crate::aarch64::dotprod::gemm_i8::gemm as gemm_of_rows;
use crate::aarch64::neon::{Last, store_bytes};
use crate::product::{Tile, last_quad};
use core::arch::aarch64::*;
use core::arch::asm;

/// Pairs of rows of the largest tile.
const TILE_PAIRS: usize = 3;

/// `acc[2 r + c] + Σ x[8 r + i] · w[8 c + i]` over i of 0 to 7.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn smmla(mut acc: int32x4_t, x: int8x16_t, w: int8x16_t) -> int32x4_t {
    // SAFETY: registers only, and the function has the feature.
    unsafe {
        asm!(
            "smmla {acc:v}.4s, {x:v}.16b, {w:v}.16b",
            acc = inout(vreg) acc,
            x = in(vreg) x,
            w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}

/// Adds eight K of all pairs of rows; `second` is the block of the last four, zeros where there is none.
///
/// # Safety
/// `weights` is readable for a block of 64 bytes, or two if `BOTH`.
#[inline]
#[target_feature(enable = "neon,i8mm")]
unsafe fn eight<const P: usize, const BOTH: bool>(
    acc: &mut [[int32x4_t; 8]; P],
    weights: *const i8,
    x: &[int8x16_t; P],
) {
    for i in 0..4 {
        // SAFETY: as the caller promises.
        let (low, high) = unsafe {
            let low = vreinterpretq_s32_s8(vld1q_s8(weights.add(i * 16)));
            let high = if BOTH {
                vreinterpretq_s32_s8(vld1q_s8(weights.add(64 + i * 16)))
            } else {
                vdupq_n_s32(0)
            };
            (low, high)
        };
        let w = [vzip1q_s32(low, high), vzip2q_s32(low, high)].map(|w| vreinterpretq_s8_s32(w));
        for (acc, &x) in acc.iter_mut().zip(x) {
            acc[2 * i] = smmla(acc[2 * i], x, w[0]);
            acc[2 * i + 1] = smmla(acc[2 * i + 1], x, w[1]);
        }
    }
}

/// The last `count` (1 to 7) bytes of a row, zeros behind them.
///
/// # Safety
/// `from` is readable for them.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn last_eight(from: *const i8, count: usize) -> int8x8_t {
    // SAFETY: as the caller promises.
    let quad = |at: usize| unsafe {
        match count - at {
            0 => 0,
            1..4 => u64::from(last_quad(from.add(at), count - at).cast_unsigned()),
            _ => u64::from(from.add(at).cast::<u32>().read_unaligned()),
        }
    };
    vcreate_s8(if count > 4 {
        quad(0) | quad(4) << 32
    } else {
        quad(0)
    })
}

/// One tile of `2 · P` rows, or one fewer if `odd`.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for the rows, `k` and `channels` (weights, bias and scale
/// for 16).
#[target_feature(enable = "neon,dotprod,i8mm")]
unsafe fn tile<const P: usize>(t: &Tile, odd: bool) {
    let rows = 2 * P - usize::from(odd);
    // SAFETY: as the caller promises; the row beside an odd last one is that row again.
    unsafe {
        let start: [[*const i8; 2]; P] = core::array::from_fn(|p| {
            let second = (2 * p + 1).min(rows - 1);
            [t.x.add(2 * p * t.x_stride), t.x.add(second * t.x_stride)]
        });
        let mut acc = [[vdupq_n_s32(0); 8]; P];
        let mut w = t.weights;
        let mut k = 0;
        while k + 16 <= t.k {
            let mut x = [[vdupq_n_s64(0); 2]; P];
            for (x, rows) in x.iter_mut().zip(&start) {
                *x = rows.map(|row| vld1q_s64(row.add(k).cast()));
            }
            let low = x.map(|[a, b]| vreinterpretq_s8_s64(vzip1q_s64(a, b)));
            let high = x.map(|[a, b]| vreinterpretq_s8_s64(vzip2q_s64(a, b)));
            eight::<P, true>(&mut acc, w, &low);
            eight::<P, true>(&mut acc, w.add(128), &high);
            w = w.add(256);
            k += 16;
        }
        if k + 8 <= t.k {
            let x = start.map(|[a, b]| vcombine_s8(vld1_s8(a.add(k)), vld1_s8(b.add(k))));
            eight::<P, true>(&mut acc, w, &x);
            w = w.add(128);
            k += 8;
        }
        let left = t.k - k;
        if left > 0 {
            let x = start
                .map(|[a, b]| vcombine_s8(last_eight(a.add(k), left), last_eight(b.add(k), left)));
            if left > 4 {
                eight::<P, true>(&mut acc, w, &x);
            } else {
                eight::<P, false>(&mut acc, w, &x);
            }
        }

        let last = Last::new(&t.finish);
        let scale: [float32x4_t; 4] = core::array::from_fn(|i| vld1q_f32(t.scale.add(i * 4)));
        let bias: [int32x4_t; 4] = core::array::from_fn(|i| vld1q_s32(t.bias.add(i * 4)));
        for (p, acc) in acc.iter().enumerate() {
            let pair = |i: usize| {
                let a = vreinterpretq_s64_s32(acc[2 * i]);
                let b = vreinterpretq_s64_s32(acc[2 * i + 1]);
                [vzip1q_s64(a, b), vzip2q_s64(a, b)]
            };
            let sums = [pair(0), pair(1), pair(2), pair(3)];
            for half in 0..2 {
                let r = 2 * p + half;
                if r == rows {
                    return;
                }
                let sum = |i: usize| vaddq_s32(vreinterpretq_s32_s64(sums[i][half]), bias[i]);
                let low = last.eight([sum(0), sum(1)], [scale[0], scale[1]]);
                let high = last.eight([sum(2), sum(3)], [scale[2], scale[3]]);
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
}

type Kernel = unsafe fn(&Tile, bool);

/// Kernels by pairs of rows.
const KERNELS: [Kernel; TILE_PAIRS] = [tile::<1>, tile::<2>, tile::<3>];

/// `rows` × [`Tile::channels`] of any size: channels outside, rows inside.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
pub(super) unsafe fn gemm(all: &Tile, rows: usize, small: bool) {
    if rows == 1 {
        // SAFETY: as the caller promises.
        return unsafe { gemm_of_rows(all, rows, small) };
    }
    let block = all.k.div_ceil(4) * 64;
    for n in (0..all.channels).step_by(16) {
        let mut r = 0;
        while r < rows {
            let left = rows - r;
            let tiles = left.div_ceil(2 * TILE_PAIRS);
            let count = left.div_ceil(tiles).next_multiple_of(2).min(left);
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
                KERNELS[count.div_ceil(2) - 1](&t, count % 2 == 1);
            }
            r += count;
        }
    }
}
