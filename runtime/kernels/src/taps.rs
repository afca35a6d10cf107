//! Where the taps of one output pixel after the other are, for depthwise kernels.

use crate::geometry::{Pixel, pixel};
use core::ops::Range;
use redpoll_plan::Window;

/// Most taps that a walk holds; beyond, the definition runs.
pub(crate) const MOST_TAPS: usize = 32;
/// Channels that a border row holds.
pub(crate) const RUN: usize = 64;

/// A walk over output pixels that keeps a pointer a tap.
pub(crate) struct Walk<'a, T> {
    window: &'a Window,
    x: *const T,
    border: *const T,
    /// Element offsets of the taps from the first, for windows that lie inside the input.
    inside: [usize; MOST_TAPS],
    at: Pixel,
    row: usize,
    column: usize,
    /// Pointers to the pixels under the taps; those behind the last tap point to the border.
    pub from: [*const T; MOST_TAPS],
}

impl<'a, T> Walk<'a, T> {
    /// Starts before the first of `rows`; `x` is the first channel wanted of the input, `border` a row of [`RUN`].
    #[inline(always)]
    pub(crate) fn new(
        window: &'a Window,
        x: *const T,
        border: &'a [T; RUN],
        rows: &Range<usize>,
    ) -> Self {
        let mut inside = [0; MOST_TAPS];
        let c = window.in_c as usize;
        let taps = window.taps().min(MOST_TAPS);
        for (tap, inside) in inside[..taps].iter_mut().enumerate() {
            let (i, j) = (
                tap / window.kernel_w as usize,
                tap % window.kernel_w as usize,
            );
            let y = i * window.dilation_h as usize;
            *inside = (y * window.in_w as usize + j * window.dilation_w as usize) * c;
        }
        Self {
            window,
            x,
            border: border.as_ptr(),
            inside,
            at: pixel(window, rows.start),
            row: rows.start,
            column: rows.start % (window.out_w as usize).max(1),
            from: [border.as_ptr(); MOST_TAPS],
        }
    }

    /// Sets [`Self::from`] for the pixel that the walk is at, and goes on to the next.
    #[inline(always)]
    pub(crate) fn next(&mut self) {
        let w = self.window;
        let c = w.in_c as usize;
        let taps = w.taps().min(MOST_TAPS);
        let bottom = self.at.top + ((w.kernel_h as usize - 1) * w.dilation_h as usize) as isize;
        let right = self.at.left + ((w.kernel_w as usize - 1) * w.dilation_w as usize) as isize;
        let inside = self.at.top >= 0
            && self.at.left >= 0
            && bottom < w.in_h as isize
            && right < w.in_w as isize;
        if inside {
            let first =
                self.at.base + self.at.top as usize * w.in_w as usize + self.at.left as usize;
            let first = self.x.wrapping_add(first * c);
            for (from, &offset) in self.from[..taps].iter_mut().zip(&self.inside) {
                *from = first.wrapping_add(offset);
            }
        } else {
            let (x, border, from) = (self.x, self.border, &mut self.from);
            self.at.each_tap(w, |tap, pixel| {
                from[tap] = pixel.map_or(border, |i| x.wrapping_add(i * c));
            });
        }
        self.row += 1;
        self.column += 1;
        self.at.left += w.stride_w as isize;
        if self.column == w.out_w as usize {
            self.column = 0;
            self.at = pixel(w, self.row);
        }
    }
}
