//! Float windows without patches: the rows of a convolution as places in the input, or in padded lines of it.
//!
//! A window needs no copy of what lies under it: K = lines × taps × channels is read in place, as runs of elements side by
//! side. Where windows reach over the border, a band of input lines is copied once, with zeros around it:
//!
//! ```text
//! input lines      band (kernel 3 × 3, 2 output lines)         row of output pixel (1, 0): 3 runs of 3 · C
//! a b c d          0 0 0 0 0 0
//! e f g h     →    0 a b c d 0                                 [0 a b]
//! i j k l          0 e f g h 0                                 [0 e f]
//! m n o p          0 i j k l 0                                 [0 i j]
//! ```

use core::mem::MaybeUninit;
use core::ops::Range;
use redpoll_plan::Window;

/// How the K of one row lie, in elements from its place: `lines` × `taps` runs of `length`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Runs {
    /// Elements side by side.
    pub(crate) length: usize,
    /// Runs of a line.
    pub(crate) taps: usize,
    pub(crate) tap_stride: usize,
    pub(crate) lines: usize,
    pub(crate) line_stride: usize,
}

impl Runs {
    /// One run.
    pub(crate) fn one(length: usize) -> Self {
        Self {
            length,
            taps: 1,
            tap_stride: 0,
            lines: 1,
            line_stride: 0,
        }
    }
}

/// Where rows begin: `stride` elements apart along a line of `width` rows, then the next line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rows {
    /// Column of the first row in its line, which begins at 0.
    pub(crate) first: usize,
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) line_stride: usize,
}

impl Rows {
    /// Rows `stride` elements apart.
    pub(crate) fn even(stride: usize) -> Self {
        Self {
            first: 0,
            stride,
            width: usize::MAX,
            line_stride: 0,
        }
    }

    /// The places one after another.
    #[inline(always)]
    pub(crate) fn places(&self) -> Places {
        Places {
            rows: *self,
            column: self.first,
            at: self.first * self.stride,
            line: 0,
        }
    }
}

/// See [`Rows::places`].
#[derive(Clone, Copy)]
pub(crate) struct Places {
    rows: Rows,
    column: usize,
    at: usize,
    line: usize,
}

impl Places {
    /// The place of this row; then goes on to the next.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> usize {
        let at = self.at;
        self.at += self.rows.stride;
        self.column += 1;
        if self.column == self.rows.width {
            self.column = 0;
            self.line += self.rows.line_stride;
            self.at = self.line;
        }
        at
    }
}

/// A window over the channels of one group, in place or in bands.
pub(crate) struct Bands<'a> {
    window: &'a Window,
    /// First channel, and their number.
    channel: usize,
    channels: usize,
    /// Pixels of a padded line.
    span: usize,
    /// Lines under a window.
    reach: usize,
    /// Output lines of a band; 0 where the input is read in place.
    lines: usize,
}

impl<'a> Bands<'a> {
    /// How to read `channels` from `channel` under `window`, given a buffer of `capacity` elements. `None`: the lines of
    /// a single output line do not fit.
    pub(crate) fn new(
        window: &'a Window,
        channel: usize,
        channels: usize,
        capacity: usize,
    ) -> Option<Self> {
        let w = window;
        let along = |out: u32, stride: u32, kernel: u32, dilation: u32| {
            let start = (out as usize)
                .checked_sub(1)?
                .checked_mul(stride as usize)?;
            let reach = (kernel as usize)
                .checked_sub(1)?
                .checked_mul(dilation as usize)?
                .checked_add(1)?;
            Some((start.checked_add(reach)?, reach))
        };
        if channels == 0 {
            return None;
        }
        let (span, _) = along(w.out_w, w.stride_w, w.kernel_w, w.dilation_w)?;
        let (height, reach) = along(w.out_h, w.stride_h, w.kernel_h, w.dilation_h)?;
        let inside = w.pad_top == 0
            && w.pad_left == 0
            && span <= w.in_w as usize
            && height <= w.in_h as usize;
        let mut bands = Self {
            window,
            channel,
            channels,
            span,
            reach,
            lines: 0,
        };
        if !inside {
            let fit = capacity / span.checked_mul(channels)?.max(1);
            bands.lines = fit.checked_sub(reach)? / (w.stride_h as usize).max(1) + 1;
        }
        Some(bands)
    }

