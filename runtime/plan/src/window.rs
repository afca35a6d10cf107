//! Geometry of a window that slides over `[N, H, W, C]`.

use zerocopy::{FromBytes, Immutable, KnownLayout};

/// Geometry of convolutions and pooling. One-dimensional operators have height 1.
///
/// Output pixel `(y, x)`, tap `(i, j)` reads input pixel `(y · stride_h + i · dilation_h − pad_top,
/// x · stride_w + j · dilation_w − pad_left)`; outside the input it reads the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Window {
    pub batch: u32,
    pub in_h: u32,
    pub in_w: u32,
    pub in_c: u32,
    pub out_h: u32,
    pub out_w: u32,
    pub out_c: u32,
    pub kernel_h: u32,
    pub kernel_w: u32,
    pub stride_h: u32,
    pub stride_w: u32,
    pub dilation_h: u32,
    pub dilation_w: u32,
    pub pad_top: u32,
    pub pad_left: u32,
}

impl Window {
    /// A matrix product of `rows` by `k` with `k` by `n`, as a 1×1 convolution.
    pub fn dense(rows: u32, k: u32, n: u32) -> Self {
        Self {
            batch: 1,
            in_h: 1,
            in_w: rows,
            in_c: k,
            out_h: 1,
            out_w: rows,
            out_c: n,
            kernel_h: 1,
            kernel_w: 1,
            stride_h: 1,
            stride_w: 1,
            dilation_h: 1,
            dilation_w: 1,
            pad_top: 0,
            pad_left: 0,
        }
    }

    /// Output pixels: batch · out_h · out_w.
    pub fn rows(&self) -> usize {
        self.batch as usize * self.out_h as usize * self.out_w as usize
    }

    /// Taps of the window.
    pub fn taps(&self) -> usize {
        self.kernel_h as usize * self.kernel_w as usize
    }

    /// True when every output pixel reads exactly the input pixel of the same index: a matrix product.
    pub fn is_pointwise(&self) -> bool {
        self.kernel_h == 1
            && self.kernel_w == 1
            && self.stride_h == 1
            && self.stride_w == 1
            && self.pad_top == 0
            && self.pad_left == 0
            && self.in_h == self.out_h
            && self.in_w == self.out_w
    }
}
