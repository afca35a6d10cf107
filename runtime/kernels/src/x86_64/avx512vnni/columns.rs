//! Depthwise 3×3 windows that slide along a row: each input column is interleaved once.
//!
//! ```text
//! column x: the three bytes of each channel under one another → one dword a channel (the fourth byte has weight 0)
//! stride 1:  [c0 c1 c2] → result, then c0 ← c1, c1 ← c2, c2 ← next column
//! stride 2:  [c0 c1 c2] → result, then c0 ← c2, c1 and c2 ← next columns
//! ```
//! With `P` pixels in a register they are those of `P` output rows one under another.

use super::depthwise_i8::{Run, finished};
use super::epilogue::Last;
use super::lanes::{Channels, interleave};
use core::arch::x86_64::*;

type Column = [__m512i; 4];

/// The three input rows under `P` output rows, and how far along they are.
struct Rows<const P: usize> {
    from: [[*const i8; P]; 3],
    /// Bytes between columns; 0 for the border above and below.
    step: [[usize; P]; 3],
    /// Next column.
    at: isize,
}

/// Kernel for stride `S` = 1 or 2.
///
/// # Safety
/// The CPU has the instructions; the slices are as long as the parameters say; the window is 3×3 with stride_w `S` and
/// dilation_w 1.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn columns<const P: usize, const FULL: bool, const S: usize>(run: &Run<'_>) {
    let (p, w) = (run.p, &run.p.window);
    let c = w.in_c as usize;
    let channels = Channels::<P, FULL>::new(run.count);
    let zero = _mm512_setzero_si512();
    let sign = _mm512_set1_epi8(i8::MIN);
    let outside = _mm512_set1_epi8(p.x_zero ^ i8::MIN);
    let last = Last::new(&p.finish);
    let order = run.order::<P>();
    let (in_h, in_w) = (w.in_h as isize, w.in_w as isize);
    let (out_h, out_w) = (w.out_h as usize, w.out_w as usize);

    let mut weights: [Column; 3] = [[zero; 4]; 3];
    for (j, weights) in weights.iter_mut().enumerate() {
        // SAFETY: taps of a 3×3 window.
        *weights = unsafe {
            interleave([
                run.weights::<P>(j),
                run.weights::<P>(3 + j),
                run.weights::<P>(6 + j),
                zero,
            ])
        };
    }

    let mut row = run.rows.start;
    while row < run.rows.end {
        // Up to P whole output rows, or what is asked for of one.
        let first_x = row % out_w;
        let length = (out_w - first_x).min(run.rows.end - row);
        let whole = if length == out_w {
            ((run.rows.end - row) / out_w).min(P)
        } else {
            1
        };
        let left = (first_x * S) as isize - w.pad_left as isize;
        let mut rows = Rows {
            from: [[run.border.as_ptr(); P]; 3],
            step: [[0; P]; 3],
            at: left,
        };
        let mut to = [run.y; P];
        for (lane, to) in to.iter_mut().enumerate() {
            // Rows behind the last one repeat it.
            let row = row + lane.min(whole - 1) * out_w;
            let (batch, out_y) = (row / out_w / out_h, row / out_w % out_h);
            // SAFETY: a pixel of y, and channels of it.
            *to = unsafe { run.y.add((row - run.rows.start) * c + run.start) };
            for i in 0..3 {
                let y = (out_y * w.stride_h as usize + i * w.dilation_h as usize) as isize
                    - w.pad_top as isize;
                if y >= 0 && y < in_h && left < in_w {
                    let pixel = (batch * w.in_h as usize + y as usize) * w.in_w as usize
                        + left.max(0) as usize;
                    // SAFETY: a pixel of x, and channels of it.
                    rows.from[i][lane] = unsafe { run.x.add(pixel * c + run.start) };
                    rows.step[i][lane] = c;
                }
            }
        }

        // The next column; the border left and right.
        let mut next = || -> Column {
            let at = rows.at;
            rows.at += 1;
            if at < 0 || at >= in_w {
                return [outside; 4];
            }
            let mut taps = [zero; 3];
            for (i, tap) in taps.iter_mut().enumerate() {
                // SAFETY: pointers to a pixel of x, or to the border.
                *tap = _mm512_xor_si512(unsafe { channels.load(rows.from[i]) }, sign);
                for (from, &step) in rows.from[i].iter_mut().zip(&rows.step[i]) {
                    *from = from.wrapping_add(step);
                }
            }
            interleave([taps[0], taps[1], taps[2], taps[2]])
        };

        let mut c0 = next();
        let mut c1 = if S == 1 { next() } else { c0 };
        for _ in 0..length {
            if S == 2 {
                c1 = next();
            }
            let c2 = next();
            let mut acc = [zero; 4];
            for i in 0..4 {
                // SAFETY: 16 values.
                acc[i] = unsafe { _mm512_loadu_si512(order.bias[i].as_ptr().cast()) };
                acc[i] = _mm512_dpbusd_epi32(acc[i], c0[i], weights[0][i]);
                acc[i] = _mm512_dpbusd_epi32(acc[i], c1[i], weights[1][i]);
                acc[i] = _mm512_dpbusd_epi32(acc[i], c2[i], weights[2][i]);
            }
            // SAFETY: pixels of y, and channels of them.
            unsafe { channels.store(to, finished(&last, acc, &order.scale)) };
            for to in &mut to {
                *to = to.wrapping_add(c);
            }
            if S == 1 {
                c0 = c1;
                c1 = c2;
            } else {
                c0 = c2;
            }
        }
        row += length + (whole - 1) * out_w;
    }
}