    /// Elements from one pixel to the next, and pixels of a line.
    fn pixels(&self) -> (usize, usize) {
        if self.lines == 0 {
            (self.window.in_c as usize, self.window.in_w as usize)
        } else {
            (self.channels, self.span)
        }
    }

    /// How the K of a row lie.
    pub(crate) fn runs(&self) -> Runs {
        let w = self.window;
        let (pixel, span) = self.pixels();
        let taps = w.kernel_w as usize;
        let lines = w.kernel_h as usize;
        let line_stride = w.dilation_h as usize * span * pixel;
        if w.dilation_w == 1 && pixel == self.channels {
            return Runs {
                length: taps * pixel,
                taps: 1,
                tap_stride: 0,
                lines,
                line_stride,
            };
        }
        Runs {
            length: self.channels,
            taps,
            tap_stride: w.dilation_w as usize * pixel,
            lines,
            line_stride,
        }
    }

    /// Calls `f(from, rows, count)` for `count` output pixels at a time until all of `rows` are done: their places are
    /// relative to `from`, which points into `x` or `buffer`.
    ///
    /// # Safety
    /// `x` is readable for the input of the window, `buffer` as long as [`Self::new`] was told; `rows` are of the window.
    #[inline(always)]
    pub(crate) unsafe fn each(
        &self,
        x: *const f32,
        buffer: &mut [MaybeUninit<f32>],
        rows: Range<usize>,
        mut f: impl FnMut(*const f32, &Rows, usize),
    ) {
        let w = self.window;
        let (out_h, out_w) = (w.out_h as usize, w.out_w as usize);
        let (pixel, span) = self.pixels();
        let mut row = rows.start;
        while row < rows.end {
            let (batch, y) = (row / out_w / out_h, row / out_w % out_h);
            let mut lines = out_h - y;
            if self.lines > 0 {
                // Equal bands.
                lines = lines.div_ceil(lines.div_ceil(self.lines));
            }
            let end = ((batch * out_h + y + lines) * out_w).min(rows.end);
            let lines = end.div_ceil(out_w) - row / out_w;
            let places = Rows {
                first: row % out_w,
                stride: w.stride_w as usize * pixel,
                width: out_w,
                line_stride: w.stride_h as usize * span * pixel,
            };
            let image = batch * w.in_h as usize * w.in_w as usize;
            let top = (y * w.stride_h as usize) as isize - w.pad_top as isize;
            let from = if self.lines == 0 {
                let start = (image + top as usize * w.in_w as usize) * pixel + self.channel;
                x.wrapping_add(start)
            } else {
                // SAFETY: an image of x.
                unsafe { self.copy(x.wrapping_add(image * w.in_c as usize), top, lines, buffer) };
                buffer.as_ptr().cast()
            };
            f(from, &places, end - row);
            row = end;
        }
    }

    /// Copies the input lines under `lines` output lines, the first of which reads from line `top`.
    ///
    /// # Safety
    /// `image` is readable for one image of the input.
    unsafe fn copy(
        &self,
        image: *const f32,
        top: isize,
        lines: usize,
        buffer: &mut [MaybeUninit<f32>],
    ) {
        let w = self.window;
        let (c, in_c, in_w) = (self.channels, w.in_c as usize, w.in_w as usize);
        let left = (w.pad_left as usize).min(self.span);
        let middle = in_w.min(self.span - left);
        let count = (lines - 1) * w.stride_h as usize + self.reach;
        let zero = |to: &mut [MaybeUninit<f32>]| to.fill(MaybeUninit::new(0.0));
        for (i, to) in buffer
            .chunks_exact_mut(self.span * c)
            .take(count)
            .enumerate()
        {
            let y = top + i as isize;
            if y < 0 || y >= w.in_h as isize {
                zero(to);
                continue;
            }
            zero(&mut to[..left * c]);
            zero(&mut to[(left + middle) * c..]);
            let to = &mut to[left * c..(left + middle) * c];
            let from = image.wrapping_add(y as usize * in_w * in_c + self.channel);
            // SAFETY: `middle` pixels of a line of the input, `c` channels of each.
            unsafe {
                if c == in_c {
                    let to = to.as_mut_ptr().cast();
                    core::ptr::copy_nonoverlapping(from, to, middle * c);
                    continue;
                }
                for (pixel, to) in to.chunks_exact_mut(c).enumerate() {
                    let to = to.as_mut_ptr().cast();
                    core::ptr::copy_nonoverlapping(from.add(pixel * in_c), to, c);
                }
            }
        }
    }
}
