//! Depthwise 3×3 and 5×5 windows that slide along lines, 16 channels at a time: each input column is widened once, for
//! several output lines.
//!
//! ```text
//! column x, one channel:    r0 r1 | r2 r3 | r4 r5      input rows under one another as i16, a pair an instruction
//! weights of output line 0: w0 w1 | w2 w3 | w4  0      5×5, stride 1
//!                        1:  0 w0 | w1 w2 | w3 w4
//! ```
//! The columns under a window are in a ring in the first cache. A line behind the last one is computed and thrown away.
//! Accumulator: i32, `taps · 128 · 255 + |bias| < 2³¹`; a pair of products is at most 2¹⁵.

use super::finish::Last;
use crate::params::DepthwiseI8;
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::layout::{BLOCK_N, padded_n};

/// Columns that the ring holds: a power of two, no less than a window is wide.
const RING: usize = 8;
/// Most input rows under a block of lines.
const ROWS: usize = 8;

/// Channels 0 … 7 and 8 … 15 of a pair of rows.
type Pair = [__m256i; 2];

/// A run of at most 16 channels of a depthwise convolution.
pub(super) struct Run<'a> {
    pub p: &'a DepthwiseI8<'a>,
    pub x: &'a [i8],
    /// Results of `rows`.
    pub y: *mut i8,
    pub rows: Range<usize>,
    /// First channel and channels: 16, or all of fewer.
    pub start: usize,
    pub count: usize,
}

/// Pairs of rows of 16 bytes as i16.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(a: __m128i, b: __m128i) -> Pair {
    [
        _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)),
        _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)),
    ]
}

/// Kernel for `K` × `K` windows of stride `S`, `LINES` (1 or 2) output lines at a time,
/// `PAIRS` = ⌈((LINES − 1) · S + K) / 2⌉.
///
/// # Safety
/// The CPU has the instructions; x, y and the parameters are as long as the window says; the window is `K` × `K` with
/// stride_w `S`, dilation_w 1, and stride_h `S` and dilation_h 1 too unless `LINES` is 1.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn columns<
    const K: usize,
    const S: usize,
    const LINES: usize,
    const PAIRS: usize,
