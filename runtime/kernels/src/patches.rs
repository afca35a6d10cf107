//! Lays the inputs under an output pixel side by side, in the order of K, changing them on the way if wanted.

use crate::geometry::Pixel;
use core::mem::MaybeUninit;
use redpoll_plan::Window;

/// What a patch is made of.
pub(crate) struct Patch<'a, T> {
    pub window: &'a Window,
    /// The whole input.
    pub x: &'a [T],
    /// First channel of the group.
    pub channel: usize,
    /// Channels of the group.
    pub channels: usize,
    /// What the border reads.
    pub border: T,
}

/// How elements of a patch are written.
pub(crate) trait Copied<T> {
    /// What is written.
    type To: Copy;
    /// One element.
    fn one(v: T) -> Self::To;
    /// A run of elements; `to` is as long.
    fn run(&self, run: &[T], to: &mut [MaybeUninit<Self::To>]);
}

/// As they are.
pub(crate) struct Same;

impl<T: Copy> Copied<T> for Same {
    type To = T;

    #[inline(always)]
    fn one(v: T) -> T {
        v
    }

    #[inline(always)]
    fn run(&self, run: &[T], to: &mut [MaybeUninit<T>]) {
        for (to, &v) in to.iter_mut().zip(run) {
            to.write(v);
        }
    }
}

impl<T: Copy> Patch<'_, T> {
    /// Packs the `taps · channels` elements under output pixel `at` to the start of `to`: a run a kernel row where
    /// the input has them side by side, else a run a tap.
    ///
    /// # Panics
    /// If `to` or the input is too short.
    #[inline(always)]
    pub(crate) fn pack<C: Copied<T>>(&self, at: &Pixel, to: &mut [MaybeUninit<C::To>], how: C) {
        let w = self.window;
        let (in_h, in_w, in_c) = (w.in_h as isize, w.in_w as isize, w.in_c as usize);
        let (taps, channels) = (w.kernel_w as usize, self.channels);
        let border = MaybeUninit::new(C::one(self.border));
        let one_run = w.dilation_w == 1 && channels == in_c;
        let rows = to.chunks_exact_mut(taps * channels);
        for (i, to) in rows.take(w.kernel_h as usize).enumerate() {
            let y = at.top + (i * w.dilation_h as usize) as isize;
            if y < 0 || y >= in_h {
                to.fill(border);
            } else if one_run {
                let start = at.left.clamp(0, in_w);
                let end = (at.left + taps as isize).clamp(start, in_w);
                let before = (-at.left).clamp(0, taps as isize) as usize * in_c;
                let inside = (end - start) as usize * in_c;
                let from = (at.base + (y * in_w + start) as usize) * in_c;
                if inside < to.len() {
                    to[..before].fill(border);
                    to[before + inside..].fill(border);
                }
                how.run(
                    &self.x[from..from + inside],
                    &mut to[before..before + inside],
                );
            } else {
                for (j, to) in to.chunks_exact_mut(channels).enumerate() {
                    match at.tap(w, i, j) {
                        Some(pixel) => {
                            let from = pixel * in_c + self.channel;
                            how.run(&self.x[from..from + channels], to);
                        }
                        None => to.fill(border),
                    }
                }
            }
        }
    }
}
