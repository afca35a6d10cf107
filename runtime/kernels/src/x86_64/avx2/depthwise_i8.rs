//! Integer depthwise convolution: 16 channels at a time, two taps an instruction, exact. Windows of 3×3 and 5×5 slide along
//! lines (`columns.rs`), others come here.
//!
//! ```text
//! taps a, b of 16 channels, widened:   a0 … a15    b0 … b15
//! interleaved:                         a0 b0 a1 b1 a2 b2 a3 b3 | a8 b8 …    (and 4 … 7 | 12 … 15)
//! vpmaddwd with weights like that:     a0 · w + b0 · w', …                   8 × i32
//! ```
//! Weights are interleaved once for a run of 64 channels. Accumulator: i32, `taps · 128 · 255 + |bias| < 2³¹`. The
//! last channels are computed in a block that overlaps the one before; fewer than 16 go through a copy.

use super::columns::{self, columns};
use crate::params::DepthwiseI8;
use crate::scalar;
use crate::taps::{MOST_TAPS, RUN, Walk};
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::layout::{BLOCK_N, padded_n};

/// Pairs of taps whose weights are held.
const PAIRS: usize = MOST_TAPS / 2;
/// Blocks of a run of channels.
const BLOCKS: usize = RUN / BLOCK_N;

/// Sixteen channels as i16; of less than 16 the others are what follows, and only `count` are read where `from` is in `end`.
///
/// # Safety
/// `from` is readable for 16 bytes, or for `count` if it is in `end` and not `FULL`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load<const FULL: bool>(from: *const i8, count: usize, end: &Range<*const i8>) -> __m256i {
    // SAFETY: as the caller promises.
    let bytes = unsafe {
        if FULL || !end.contains(&from) {
            _mm_loadu_si128(from.cast())
        } else {
            let mut copy = [0i8; BLOCK_N];
            core::ptr::copy_nonoverlapping(from, copy.as_mut_ptr(), count);
            _mm_loadu_si128(copy.as_ptr().cast())
        }
    };
    _mm256_cvtepi8_epi16(bytes)
}

/// Channels 0–3, 8–11 and 4–7, 12–15, as interleaving leaves them.
#[inline]
#[target_feature(enable = "avx2")]
fn halves(low: __m256i, high: __m256i) -> [__m256i; 2] {
    [
        _mm256_permute2x128_si256::<0x20>(low, high),
        _mm256_permute2x128_si256::<0x31>(low, high),
    ]
}

/// A block of 16 channels: where it starts in its run, and its numbers in the order of [`halves`].
#[derive(Clone, Copy)]
struct Block {
    at: usize,
    bias: [__m256i; 2],
    scale: [__m256; 2],
    weights: [[__m256i; 2]; PAIRS],
}

