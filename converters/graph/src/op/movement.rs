//! Attributes of operators that move elements without arithmetic, and of resizing.

use super::SparseRows;

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

impl Resize {
    /// For each result along spatial `axis`, which was `input` long, the element that is nearest.
    pub fn nearest_places(
        &self,
        axis: usize,
        input: usize,
        rounding: NearestRounding,
    ) -> Vec<usize> {
        let place = |o| nearest(coordinate(self, axis, o, input), rounding, input);
        (0..self.sizes[axis]).map(place).collect()
    }

    /// For each result along spatial `axis`, which was `input` long, its two neighbours with their weights, as a map along
    /// axis `axis + 1` of the data.
    pub fn linear_rows(&self, axis: usize, input: usize) -> SparseRows {
        let (mut starts, mut index, mut weights) = (vec![0], Vec::new(), Vec::new());
        for o in 0..self.sizes[axis] {
            let (low, high, share) = between(coordinate(self, axis, o, input), input);
            index.extend([low as u32, high as u32]);
            weights.extend([1.0 - share, share]);
            starts.push(index.len() as u32);
        }
        SparseRows {
            axis: axis + 1,
            starts: starts.into(),
            index: index.into(),
            weights: weights.into(),
        }
    }
}

/// The source coordinate of result index `o`.
fn coordinate(resize: &Resize, axis: usize, o: usize, input: usize) -> f32 {
    let (scale, output, o) = (resize.scales[axis], resize.sizes[axis], o as f32);
    match resize.coordinates {
        ResizeCoordinates::Asymmetric => o / scale,
        ResizeCoordinates::PytorchHalfPixel if output == 1 => 0.0,
        ResizeCoordinates::HalfPixel | ResizeCoordinates::PytorchHalfPixel => {
            (o + 0.5) / scale - 0.5
        }
        ResizeCoordinates::AlignCorners if output == 1 => 0.0,
        ResizeCoordinates::AlignCorners => o * (input - 1) as f32 / (output - 1) as f32,
    }
}

fn nearest(x: f32, rounding: NearestRounding, size: usize) -> usize {
    let rounded = match rounding {
        NearestRounding::Floor => x.floor(),
        NearestRounding::Ceil => x.ceil(),
        NearestRounding::PreferFloor => (x - 0.5).ceil(),
        NearestRounding::PreferCeil => (x + 0.5).floor(),
    };
    (rounded.max(0.0) as usize).min(size - 1)
}

/// The neighbours of a coordinate and how far it lies from the first to the second.
fn between(x: f32, size: usize) -> (usize, usize, f32) {
    let x = x.max(0.0).min((size - 1) as f32);
    let low = x as usize;
    (low, (low + 1).min(size - 1), x - low as f32)
}
