//! Float matrix product over `[N/16][K][16]`: tiles of `R` rows × 16 channels.
//!
//! ```text
//! weights, one K:   w(k, channel 0 … 15)      four registers
//! x, one row:       four consecutive K        one register, a K is a lane
//! fmla by lane:     acc[channel] = fma(x, w, acc), 4 × f32
//! ```
//! `acc = bias; acc = fma(x, w, acc)` over K in order: one accumulator an output, so the order is the definition's.
//! Tile: 5 × 16 in 20 registers, four K a turn. Half-precision weights are widened (exactly) on the way.

use super::float::{clamp, sixteen, store};
use core::arch::aarch64::*;
use redpoll_plan::layout::BLOCK_N;

/// Rows of the largest tile.
pub(super) const TILE_ROWS: usize = 5;

/// Rows and channels of one tile, or of a whole product.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub x: *const f32,
    /// Elements between rows.
    pub x_stride: usize,
    pub k: usize,
    /// f32, or u16 of half precision.
    pub weights: *const u8,
    pub bias: *const f32,
    pub y: *mut f32,
    pub y_stride: usize,
    /// Channels to store.
    pub channels: usize,
    pub lo: f32,
    pub hi: f32,
}

/// Multiplies the weights of one K by lane `LANE` of x.
///
/// # Safety
/// `weights` is readable for 16 elements.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn one<const LANE: i32, const R: usize, const HALF: bool>(
    acc: &mut [[float32x4_t; 4]; R],
    weights: *const u8,
    x: &[float32x4_t; R],
) {
    // SAFETY: as the caller promises.
    let w = unsafe { sixteen::<HALF>(weights) };
    for (acc, &x) in acc.iter_mut().zip(x) {
        for (acc, &w) in acc.iter_mut().zip(&w) {
            *acc = vfmaq_laneq_f32::<LANE>(*acc, w, x);
        }
    }
}

/// One tile.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for `R` rows, `k` and `channels` (weights and bias for 16).
#[target_feature(enable = "neon")]
unsafe fn tile<const R: usize, const HALF: bool>(t: &Tile) {
    let step = BLOCK_N * if HALF { 2 } else { 4 };
    // SAFETY: as the caller promises; a turn of four K reads 16 bytes of x that are inside the row.
    unsafe {
        let bias: [float32x4_t; 4] = core::array::from_fn(|i| vld1q_f32(t.bias.add(i * 4)));
        let mut acc = [bias; R];
        let mut w = t.weights;
        let mut k = 0;
        while k + 4 <= t.k {
            let x = core::array::from_fn(|r| vld1q_f32(t.x.add(r * t.x_stride + k)));
            one::<0, R, HALF>(&mut acc, w, &x);
            one::<1, R, HALF>(&mut acc, w.add(step), &x);
            one::<2, R, HALF>(&mut acc, w.add(2 * step), &x);
            one::<3, R, HALF>(&mut acc, w.add(3 * step), &x);
            w = w.add(4 * step);
            k += 4;
        }
        while k < t.k {
            let x = core::array::from_fn(|r| vdupq_n_f32(*t.x.add(r * t.x_stride + k)));
            one::<0, R, HALF>(&mut acc, w, &x);
            w = w.add(step);
            k += 1;
        }
        let (lo, hi) = (vdupq_n_f32(t.lo), vdupq_n_f32(t.hi));
        for (r, acc) in acc.iter().enumerate() {
            let v = acc.map(|v| clamp(v, lo, hi));
            store(t.y.add(r * t.y_stride), v, t.channels);
        }
    }
}

type Kernel = unsafe fn(&Tile);

/// Kernels by rows.
fn kernels(half: bool) -> &'static [Kernel; TILE_ROWS] {
    macro_rules! rows {
        ($half:literal) => {
            &[
                tile::<1, $half> as Kernel,
                tile::<2, $half>,
                tile::<3, $half>,
                tile::<4, $half>,
                tile::<5, $half>,
            ]
        };
    }
    if half { rows!(true) } else { rows!(false) }
}

/// `rows` × [`Tile::channels`] of any size: channels outside, rows inside.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
pub(super) unsafe fn gemm(all: &Tile, rows: usize, half: bool) {
    let kernels = kernels(half);
    let block = all.k * if half { 2 } else { 4 };
    for n in (0..all.channels).step_by(BLOCK_N) {
        let mut r = 0;
        while r < rows {
            let left = rows - r;
            let count = left.div_ceil(left.div_ceil(TILE_ROWS));
            // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
            unsafe {
                let t = Tile {
                    x: all.x.add(r * all.x_stride),
                    weights: all.weights.add(n * block),
                    bias: all.bias.add(n),
                    y: all.y.add(r * all.y_stride + n),
                    channels: (all.channels - n).min(BLOCK_N),
                    ..*all
                };
                kernels[count - 1](&t);
            }
            r += count;
        }
    }
}
