//! Depthwise 3×3 and 5×5 windows that slide along lines: each input column is interleaved once, for several output lines.
//!
//! ```text
//! column x, one channel:    r0 r1 r2 r3 | r4 r5 r6 r7      input rows under one another: one dword a set of four
//! weights of output line 0: w0 w1 w2 w3 | w4  0  0  0      5×5, stride 1: four lines share the column, each with its
//!                        1:  0 w0 w1 w2 | w3 w4  0  0      weights further down
//!                        2:  0  0 w0 w1 | w2 w3 w4  0
//!                        3:  0  0  0 w0 | w1 w2 w3 w4
//! ```
//! | window | lines | sets | per 64 results: interleavings, vpdpbusd |
//! |---|---|---|---|
//! | 3×3, stride 1 | 2 | 1 | ½, 12 |
//! | 3×3, stride 2 | 1 | 1 | 2, 12 |
//! | 5×5, stride 1 | 4 or 2 | 2 | ½ or 1, 40 |
//! | 5×5, stride 2 | 2 | 2 | 2, 40 |
//!
//! The columns under a window stay in registers (3×3) or in a ring in the first cache. With `P` pixels in a register they
//! are those of `P` blocks of lines one under another. Lines behind the last one are computed and thrown away.

use super::depthwise_i8::Run;
use super::epilogue::Last;
use super::lanes::{Channels, interleave};
use core::arch::x86_64::*;

/// The dwords of one set of a column, in the order of [`interleave`].
type Quad = [__m512i; 4];

/// Columns that the ring holds: a power of two, no less than a window is wide.
const RING: usize = 8;

/// Input rows under a block of lines of each lane, and how far along they are.
struct Source<const P: usize> {
    from: [[*const i8; P]; 8],
    /// Bytes between columns; 0 for the border above and below.
    step: [[usize; P]; 8],
    /// Next column.
    at: isize,
}

/// Where results go: a line of each lane, or nowhere.
#[derive(Clone, Copy)]
struct Target<const P: usize> {
    to: [*mut i8; P],
    /// Bytes between pixels, 0 for lines that are thrown away.
    step: [usize; P],
}

/// Kernel for `K` × `K` windows of stride `S`, `LINES` output lines at a time, `SETS` = ⌈((LINES − 1) · S + K) / 4⌉.
/// Scales are small (see `epilogue.rs`).
///
/// # Safety
/// The CPU has the instructions; the slices are as long as the parameters say; the window is `K` × `K` with stride_w `S`,
/// dilation_w 1, and stride_h `S` and dilation_h 1 too unless `LINES` is 1.
// Indices say which tap, set and line meet.
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn columns<
    const P: usize,
    const FULL: bool,
    const K: usize,
    const S: usize,
    const LINES: usize,
    const SETS: usize,
