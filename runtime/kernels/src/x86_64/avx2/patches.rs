//! Lays the inputs under an output pixel side by side, in the order of K, widening them on the way.

use crate::geometry::Pixel;
use core::mem::MaybeUninit;
use redpoll_plan::Window;

/// What a patch is made of.
pub(super) struct Patch<'a, T> {
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

/// Writes `widen` of every element of `run` to the start of `to` and returns what is left of it.
#[inline(always)]
pub(super) fn put<'b, T: Copy, U>(
    run: &[T],
    to: &'b mut [MaybeUninit<U>],
    widen: impl Fn(T) -> U,
) -> &'b mut [MaybeUninit<U>] {
    let (now, rest) = to.split_at_mut(run.len());
    for (to, &v) in now.iter_mut().zip(run) {
        to.write(widen(v));
    }
    rest
}

impl<T: Copy> Patch<'_, T> {
    /// Packs the `taps · channels` elements under output pixel `at` to the start of `to`: a run a kernel row where
    /// the input has them side by side, else a run a tap.
    ///
    /// # Panics
    /// If `to` or the input is too short.
    #[inline(always)]
    pub(super) fn pack<U: Copy>(
        &self,
        at: &Pixel,
        mut to: &mut [MaybeUninit<U>],
        widen: impl Fn(T) -> U,
    ) {
        let w = self.window;
        let (in_h, in_w, in_c) = (w.in_h as isize, w.in_w as isize, w.in_c as usize);
        let taps = w.kernel_w as isize;
        let border = widen(self.border);
        let skip = |to: &mut &mut [MaybeUninit<U>], count: usize| {
            let (now, rest) = core::mem::take(to).split_at_mut(count);
            now.fill(MaybeUninit::new(border));
            *to = rest;
        };
        let one_run = w.dilation_w == 1 && self.channels == in_c;
        for i in 0..w.kernel_h as usize {
            let y = at.top + (i * w.dilation_h as usize) as isize;
            if y < 0 || y >= in_h {
                skip(&mut to, taps as usize * self.channels);
            } else if one_run {
                let start = at.left.clamp(0, in_w);
                let end = (at.left + taps).clamp(start, in_w);
                let before = (-at.left).clamp(0, taps) as usize;
                let inside = (end - start) as usize;
                let after = taps as usize - before - inside;
                let from = (at.base + (y * in_w + start) as usize) * in_c;
                skip(&mut to, before * in_c);
                to = put(&self.x[from..from + inside * in_c], to, &widen);
                skip(&mut to, after * in_c);
            } else {
                for j in 0..taps as usize {
                    match at.tap(w, i, j) {
                        Some(pixel) => {
                            let from = pixel * in_c + self.channel;
                            to = put(&self.x[from..from + self.channels], to, &widen);
                        }
                        None => skip(&mut to, self.channels),
                    }
                }
            }
        }
    }
}
