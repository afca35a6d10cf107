//! Operators over windows: convolution and pooling. Spatial vectors have one entry a spatial axis (1 or 2).

use super::Clamp;

/// Attributes of a convolution; kernel size and channels come from the weight's shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Step of the window.
    pub strides: Vec<usize>,
    /// Distance of neighbouring taps.
    pub dilations: Vec<usize>,
    /// Border before, in elements that read as zero (the zero point in int8).
    pub pads_before: Vec<usize>,
    /// Border after.
    pub pads_after: Vec<usize>,
    /// Number of groups; input and output channels are multiples of it.
    pub groups: usize,
    /// Fused bounds of the result.
    pub clamp: Option<Clamp>,
}

/// Which pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest element; the border never wins.
    Max,
    /// The mean of the elements.
    Average,
}

/// Attributes of a pooling over `[N, S…, C]`. `ceil_mode` is resolved into `pads_after`;
/// elements that only ceil mode added are never counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Which pooling.
    pub kind: PoolKind,
    /// Window size.
    pub kernel: Vec<usize>,
    /// Step of the window.
    pub strides: Vec<usize>,
    /// Distance of neighbouring taps.
    pub dilations: Vec<usize>,
    /// Border before.
    pub pads_before: Vec<usize>,
    /// Border after.
    pub pads_after: Vec<usize>,
    /// Average divides by the window size even where it overlaps the border.
    pub count_include_pad: bool,
}