>(
    run: &Run<'_>,
) {
    let (p, w) = (run.p, &run.p.window);
    let c = w.in_c as usize;
    let input_rows = (LINES - 1) * S + K;
    let last = Last::new(&p.finish);
    let zero = _mm256_setzero_si256();
    let (in_h, in_w) = (w.in_h as isize, w.in_w as isize);
    let (out_h, out_w) = (w.out_h as usize, w.out_w as usize);
    let (stride_h, dilation_h) = (w.stride_h as usize, w.dilation_h as usize);
    let border = [p.x_zero; BLOCK_N];
    let outside = _mm256_set1_epi16(i16::from(p.x_zero));
    // The last bytes of x, from where 16 cannot be read.
    let end = run.x.as_ptr_range();
    let end = run.x[run.x.len().saturating_sub(BLOCK_N - 1)..].as_ptr()..end.end;

    let mut weights = [[[[zero; 2]; LINES]; PAIRS]; K];
    for (j, weights) in weights.iter_mut().enumerate() {
        for (pair, weights) in weights.iter_mut().enumerate() {
            for (line, weights) in weights.iter_mut().enumerate() {
                let tap = |row: usize| match row.checked_sub(line * S) {
                    // SAFETY: a tap of the window; rows of weights are padded to 16 channels.
                    Some(i) if i < K => unsafe {
                        let at = (i * K + j) * padded_n(c) + run.start;
                        _mm_loadu_si128(p.weights.as_ptr().add(at).cast())
                    },
                    _ => _mm_setzero_si128(),
                };
                *weights = widen(tap(pair * 2), tap(pair * 2 + 1));
            }
        }
    }
    // SAFETY: padded to 16 channels.
    let (bias, scale) = unsafe {
        let bias: *const __m256i = p.bias.as_ptr().add(run.start).cast();
        let scale = p.scale.as_ptr().add(run.start);
        (
            [_mm256_loadu_si256(bias), _mm256_loadu_si256(bias.add(1))],
            [_mm256_loadu_ps(scale), _mm256_loadu_ps(scale.add(8))],
        )
    };

    let mut ring: [[Pair; PAIRS]; RING] = [[[outside; 2]; PAIRS]; RING];
    let mut row = run.rows.start;
    while row < run.rows.end {
        // Up to LINES whole output lines of a batch entry, or what is asked for of one line.
        let (first_x, first_y) = (row % out_w, row / out_w % out_h);
        let batch = row / out_w / out_h;
        let length = (out_w - first_x).min(run.rows.end - row);
        let lines = if length == out_w {
            ((run.rows.end - row) / out_w)
                .min(out_h - first_y)
                .min(LINES)
        } else {
            1
        };
        let left = (first_x * S) as isize - w.pad_left as isize;
        let top = (first_y * stride_h) as isize - w.pad_top as isize;
        // The input rows, and bytes between their columns: 0 for the border above and below.
        let mut from = [border.as_ptr(); ROWS];
        let mut step = [0; ROWS];
        for i in 0..input_rows {
            let y = top + (i * dilation_h) as isize;
            if y >= 0 && y < in_h && left < in_w {
                let pixel =
                    (batch * w.in_h as usize + y as usize) * w.in_w as usize + left.max(0) as usize;
                from[i] = run.x.as_ptr().wrapping_add(pixel * c + run.start);
                step[i] = c;
            }
        }
        let mut at = left;
        // The next column; the border left and right.
        let mut next = || -> [Pair; PAIRS] {
            let inside = at >= 0 && at < in_w;
            at += 1;
            if !inside {
                return [[outside; 2]; PAIRS];
            }
            let mut rows = [_mm_setzero_si128(); ROWS];
            for i in 0..input_rows {
                // SAFETY: pointers to a pixel of x and its channels, or to the border; 16 bytes are there unless the
                // pointer is to the last of x.
                rows[i] = unsafe {
                    if run.count < BLOCK_N && end.contains(&from[i]) {
                        let mut copy = [0i8; BLOCK_N];
                        core::ptr::copy_nonoverlapping(from[i], copy.as_mut_ptr(), run.count);
                        _mm_loadu_si128(copy.as_ptr().cast())
                    } else {
                        _mm_loadu_si128(from[i].cast())
                    }
                };
                from[i] = from[i].wrapping_add(step[i]);
            }
            let mut column = [[zero; 2]; PAIRS];
            for (pair, column) in column.iter_mut().enumerate() {
                // Behind the last row anything goes: its weight is 0.
                *column = widen(rows[pair * 2], rows[pair * 2 + 1]);
            }
            column
        };
        for ring in &mut ring[..K - S] {
            *ring = next();
        }
        let mut to = run.y.wrapping_add((row - run.rows.start) * c + run.start);
        for head in (0..length).map(|i| i * S) {
            for j in K - S..K {
                ring[(head + j) % RING] = next();
            }
            let mut acc = [bias; LINES];
            for (j, weights) in weights.iter().enumerate() {
                let column = &ring[(head + j) % RING];
                for (column, weights) in column.iter().zip(weights) {
                    for (acc, w) in acc.iter_mut().zip(weights) {
                        for half in 0..2 {
                            let products = _mm256_madd_epi16(column[half], w[half]);
                            acc[half] = _mm256_add_epi32(acc[half], products);
                        }
                    }
                }
            }
            let mut words = [zero; LINES];
            for (words, acc) in words.iter_mut().zip(&acc) {
                let q = [last.scaled(acc[0], scale[0]), last.scaled(acc[1], scale[1])];
                *words = last.words(q[0], q[1]);
            }
            let bytes = _mm256_packs_epi16(words[0], words[LINES - 1]);
            let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
            let bytes = _mm256_permutevar8x32_epi32(bytes, order);
            // SAFETY: pixels of y, and channels of them.
            unsafe {
                store(to, _mm256_castsi256_si128(bytes), run.count);
                if lines == 2 {
                    let below = _mm256_extracti128_si256::<1>(bytes);
                    store(to.add(out_w * c), below, run.count);
                }
            }
            to = to.wrapping_add(c);
        }
        row += length + (lines - 1) * out_w;
    }
}

/// Stores `count` bytes.
///
/// # Safety
/// They are writable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store(to: *mut i8, bytes: __m128i, count: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        match count {
            BLOCK_N => _mm_storeu_si128(to.cast(), bytes),
            8 => _mm_storel_epi64(to.cast(), bytes),
            _ => {
                let mut copy = [0i8; BLOCK_N];
                _mm_storeu_si128(copy.as_mut_ptr().cast(), bytes);
                core::ptr::copy_nonoverlapping(copy.as_ptr(), to, count);
            }
        }
    }
}
