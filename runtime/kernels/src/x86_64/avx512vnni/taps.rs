//! Pointers to the input pixels under the taps of a window: sums of vectors where the window is inside the input.

use crate::geometry::Pixel;
use redpoll_plan::Window;

/// Most taps of a window.
pub(super) const MOST_TAPS: usize = 128;

/// Distances of the taps of a window from the first one.
pub(super) struct Taps<'a> {
    window: &'a Window,
    /// In elements.
    distance: [usize; MOST_TAPS],
}

impl<'a> Taps<'a> {
    /// Of a window of at most [`MOST_TAPS`].
    pub(super) fn new(window: &'a Window) -> Self {
        let mut distance = [0; MOST_TAPS];
        let columns = (window.kernel_w as usize).max(1);
        for (tap, distance) in distance[..window.taps()].iter_mut().enumerate() {
            let down = tap / columns * window.dilation_h as usize;
            let right = tap % columns * window.dilation_w as usize;
            *distance = (down * window.in_w as usize + right) * window.in_c as usize;
        }
        Self { window, distance }
    }

    /// Sets the pointer of every tap under output pixel `at`: into `x`, which points to a channel of the first pixel, or
    /// `border`.
    #[inline(always)]
    pub(super) fn point<T>(
        &self,
        at: &Pixel,
        x: *const T,
        border: *const T,
        out: &mut [*const T; MOST_TAPS],
    ) {
        let w = self.window;
        let taps = w.taps();
        // Where the first tap would be, perhaps outside; only pointers inside are used.
        let first = at.top.wrapping_mul(w.in_w as isize).wrapping_add(at.left);
        let first = (at.base as isize).wrapping_add(first);
        let first = x.wrapping_offset(first.wrapping_mul(w.in_c as isize));
        if at.inside(w) {
            for (out, &distance) in out[..taps].iter_mut().zip(&self.distance[..taps]) {
                *out = first.wrapping_add(distance);
            }
            return;
        }
        // No branch on the column: choices are sums of vectors too.
        let columns = w.kernel_w as usize;
        for i in 0..w.kernel_h as usize {
            let y = at.top + (i * w.dilation_h as usize) as isize;
            let row = y >= 0 && y < w.in_h as isize;
            let range = i * columns..(i + 1) * columns;
            let (out, distance) = (&mut out[range.clone()], &self.distance[range]);
            for (j, (out, &distance)) in out.iter_mut().zip(distance).enumerate() {
                let column = at.left.wrapping_add((j * w.dilation_w as usize) as isize);
                let inside = row & ((column as usize) < w.in_w as usize);
                let pixel = first.wrapping_add(distance);
                *out = if inside { pixel } else { border };
            }
        }
    }
}
