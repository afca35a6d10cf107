//! Float convolution and dense product: tiles of `R` rows × `16 · B` channels over `[N/16][K][16]`.
//!
//! `acc = bias; acc = fma(x, w, acc)` over K in order: one accumulator an output, so the order is the definition's.
//! Tile: 6 × 16, 3 × 32 or 1 × 64 in at most 12 registers, one broadcast of x a row and K. Half-precision weights are
//! widened (exactly) on the way. Patches of windows that are not pointwise are packed first.

use super::patches::{Patch, Same};
use crate::geometry::pixel;
use crate::params::{ConvF32, FloatWeights, Part};
use core::arch::x86_64::*;
use core::mem::MaybeUninit;
use redpoll_plan::layout::{BLOCK_N, packed_f32_len, padded_n};

/// Elements of the buffer on the stack.
const BUFFER: usize = 16 * 1024;
/// Most rows packed at a time.
const MOST_ROWS: usize = 24;

#[repr(align(64))]
struct Buffer([MaybeUninit<f32>; BUFFER]);

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

/// Rows and channels of one tile, or of a whole product.
#[derive(Clone, Copy)]
struct Tile {
    x: *const f32,
    /// Elements between rows.
    x_stride: usize,
    k: usize,
    /// f32, or u16 of half precision.
    weights: *const u8,
    bias: *const f32,
    y: *mut f32,
    y_stride: usize,
    /// Channels to store.
    channels: usize,
    lo: f32,
    hi: f32,
}

/// One tile.
///
/// # Safety
/// The CPU has the instructions; the pointers of `t` are good for `R` rows, `K`, `B` blocks and `channels`, of which
/// there are more than `16 · (B − 1)`.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile<const R: usize, const B: usize, const HALF: bool>(t: &Tile) {
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
        for k in 0..t.k {
            let mut w = [[_mm256_setzero_ps(); 2]; B];
            for (b, w) in w.iter_mut().enumerate() {
                let from = t.weights.add((b * t.k + k) * BLOCK_N * element);
                *w = if HALF {
                    sixteen(from.cast())
                } else {
                    let from: *const f32 = from.cast();
                    [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))]
                };
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let x = _mm256_set1_ps(*t.x.add(r * t.x_stride + k));
                for (acc, w) in acc.iter_mut().zip(&w) {
                    acc[0] = _mm256_fmadd_ps(x, w[0], acc[0]);
                    acc[1] = _mm256_fmadd_ps(x, w[1], acc[1]);
                }
            }
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

type Kernel = unsafe fn(&Tile);

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

/// `rows` × [`Tile::channels`] of any size: channels outside, rows inside.
///
/// # Safety
/// As for a tile, with as many rows and channels as asked for.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn gemm(all: &Tile, rows: usize, half: bool) {
    let element = if half { 2 } else { 4 };
    let single = one_block(half);
    let mut n = 0;
    while n < all.channels {
        let left = (all.channels - n).div_ceil(BLOCK_N);
        // Few rows need more blocks to hide the latency of the multiplier.
        let (kernel, blocks): (Option<Kernel>, usize) = match (rows, left, half) {
            (1, 4.., false) => (Some(tile::<1, 4, false>), 4),
            (1, 4.., true) => (Some(tile::<1, 4, true>), 4),
            (2, 2.., false) => (Some(tile::<2, 2, false>), 2),
            (2, 2.., true) => (Some(tile::<2, 2, true>), 2),
            (3, 2.., false) => (Some(tile::<3, 2, false>), 2),
            (3, 2.., true) => (Some(tile::<3, 2, true>), 2),
            _ => (None, 1),
        };
        let mut r = 0;
        while r < rows {
            let count = match kernel {
                Some(_) => rows,
                None => (rows - r).div_ceil((rows - r).div_ceil(single.len())),
            };
            // SAFETY: n is the start of a block inside the channels, r a row inside the rows.
            unsafe {
                let t = Tile {
                    x: all.x.add(r * all.x_stride),
                    weights: all.weights.add(n * all.k * element),
                    bias: all.bias.add(n),
                    y: all.y.add(r * all.y_stride + n),
                    channels: (all.channels - n).min(blocks * BLOCK_N),
                    ..*all
                };
                kernel.unwrap_or(single[count - 1])(&t);
            }
            r += count;
        }
        n += blocks * BLOCK_N;
    }
}

/// See [`crate::scalar::conv::conv_f32`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn conv_f32(p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]) {
    let w = &p.window;
    let groups = p.groups.max(1);
    let (in_c, out_c) = (w.in_c as usize, w.out_c as usize);
    let (group_in, group_out) = (in_c / groups, out_c / groups);
    let k = w.taps() * group_in;
    let (rows, width) = (part.rows.len(), part.channels.len());
    if rows == 0 || width == 0 {
        return;
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(part.rows.end <= w.rows() && part.channels.end <= out_c);
    assert!(rows.checked_mul(width).is_some_and(|n| y.len() >= n));
    let (weights, length, half): (*const u8, usize, bool) = match p.weights {
        FloatWeights::F32(w) => (w.as_ptr().cast(), w.len(), false),
        FloatWeights::F16(w) => (w.as_ptr().cast(), w.len(), true),
    };
    assert!(length >= groups * packed_f32_len(group_out, k));
    assert!(p.bias.len() >= groups * padded_n(group_out));

    let pointwise = w.is_pointwise();
    let mut own = Buffer([MaybeUninit::uninit(); BUFFER]);
    // SAFETY: any bits may be written; what is written are f32.
    let (_, given, _) = unsafe { scratch.align_to_mut::<MaybeUninit<f32>>() };
    let buffer = if given.len() / k > BUFFER / k {
        given
    } else {
        &mut own.0[..]
    };
    let capacity = if pointwise {
        rows
    } else {
        (buffer.len() / k).min(MOST_ROWS)
    };
    assert!(capacity > 0, "scratch too small for a patch");

    let mut done = 0;
    while done < width {
        // Channels of one group.
        let channel = part.channels.start + done;
        let (group, n) = (channel / group_out, channel % group_out);
        let channels = (group_out - n).min(width - done);
        let packed = group * padded_n(group_out) + n;
        let patch = Patch {
            window: w,
            x,
            channel: group * group_in,
            channels: group_in,
            border: 0.0f32,
        };
        let mut row = 0;
        while row < rows {
            let left = rows - row;
            let count = left.div_ceil(left.div_ceil(capacity));
            let first = part.rows.start + row;
            let (from, x_stride) = if pointwise {
                (x[first * in_c + patch.channel..].as_ptr(), in_c)
            } else {
                for (r, to) in buffer.chunks_exact_mut(k).take(count).enumerate() {
                    patch.pack(&pixel(w, first + r), to, Same);
                }
                (buffer.as_ptr().cast(), k)
            };
            // SAFETY: the asserts above; packed is the start of a block (channels start at a multiple of 16 within a
            // group); `count` rows were packed or lie in x; y holds `rows` of `width`.
            unsafe {
                let all = Tile {
                    x: from,
                    x_stride,
                    k,
                    weights: weights.add(packed * k * if half { 2 } else { 4 }),
                    bias: p.bias.as_ptr().add(packed),
                    y: y.as_mut_ptr().add(row * width + done),
                    y_stride: width,
                    channels,
                    lo: p.lo,
                    hi: p.hi,
                };
                gemm(&all, count, half);
            }
            row += count;
        }
        done += channels;
    }
}
