//! Integer depthwise 3×3 windows that slide along a row: each input column is interleaved once, 32 channels at a time.
//!
//! ```text
//! column x: the three bytes (x + 128) of each channel under one another → one dword a channel, the fourth byte with
//!           weight 0; 128-bit lane l of register i holds channels 16 l + 4 i … 16 l + 4 i + 3
//! stride 1: [c0 c1 c2] → result, then c0 ← c1, c1 ← c2, c2 ← next column
//! stride 2: [c0 c1 c2] → result, then c0 ← c2, c1 and c2 ← next columns
//! ```
//! `acc = bias − 128 · Σ w + Σ (x + 128) · w` with vpdpbusd, a column an instruction. Accumulator: i32, far from its end
//! with nine taps. The last run of channels overlaps the one before.

use crate::params::DepthwiseI8;
use crate::x86_64::avx2::finish::Last;
use core::arch::x86_64::*;
use core::ops::Range;
use redpoll_plan::layout::padded_n;

/// Channels of a run.
const WIDE: usize = 32;

/// Whether windows slide as this kernel wants and channels fill a run.
pub(super) fn fits(p: &DepthwiseI8<'_>) -> bool {
    let w = &p.window;
    (w.kernel_h, w.kernel_w, w.dilation_w) == (3, 3, 1)
        && matches!(w.stride_w, 1 | 2)
        && w.in_c as usize >= WIDE
}

type Column = [__m256i; 4];

/// The bytes of four taps, channel by channel.
#[inline]
#[target_feature(enable = "avx2")]
fn interleave(t: [__m256i; 4]) -> Column {
    let ab = (
        _mm256_unpacklo_epi8(t[0], t[1]),
        _mm256_unpackhi_epi8(t[0], t[1]),
    );
    let cd = (
        _mm256_unpacklo_epi8(t[2], t[3]),
        _mm256_unpackhi_epi8(t[2], t[3]),
    );
    [
        _mm256_unpacklo_epi16(ab.0, cd.0),
        _mm256_unpackhi_epi16(ab.0, cd.0),
        _mm256_unpacklo_epi16(ab.1, cd.1),
        _mm256_unpackhi_epi16(ab.1, cd.1),
    ]
}

/// See [`crate::scalar::depthwise::depthwise_i8`]: the same bits. Only for windows that [`fits`] allows.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn depthwise_i8(p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() {
        return;
    }
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(fits(p) && rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));
    assert!(p.weights.len() >= w.taps() * padded_n(c));
    assert!(p.bias.len() >= padded_n(c) && p.scale.len() >= padded_n(c));
    for start in (0..c).step_by(WIDE) {
        let start = start.min(c - WIDE);
        let (x, y, rows) = (x.as_ptr(), y.as_mut_ptr(), rows.clone());
        // SAFETY: the asserts above.
        unsafe {
            match w.stride_w {
                1 => run::<1>(p, x, y, rows, start),
                _ => run::<2>(p, x, y, rows, start),
            }
        }
    }
}

/// One run of channels from `start`, stride `S`.
///
/// # Safety
/// The CPU has the instructions; [`fits`]; x, y and the parameters are as long as the window says, the run is inside the
/// channels.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn run<const S: usize>(
    p: &DepthwiseI8<'_>,
    x: *const i8,
    y: *mut i8,
    rows: Range<usize>,
    start: usize,
) {
    let w = &p.window;
    let c = w.in_c as usize;
    let sign = _mm256_set1_epi8(i8::MIN);
    let zero = _mm256_setzero_si256();
    let outside = _mm256_set1_epi8(p.x_zero ^ i8::MIN);
    let border = [p.x_zero; WIDE];
    let last = Last::new(&p.finish);
    let (in_h, in_w) = (w.in_h as isize, w.in_w as isize);
    let (out_h, out_w) = (w.out_h as usize, w.out_w as usize);

    // SAFETY: taps of a 3×3 window, channels of the run.
    let tap = |i: usize| unsafe {
        let at = i * padded_n(c) + start;
        _mm256_loadu_si256(p.weights.as_ptr().add(at).cast())
    };
    let weights = [0, 1, 2].map(|j| interleave([tap(j), tap(3 + j), tap(6 + j), zero]));
    // In the order of the sums.
    let (mut bias, mut scale) = ([[0i32; 8]; 4], [[0f32; 8]; 4]);
    for n in 0..WIDE {
        let (i, j) = (n % 16 / 4, n / 16 * 4 + n % 4);
        let sum: i32 = (0..9)
            .map(|tap| i32::from(p.weights[tap * padded_n(c) + start + n]))
            .sum();
        bias[i][j] = p.bias[start + n].wrapping_sub(128 * sum);
        scale[i][j] = p.scale[start + n];
    }

    let mut row = rows.start;
    while row < rows.end {
        // What is asked for of an output row.
        let (first_x, out_y) = (row % out_w, row / out_w % out_h);
        let length = (out_w - first_x).min(rows.end - row);
        let left = (first_x * S) as isize - w.pad_left as isize;
        let base = row / out_w / out_h * w.in_h as usize;
        // The three input rows, and bytes between their columns: 0 for the border above and below.
        let mut from = [border.as_ptr(); 3];
        let mut step = [0; 3];
        for i in 0..3 {
            let y = (out_y * w.stride_h as usize + i * w.dilation_h as usize) as isize
                - w.pad_top as isize;
            if y >= 0 && y < in_h && left < in_w {
                let pixel = (base + y as usize) * w.in_w as usize + left.max(0) as usize;
                // SAFETY: a pixel of x, and channels of it.
                from[i] = unsafe { x.add(pixel * c + start) };
                step[i] = c;
            }
        }
        let mut at = left;
        // The next column; the border left and right.
        let mut next = || -> Column {
            let inside = at >= 0 && at < in_w;
            at += 1;
            if !inside {
                return [outside; 4];
            }
            let mut taps = [zero; 3];
            for (tap, (from, &step)) in taps.iter_mut().zip(from.iter_mut().zip(&step)) {
                // SAFETY: pointers to a pixel of x, or to the border.
                let v = unsafe { _mm256_loadu_si256(from.cast()) };
                *tap = _mm256_xor_si256(v, sign);
                *from = from.wrapping_add(step);
            }
            interleave([taps[0], taps[1], taps[2], taps[2]])
        };
        let mut c0 = next();
        let mut c1 = if S == 1 { next() } else { c0 };
        let mut to = y.wrapping_add((row - rows.start) * c + start);
        for _ in 0..length {
            if S == 2 {
                c1 = next();
            }
            let c2 = next();
            let mut q = [zero; 4];
            for i in 0..4 {
                // SAFETY: eight values each.
                let (bias, scale) = unsafe {
                    let bias = _mm256_loadu_si256(bias[i].as_ptr().cast());
                    (bias, _mm256_loadu_ps(scale[i].as_ptr()))
                };
                let acc = _mm256_dpbusd_avx_epi32(bias, c0[i], weights[0][i]);
                let acc = _mm256_dpbusd_avx_epi32(acc, c1[i], weights[1][i]);
                let acc = _mm256_dpbusd_avx_epi32(acc, c2[i], weights[2][i]);
                q[i] = last.scaled(acc, scale);
            }
            let bytes = _mm256_packs_epi16(last.words(q[0], q[1]), last.words(q[2], q[3]));
            // SAFETY: a pixel of y, and channels of it.
            unsafe { _mm256_storeu_si256(to.cast(), bytes) };
            to = to.wrapping_add(c);
            if S == 1 {
                c0 = c1;
                c1 = c2;
            } else {
                c0 = c2;
            }
        }
        row += length;
    }
}
