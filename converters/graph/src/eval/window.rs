//! Geometry of a window over `[N, S…, C]`, seen as two spatial axes.

use crate::shape::Axis;

/// Batch, two spatial axes, channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) batch: usize,
    pub(super) h: Axis,
    pub(super) w: Axis,
    pub(super) channels: usize,
}

impl Window {
    /// The axes of `x [N, S…, C]`; a single one gets a height of 1.
    pub(super) fn new(x: &[usize], axes: &[Axis]) -> Self {
        let flat = Axis {
            input: 1,
            kernel: 1,
            stride: 1,
            dilation: 1,
            before: 0,
            output: 1,
        };
        let (h, w) = match *axes {
            [h, w] => (h, w),
            [w] => (flat, w),
            _ => (flat, flat),
        };
        Self {
            batch: x[0],
            h,
            w,
            channels: x[x.len() - 1],
        }
    }

    /// Taps of the window.
    pub(super) fn taps(&self) -> usize {
        self.h.kernel * self.w.kernel
    }

    /// Output pixels of all batches.
    pub(super) fn pixels(&self) -> usize {
        self.batch * self.h.output * self.w.output
    }

    /// For each tap of output pixel `pixel` in order, where its input pixel starts in the data; `None` in the border.
    pub(super) fn taps_of(&self, pixel: usize) -> impl Iterator<Item = Option<usize>> {
        let this = *self;
        let (rest, ow) = (pixel / this.w.output, pixel % this.w.output);
        let (n, oh) = (rest / this.h.output, rest % this.h.output);
        (0..this.taps()).map(move |tap| {
            let ih = source(&this.h, oh, tap / this.w.kernel)?;
            let iw = source(&this.w, ow, tap % this.w.kernel)?;
            Some(((n * this.h.input + ih) * this.w.input + iw) * this.channels)
        })
    }
}

/// The input position of tap `k` for output `o`, `None` in the border.
fn source(axis: &Axis, o: usize, k: usize) -> Option<usize> {
    (o * axis.stride + k * axis.dilation)
        .checked_sub(axis.before)
        .filter(|&i| i < axis.input)
}
