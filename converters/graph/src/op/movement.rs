//! Attributes of operators that move elements without arithmetic, and of resizing.

/// One axis of a slice: elements `start, start + step, …`, `len` of them, all within the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceAxis {
    /// First element taken.
    pub start: usize,
    /// Distance; negative walks backwards.
    pub step: isize,
    /// Elements taken.
    pub len: usize,
}

/// What a border is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// A constant.
    Constant,
    /// The nearest element inside.
    Edge,
    /// Mirrored, the edge not repeated.
    Reflect,
}

/// Attributes of a padding, one entry an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    /// Elements added before.
    pub before: Vec<usize>,
    /// Elements added after.
    pub after: Vec<usize>,
    /// What they hold.
    pub mode: PadMode,
    /// The constant of [`PadMode::Constant`].
    pub value: f32,
}

/// Interpolation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeMode {
    /// The nearest element, by this rounding of the source coordinate.
    Nearest(NearestRounding),
    /// Bilinear (linear on one axis).
    Linear,
}

/// How a source coordinate becomes an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NearestRounding {
    Floor,
    Ceil,
    PreferFloor,
    PreferCeil,
}

/// From a result's coordinate to the source's (ONNX names).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ResizeCoordinates {
    Asymmetric,
    HalfPixel,
    PytorchHalfPixel,
    AlignCorners,
}

/// Attributes of a resize of the spatial axes of `[N, S…, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resize {
    /// Interpolation.
    pub mode: ResizeMode,
    /// Coordinate rule.
    pub coordinates: ResizeCoordinates,
    /// New spatial sizes.
    pub sizes: Vec<usize>,
    /// Scales used by the coordinate rule (result / source), one a spatial axis.
    pub scales: Vec<f32>,
}