impl Block {
    /// # Safety
    /// `first` is the first channel of the block, the slices of `p` are as long as the layout says.
    #[target_feature(enable = "avx2")]
    unsafe fn new(p: &DepthwiseI8<'_>, start: usize, at: usize) -> Self {
        let first = start + at;
        let stride = padded_n(p.window.in_c as usize);
        let taps = p.window.taps();
        let zero = _mm256_setzero_si256();
        let mut weights = [[zero; 2]; PAIRS];
        // SAFETY: first + 16 is at most the padded length of a row; taps behind the last have no weight.
        unsafe {
            let bias: *const __m256i = p.bias.as_ptr().add(first).cast();
            let scale: *const __m256i = p.scale.as_ptr().add(first).cast();
            for (pair, out) in weights[..taps.div_ceil(2)].iter_mut().enumerate() {
                let tap = |tap: usize| {
                    let row = p.weights.as_ptr().add(tap * stride + first);
                    _mm256_cvtepi8_epi16(_mm_loadu_si128(row.cast()))
                };
                let a = tap(pair * 2);
                let b = if pair * 2 + 1 < taps {
                    tap(pair * 2 + 1)
                } else {
                    zero
                };
                *out = [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
            }
            let scale = halves(_mm256_loadu_si256(scale), _mm256_loadu_si256(scale.add(1)));
            Self {
                at,
                bias: halves(_mm256_loadu_si256(bias), _mm256_loadu_si256(bias.add(1))),
                scale: scale.map(|s| _mm256_castsi256_ps(s)),
                weights,
            }
        }
    }
}

/// All rows of a run of channels.
///
/// # Safety
/// The CPU has the instructions; sizes as asserted by [`depthwise_i8`]; `FULL` if there are at least 16 channels.
#[target_feature(enable = "avx2,fma")]
unsafe fn run<const FULL: bool>(
    p: &DepthwiseI8<'_>,
    x: &[i8],
    y: &mut [i8],
    rows: &Range<usize>,
    start: usize,
) {
    let c = p.window.in_c as usize;
    let count = (c - start).min(RUN);
    // The last block starts early enough to be whole, even before this run.
    let (start, count) = if FULL && count < BLOCK_N {
        (c - BLOCK_N, BLOCK_N)
    } else {
        (start, count)
    };
    // SAFETY: every block is whole, or (c < 16) the only one, padded.
    let blocks: [Block; BLOCKS] = core::array::from_fn(|b| unsafe {
        let at = if FULL {
            (b * BLOCK_N).min(count - BLOCK_N)
        } else {
            0
        };
        Block::new(p, start, at)
    });
    let used = count.div_ceil(BLOCK_N);
    let taps = p.window.taps();
    let f = &p.finish;
    let lo = _mm256_set1_ps((f.lo - f.y_zero) as f32);
    let hi = _mm256_set1_ps((f.hi - f.y_zero) as f32);
    let y_zero = _mm256_set1_epi32(f.y_zero);
    let border = [p.x_zero; RUN];
    // The last bytes of x, from where 16 cannot be read.
    let all = x.as_ptr_range();
    let end = x[x.len().saturating_sub(BLOCK_N - 1)..].as_ptr()..all.end;
    let mut walk = Walk::new(&p.window, x[start..].as_ptr(), &border, rows);
    for pixel in 0..rows.len() {
        walk.next();
        for block in &blocks[..used] {
            // SAFETY: taps point to pixels of x or to the border, both readable for this run's channels from `start`;
            // y holds `rows` of c channels.
            unsafe {
                let mut acc = block.bias;
                for (from, w) in walk.from[..taps].chunks(2).zip(&block.weights) {
                    let a = load::<FULL>(from[0].add(block.at), count, &end);
                    let b = match from.get(1) {
                        Some(from) => load::<FULL>(from.add(block.at), count, &end),
                        None => _mm256_setzero_si256(),
                    };
                    let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w[0]);
                    let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w[1]);
                    acc = [
                        _mm256_add_epi32(acc[0], low),
                        _mm256_add_epi32(acc[1], high),
                    ];
                }
                for (acc, &scale) in acc.iter_mut().zip(&block.scale) {
                    let v = _mm256_mul_ps(_mm256_cvtepi32_ps(*acc), scale);
                    let v = _mm256_min_ps(_mm256_max_ps(v, lo), hi);
                    *acc = _mm256_add_epi32(_mm256_cvtps_epi32(v), y_zero);
                }
                let words = _mm256_packs_epi32(acc[0], acc[1]);
                let bytes = _mm256_packs_epi16(words, words);
                let bytes = _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b10_00>(bytes));
                let to = y.as_mut_ptr().add(pixel * c + start + block.at);
                // What is written behind the channels of a pixel, the next pixels overwrite.
                if FULL || pixel * c + BLOCK_N <= rows.len() * c {
                    _mm_storeu_si128(to.cast(), bytes);
                } else {
                    let mut copy = [0i8; BLOCK_N];
                    _mm_storeu_si128(copy.as_mut_ptr().cast(), bytes);
                    core::ptr::copy_nonoverlapping(copy.as_ptr(), to, count);
                }
            }
        }
    }
}

/// The definition, compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
fn again(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    scalar::depthwise::depthwise_i8(p, x, y, rows);
}

/// See [`crate::scalar::depthwise::depthwise_i8`]: the same bits.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx2,fma")]
pub(super) fn depthwise_i8(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() || c == 0 {
        return;
    }
    if w.taps() > MOST_TAPS {
        return again(p, x, y, rows);
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));
    assert!(p.weights.len() >= w.taps() * padded_n(c));
    assert!(p.bias.len() >= padded_n(c) && p.scale.len() >= padded_n(c));
    if w.dilation_w == 1 && w.kernel_h == w.kernel_w {
        let plain = w.dilation_h == 1 && w.stride_h == w.stride_w;
        let kernel: Option<unsafe fn(&columns::Run<'_>)> = match (w.kernel_w, w.stride_w, plain) {
            (3, 1, true) => Some(columns::<3, 1, 2, 2>),
            (3, 1, false) => Some(columns::<3, 1, 1, 2>),
            (3, 2, _) => Some(columns::<3, 2, 1, 2>),
            (5, 1, true) => Some(columns::<5, 1, 2, 3>),
            (5, 2, true) => Some(columns::<5, 2, 2, 4>),
            _ => None,
        };
        if let Some(kernel) = kernel {
            for start in (0..c).step_by(BLOCK_N) {
                let run = columns::Run {
                    p,
                    x,
                    y: y.as_mut_ptr(),
                    rows: rows.clone(),
                    // The last run overlaps the one before.
                    start: start.min(c.saturating_sub(BLOCK_N)),
                    count: c.min(BLOCK_N),
                };
                // SAFETY: the asserts above.
                unsafe { kernel(&run) };
            }
            return;
        }
    }
    for start in (0..c).step_by(RUN) {
        // SAFETY: the asserts above.
        unsafe {
            match c >= BLOCK_N {
                true => run::<true>(p, x, y, &rows, start),
                false => run::<false>(p, x, y, &rows, start),
            }
        }
    }
}
