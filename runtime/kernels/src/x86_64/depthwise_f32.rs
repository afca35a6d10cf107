//! Float depthwise convolution of 3 × 3 and 5 × 5 windows: tiles of up to eight output pixels of a line, all channels.
//!
//! A tile knows a pointer for each input pixel under it (zeros for the border) and walks the channels: a column of input is
//! loaded once for all the windows that it is under.
//!
//! ```text
//! 3 × 3, stride 1, 8 pixels: 3 × 10 input pixels, 9 weights, 72 multiply-adds of a register of channels
//! ```

use crate::params::{DepthwiseF32, FloatWeights};
use core::ops::Range;
use redpoll_plan::layout::padded_n;

/// Most output pixels of a tile.
pub(super) const PIXELS: usize = 8;
/// Most kernel rows and columns.
const KERNEL: usize = 5;
/// Most input columns under a tile: `(PIXELS − 1) · 2 + KERNEL`.
pub(super) const COLUMNS: usize = 19;
/// Channels that a tile walks over before the next tile: their weights stay in the first cache.
const RUN: usize = 512;
/// Zeros before a border's channels, for registers that overlap the ones before.
const BEFORE: usize = 16;

static BORDER: [f32; BEFORE + RUN] = [0.0; BEFORE + RUN];

/// Operands of a tile.
pub(super) struct Tile {
    /// Input pixels under the tile.
    pub(super) from: [[*const f32; COLUMNS]; KERNEL],
    /// Of the first tap: f32, or f16 bits.
    pub(super) weights: *const u8,
    /// Elements between taps.
    pub(super) tap_stride: usize,
    pub(super) bias: *const f32,
    pub(super) lo: f32,
    pub(super) hi: f32,
    pub(super) y: *mut f32,
    /// Elements between pixels of results.
    pub(super) y_stride: usize,
    /// Channels, at most [`RUN`]; 16 elements before the pointers are readable too where this is not the first run.
    pub(super) channels: usize,
}

/// Computes tiles for a tier.
pub(super) trait Tiles {
    /// # Safety
    /// The CPU has the instructions; the pointers are good for `pixels` (1 to 8) of a window of `kernel` (3 or 5) and
    /// `stride` (1 or 2).
    unsafe fn tile(&self, t: &Tile, kernel: usize, stride: usize, pixels: usize, half: bool);
}

/// True for the windows that [`depthwise_f32`] computes.
pub(super) fn fits(p: &DepthwiseF32<'_>) -> bool {
    let w = &p.window;
    w.kernel_h == w.kernel_w
        && matches!(w.kernel_w, 3 | 5)
        && w.stride_h == w.stride_w
        && matches!(w.stride_w, 1 | 2)
        && w.dilation_h == 1
        && w.dilation_w == 1
}

/// All rows, for windows that [`fits`] allows.
///
/// # Safety
/// The CPU has the instructions of the tiles.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub(super) unsafe fn depthwise_f32<T: Tiles>(
    tiles: &T,
    p: &DepthwiseF32<'_>,
    x: &[f32],
    y: &mut [f32],
    rows: Range<usize>,
) {
    let w = &p.window;
    let c = w.in_c as usize;
    if rows.is_empty() || c == 0 {
        return;
    }
    let (weights, length, half) = match p.weights {
        FloatWeights::F32(w) => (w.as_ptr().cast::<u8>(), w.len(), false),
        FloatWeights::F16(w) => (w.as_ptr().cast::<u8>(), w.len(), true),
    };
    let tap_stride = padded_n(c);
    // Everything that the unchecked code below relies on.
    let inputs = [w.batch, w.in_h, w.in_w, w.in_c]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    assert!(inputs.is_some_and(|n| x.len() >= n));
    assert!(fits(p) && rows.end <= w.rows());
    assert!(rows.len().checked_mul(c).is_some_and(|n| y.len() >= n));
    assert!(length >= w.taps() * tap_stride && p.bias.len() >= tap_stride);

    let (kernel, stride) = (w.kernel_w as usize, w.stride_w as usize);
    let (in_h, in_w) = (w.in_h as isize, w.in_w as isize);
    let (out_h, out_w) = (w.out_h as usize, w.out_w as usize);
    let border = BORDER[BEFORE..].as_ptr();
    for start in (0..c).step_by(RUN) {
        let mut t = Tile {
            from: [[border; COLUMNS]; KERNEL],
            weights: weights.wrapping_add(start * if half { 2 } else { 4 }),
            tap_stride,
            bias: p.bias.as_ptr().wrapping_add(start),
            lo: p.lo,
            hi: p.hi,
            y: y.as_mut_ptr(),
            y_stride: c,
            channels: (c - start).min(RUN),
        };
        let x = x.as_ptr().wrapping_add(start);
        let mut row = rows.start;
        while row < rows.end {
            // What is asked for of one output line.
            let column = row % out_w;
            let length = (out_w - column).min(rows.end - row);
            let (batch, out_y) = (row / out_w / out_h, row / out_w % out_h);
            let top = (out_y * stride) as isize - w.pad_top as isize;
            let image = batch as isize * in_h;
            let mut done = 0;
            while done < length {
                let pixels = (length - done).div_ceil((length - done).div_ceil(PIXELS));
                let left = ((column + done) * stride) as isize - w.pad_left as isize;
                let columns = (pixels - 1) * stride + kernel;
                for (i, from) in t.from[..kernel].iter_mut().enumerate() {
                    let line = top + i as isize;
                    // Perhaps outside; only pointers to pixels inside are used.
                    let first = ((image + line) * in_w + left) * c as isize;
                    let first = x.wrapping_offset(first);
                    let inside = line >= 0 && line < in_h;
                    if inside && left >= 0 && left + columns as isize <= in_w {
                        for (j, from) in from[..columns].iter_mut().enumerate() {
                            *from = first.wrapping_add(j * c);
                        }
                        continue;
                    }
                    for (j, from) in from[..columns].iter_mut().enumerate() {
                        let column = left + j as isize;
                        *from = if inside & (column >= 0) & (column < in_w) {
                            first.wrapping_add(j * c)
                        } else {
                            border
                        };
                    }
                }
                t.y = y
                    .as_mut_ptr()
                    .wrapping_add((row - rows.start + done) * c + start);
                // SAFETY: the asserts above; pointers to pixels of x or to the border, which holds a run.
                unsafe { tiles.tile(&t, kernel, stride, pixels, half) };
                done += pixels;
            }
            row += length;
        }
    }
}
