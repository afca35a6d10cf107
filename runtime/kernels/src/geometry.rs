//! Which input pixel a tap reads, and strided loops.

use redpoll_plan::Window;
use redpoll_plan::op::{Dims, MAX_LOOP, Strides};

/// An output pixel as the input coordinates of its first tap.
#[derive(Clone, Copy)]
pub(crate) struct Pixel {
    /// Index of the first input pixel of the batch entry.
    pub(crate) base: usize,
    pub(crate) top: isize,
    pub(crate) left: isize,
}

/// The place of output pixel `row` (of batch · out_h · out_w).
#[inline(always)]
pub(crate) fn pixel(w: &Window, row: usize) -> Pixel {
    // Never 0 in a window that was checked; said again, so that no division can fail.
    let (out_h, out_w) = ((w.out_h as usize).max(1), (w.out_w as usize).max(1));
    let x = row % out_w;
    let y = row / out_w % out_h;
    let batch = row / out_w / out_h;
    Pixel {
        base: batch * w.in_h as usize * w.in_w as usize,
        top: (y * w.stride_h as usize) as isize - w.pad_top as isize,
        left: (x * w.stride_w as usize) as isize - w.pad_left as isize,
    }
}

/// Output pixels one after another, without a division each.
#[derive(Clone, Copy)]
pub(crate) struct Walk<'a> {
    window: &'a Window,
    /// Output coordinates.
    x: u32,
    y: u32,
    at: Pixel,
}

impl<'a> Walk<'a> {
    /// From output pixel `row` on.
    #[inline]
    pub(crate) fn new(window: &'a Window, row: usize) -> Self {
        let out_w = (window.out_w as usize).max(1);
        Self {
            window,
            x: (row % out_w) as u32,
            y: (row / out_w % (window.out_h as usize).max(1)) as u32,
            at: pixel(window, row),
        }
    }

    /// The place of this pixel; then goes on to the next.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Pixel {
        let (at, w) = (self.at, self.window);
        self.x += 1;
        self.at.left += w.stride_w as isize;
        if self.x == w.out_w {
            self.x = 0;
            self.y += 1;
            self.at.left = -(w.pad_left as isize);
            self.at.top += w.stride_h as isize;
            if self.y == w.out_h {
                self.y = 0;
                self.at.top = -(w.pad_top as isize);
                self.at.base += w.in_h as usize * w.in_w as usize;
            }
        }
        at
    }
}

/// Taps that read the input, not the border.
#[inline(always)]
pub(crate) fn taps_inside(w: &Window, at: &Pixel) -> usize {
    let mut inside = 0usize;
    at.each_tap(w, |_, pixel| inside += usize::from(pixel.is_some()));
    inside
}

impl Pixel {
    /// Index of the input pixel (batch · in_h · in_w) under tap `(i, j)`, `None` on the border.
    #[inline(always)]
    pub(crate) fn tap(&self, w: &Window, i: usize, j: usize) -> Option<usize> {
        let y = self.top + (i * w.dilation_h as usize) as isize;
        let x = self.left + (j * w.dilation_w as usize) as isize;
        let inside =
            y >= 0 && x >= 0 && (y as usize) < w.in_h as usize && (x as usize) < w.in_w as usize;
        inside.then(|| self.base + y as usize * w.in_w as usize + x as usize)
    }

    /// True where no tap reads the border.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn inside(&self, w: &Window) -> bool {
        let reach = |kernel: u32, dilation: u32| {
            ((kernel as usize).saturating_sub(1) * dilation as usize) as isize
        };
        self.top >= 0
            && self.left >= 0
            && self.top + reach(w.kernel_h, w.dilation_h) < w.in_h as isize
            && self.left + reach(w.kernel_w, w.dilation_w) < w.in_w as isize
    }

    /// Calls `f` with the input pixel of every tap in order.
    #[inline(always)]
    pub(crate) fn each_tap(&self, w: &Window, mut f: impl FnMut(usize, Option<usize>)) {
        let mut tap = 0;
        for i in 0..w.kernel_h as usize {
            for j in 0..w.kernel_w as usize {
                f(tap, self.tap(w, i, j));
                tap += 1;
            }
        }
    }
}

/// Walks all but the innermost dimension of a loop: `f` gets the offset of each of `N` operands at the start of
/// every innermost run, outermost dimension slowest.
#[inline(always)]
pub(crate) fn each_run<const N: usize>(
    dims: &Dims,
    strides: [&Strides; N],
    start: [isize; N],
    mut f: impl FnMut([isize; N]),
) {
    if dims.contains(&0) {
        return;
    }
    let mut index = [0u32; MAX_LOOP - 1];
    let mut at = start;
    loop {
        f(at);
        let mut d = MAX_LOOP - 1;
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            index[d] += 1;
            for n in 0..N {
                at[n] += strides[n][d] as isize;
            }
            if index[d] < dims[d] {
                break;
            }
            for n in 0..N {
                at[n] -= strides[n][d] as isize * dims[d] as isize;
            }
            index[d] = 0;
        }
    }
}
