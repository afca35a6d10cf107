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
        if at.inside(w) {
            let first = at.base + at.top as usize * w.in_w as usize + at.left as usize;
            let first = x.wrapping_add(first * w.in_c as usize);
            for (out, &distance) in out[..taps].iter_mut().zip(&self.distance[..taps]) {
                *out = first.wrapping_add(distance);
            }
        } else {
            at.each_tap(w, |tap, pixel| {
                out[tap] = pixel.map_or(border, |i| x.wrapping_add(i * w.in_c as usize));
            });
        }
    }
}