>(
    run: &Run<'_>,
) {
    let (p, w) = (run.p, &run.p.window);
    let c = w.in_c as usize;
    let input_rows = (LINES - 1) * S + K;
    let channels = Channels::<P, FULL>::new(run.count);
    let zero = _mm512_setzero_si512();
    let sign = _mm512_set1_epi8(i8::MIN);
    let outside = _mm512_set1_epi8(p.x_zero ^ i8::MIN);
    let last = Last::new(&p.finish);
    let order = run.order::<P>();
    let (in_h, in_w) = (w.in_h as isize, w.in_w as isize);
    let (out_h, out_w) = (w.out_h as usize, w.out_w as usize);
    let (stride_h, dilation_h) = (w.stride_h as usize, w.dilation_h as usize);

    let mut weights = [[[[zero; LINES]; SETS]; K]; 4];
    for j in 0..K {
        let mut first: [Quad; SETS] = [[zero; 4]; SETS];
        for (t, first) in first.iter_mut().enumerate() {
            let mut quad = [zero; 4];
            for (i, quad) in quad.iter_mut().enumerate() {
                if t * 4 + i < K {
                    // SAFETY: a tap of the window.
                    *quad = unsafe { run.weights::<P>((t * 4 + i) * K + j) };
                }
            }
            *first = interleave(quad);
        }
        for line in 0..LINES {
            let (whole, bits) = (line * S / 4, (line * S % 4 * 8) as i64);
            let (up, down) = (_mm_cvtsi64_si128(bits), _mm_cvtsi64_si128(32 - bits));
            for t in whole..SETS {
                for i in 0..4 {
                    let mut v = _mm512_sll_epi32(first[t - whole][i], up);
                    if t > whole {
                        let below = _mm512_srl_epi32(first[t - whole - 1][i], down);
                        v = _mm512_or_si512(v, below);
                    }
                    weights[i][j][t][line] = v;
                }
            }
        }
    }

    let mut nowhere = [0i8; 64];
    let nowhere = nowhere.as_mut_ptr();
    let mut ring: [[Quad; SETS]; RING] = [[[zero; 4]; SETS]; RING];
    let mut row = run.rows.start;
    while row < run.rows.end {
        // Up to P blocks of whole output lines of a batch entry, or what is asked for of one line.
        let (first_x, first_y) = (row % out_w, row / out_w % out_h);
        let batch = row / out_w / out_h;
        let length = (out_w - first_x).min(run.rows.end - row);
        let lines = if length == out_w {
            let left = (run.rows.end - row) / out_w;
            left.min(out_h - first_y).min(P * LINES)
        } else {
            1
        };
        let left = (first_x * S) as isize - w.pad_left as isize;
        let mut source = Source::<P> {
            from: [[run.border.as_ptr(); P]; 8],
            step: [[0; P]; 8],
            at: left,
        };
        let mut target = [Target {
            to: [nowhere; P],
            step: [0; P],
        }; LINES];
        for lane in 0..P {
            for (line, target) in target.iter_mut().enumerate() {
                let line = lane * LINES + line;
                if line < lines {
                    let pixel = row - run.rows.start + line * out_w;
                    // SAFETY: a pixel of y, and channels of it.
                    target.to[lane] = unsafe { run.y.add(pixel * c + run.start) };
                    target.step[lane] = c;
                }
            }
            if lane * LINES >= lines {
                continue;
            }
            let top = ((first_y + lane * LINES) * stride_h) as isize - w.pad_top as isize;
            for i in 0..input_rows {
                let y = top + (i * dilation_h) as isize;
                if y >= 0 && y < in_h && left < in_w {
                    let pixel = (batch * w.in_h as usize + y as usize) * w.in_w as usize
                        + left.max(0) as usize;
                    // SAFETY: a pixel of x, and channels of it.
                    source.from[i][lane] = unsafe { run.x.add(pixel * c + run.start) };
                    source.step[i][lane] = c;
                }
            }
        }

        // The next column; the border left and right.
        let mut next = || -> [Quad; SETS] {
            let at = source.at;
            source.at += 1;
            if at < 0 || at >= in_w {
                return [[outside; 4]; SETS];
            }
            let mut taps = [[zero; 4]; SETS];
            for i in 0..SETS * 4 {
                // Behind the last row anything goes: its weight is 0.
                let row = i.min(input_rows - 1);
                taps[i / 4][i % 4] = if i > row {
                    taps[row / 4][row % 4]
                } else {
                    // SAFETY: pointers to a pixel of x, or to the border.
                    let v = _mm512_xor_si512(unsafe { channels.load(source.from[i]) }, sign);
                    for (from, &step) in source.from[i].iter_mut().zip(&source.step[i]) {
                        *from = from.wrapping_add(step);
                    }
                    v
                };
            }
            let mut column = [[zero; 4]; SETS];
            for (column, taps) in column.iter_mut().zip(taps) {
                *column = interleave(taps);
            }
            column
        };

        let mut held: [[Quad; SETS]; K] = [[[zero; 4]; SETS]; K];
        let mut head = 0;
        for j in 0..K - S {
            let column = next();
            if K == 3 {
                held[j + S] = column;
            } else {
                ring[j] = column;
            }
        }
        for _ in 0..length {
            if K == 3 {
                for j in 0..K - S {
                    held[j] = held[j + S];
                }
            }
            for j in K - S..K {
                let column = next();
                if K == 3 {
                    held[j] = column;
                } else {
                    ring[(head + j) % RING] = column;
                }
            }
            let mut q = [[zero; 4]; LINES];
            macro_rules! quarter {
                ($($i:literal)*) => {$(
                    // SAFETY: 16 values each.
                    let (bias, scale) = unsafe {
                        let bias = _mm512_loadu_si512(order.bias[$i].as_ptr().cast());
                        (bias, _mm512_loadu_ps(order.scale[$i].as_ptr()))
                    };
                    let mut acc = [bias; LINES];
                    for j in 0..K {
                        let column = if K == 3 { &held[j] } else { &ring[(head + j) % RING] };
                        for t in 0..SETS {
                            for line in 0..LINES {
                                let w = weights[$i][j][t][line];
                                acc[line] = _mm512_dpbusd_epi32(acc[line], column[t][$i], w);
                            }
                        }
                    }
                    for line in 0..LINES {
                        q[line][$i] = last.scaled_small(acc[line], scale);
                    }
                )*};
            }
            quarter!(0 1 2 3);
            for (target, q) in target.iter_mut().zip(q) {
                // SAFETY: pixels of y and channels of them, or nowhere.
                unsafe { channels.store(target.to, last.pack_lanes_within(q)) };
                for (to, &step) in target.to.iter_mut().zip(&target.step) {
                    *to = to.wrapping_add(step);
                }
            }
            head += S;
        }
        row += length + (lines - 1) * out_w;
    }
}
