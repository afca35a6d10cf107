//! Steps for what models do besides heavy arithmetic: comparisons, whole numbers, choices, order, indices.
//!
//! The element type is that of the operands; each step's docs say which are possible. Truth values are bytes 0 and 1.

use super::{Dims, Reduce, Strides};
use crate::tensor::TensorId;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Comparison {
    Equal = 0,
    Less = 1,
    Greater = 2,
    LessOrEqual = 3,
    GreaterOrEqual = 4,
}

/// A function of two whole numbers; And, Or and Xor also of truth values, Mod and Fmod also of f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Whole {
    Add = 0,
    Sub = 1,
    Mul = 2,
    Div = 3,
    Pow = 4,
    Max = 5,
    Min = 6,
    /// Remainder with the divisor's sign.
    Mod = 7,
    /// Remainder with the dividend's sign.
    Fmod = 8,
    And = 9,
    Or = 10,
    Xor = 11,
    ShiftLeft = 12,
    /// Zeros come in from the top.
    ShiftRight = 13,
}

/// A function of one whole number; Not of truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum WholeOne {
    Neg = 0,
    Abs = 1,
    Sign = 2,
    Not = 3,
    BitNot = 4,
    /// The low `bits`, zeros above.
    WrapUnsigned = 5,
    /// The low `bits`, their top one repeated above.
    WrapSigned = 6,
}

/// A float function that few models need, and tests of floats, which give truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Rare {
    Sin = 0,
    Cos = 1,
    Tan = 2,
    Asin = 3,
    Acos = 4,
    Atan = 5,
    Sinh = 6,
    Cosh = 7,
    Asinh = 8,
    Acosh = 9,
    Atanh = 10,
    Sign = 11,
    IsNan = 12,
    IsInf = 13,
    IsPositiveInf = 14,
    IsNegativeInf = 15,
}

/// What a scattered element does to the one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum ScatterMode {
    Replace = 0,
    Add = 1,
    Mul = 2,
    Max = 3,
    Min = 4,
}

/// Compares element by element with broadcasting: f32, i8, u8, i32, i64, bool → bool.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Compare {
    pub function: Comparison,
    pub a: TensorId,
    pub b: TensorId,
    pub y: TensorId,
    pub dims: Dims,
    pub a_strides: Strides,
    pub b_strides: Strides,
}

/// A function of two whole numbers (i32, i64), truth values or, for the remainders, f32, with broadcasting. Whole
/// numbers wrap around; the run fails at a division by zero and at a power below zero.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct BinaryWhole {
    pub function: Whole,
    pub a: TensorId,
    pub b: TensorId,
    pub y: TensorId,
    pub dims: Dims,
    pub a_strides: Strides,
    pub b_strides: Strides,
}

/// A function of one whole number (i32, i64) or truth value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct UnaryWhole {
    pub function: WholeOne,
    pub x: TensorId,
    pub y: TensorId,
    /// Bits kept when wrapping, 1 to 32; 0 otherwise.
    pub bits: u32,
}

/// A float function that few models need.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct RareF32 {
    pub function: Rare,
    pub x: TensorId,
    pub y: TensorId,
}

/// `condition ? a : b` with broadcasting, of any type.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Select {
    pub condition: TensorId,
    pub a: TensorId,
    pub b: TensorId,
    pub y: TensorId,
    pub dims: Dims,
    pub condition_strides: Strides,
    pub a_strides: Strides,
    pub b_strides: Strides,
}

/// Another element type, f16 excepted. Floats to integers truncate and saturate, NaN to 0; integers keep their low bits;
/// to bool is `≠ 0`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Convert {
    pub x: TensorId,
    pub y: TensorId,
}

/// Reduction of the middle of `[outer, count, inner]` in whole numbers (i32, i64), wrapping around; a mean truncates.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ReduceWhole {
    pub kind: Reduce,
    pub x: TensorId,
    pub y: TensorId,
    pub outer: u32,
    pub count: u32,
    pub inner: u32,
}

/// Where the greatest (least) of the middle of `[outer, count, inner]` is, i64: the first or last of equal ones. NaN
/// never wins.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ArgReduce {
    pub x: TensorId,
    pub y: TensorId,
    pub least: u32,
    pub last: u32,
    pub outer: u32,
    pub count: u32,
    pub inner: u32,
}

/// Running sums or products along the middle of `[outer, count, inner]`: f32, i32, i64.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Cumulate {
    pub x: TensorId,
    pub y: TensorId,
    pub product: u32,
    pub exclusive: u32,
    pub reverse: u32,
    pub outer: u32,
    pub count: u32,
    pub inner: u32,
}

/// The `k` greatest (least) of the middle of `[outer, count, inner]` in order, or their places (i64): the first of equal
/// ones first, NaN greatest. Time grows with `k · count`, memory is not needed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct TopK {
    pub x: TensorId,
    pub y: TensorId,
    pub k: u32,
    pub largest: u32,
    pub indices: u32,
    pub outer: u32,
    pub count: u32,
    pub inner: u32,
}

/// Slices of the middle of `x [outer, size, inner]` by indices (i32, i64; negative counts from the end): `[outer,
/// indices, inner]`, of any type. The run fails at an index outside.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Gather {
    pub x: TensorId,
    pub indices: TensorId,
    pub y: TensorId,
    pub outer: u32,
    pub size: u32,
    pub inner: u32,
}

/// An element of `x` for each index, which replaces the loop's index along one axis: `x[Σ i·x_strides + index ·
/// axis_stride]`, the stride of that axis in `x_strides` being 0. The run fails at an index outside `−size..size`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct GatherElements {
    pub x: TensorId,
    pub indices: TensorId,
    pub y: TensorId,
    pub dims: Dims,
    pub x_strides: Strides,
    pub size: u32,
    pub axis_stride: u32,
}

/// Slices of `run` elements of `x [batches, area]` by tuples of `depth` indices: `tuples` a batch, each index `k` within
/// `sizes[k]` and times `strides[k]`. The run fails at an index outside.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct GatherNd {
    pub x: TensorId,
    pub indices: TensorId,
    pub y: TensorId,
    pub batches: u32,
    pub tuples: u32,
    pub depth: u32,
    pub sizes: Dims,
    pub strides: Dims,
    pub run: u32,
}

/// `y = x`, then for each index in order the update is put to `y[Σ i·y_strides + index · axis_stride]`. All but Replace on
/// f32, i32, i64 only. The run fails at an index outside.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ScatterElements {
    pub mode: ScatterMode,
    pub x: TensorId,
    pub indices: TensorId,
    pub updates: TensorId,
    pub y: TensorId,
    pub dims: Dims,
    pub y_strides: Strides,
    pub size: u32,
    pub axis_stride: u32,
}

/// `y = x`, then slices of `run` updates put in by tuples of indices, as [`GatherNd`] reads them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ScatterNd {
    pub mode: ScatterMode,
    pub x: TensorId,
    pub indices: TensorId,
    pub updates: TensorId,
    pub y: TensorId,
    pub tuples: u32,
    pub depth: u32,
    pub sizes: Dims,
    pub strides: Dims,
    pub run: u32,
}

/// A linear map along the middle of `x [outer, size, inner]`: result `j` is `w₀·x[i₀] + w₁·x[i₁] + …` over entries
/// `starts[j]..starts[j + 1]`, in order, unfused; 0 without entries.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct SparseRows {
    pub x: TensorId,
    /// i32, one more than results.
    pub starts: TensorId,
    /// i32, one an entry.
    pub index: TensorId,
    /// f32, one an entry.
    pub weights: TensorId,
    pub y: TensorId,
    pub outer: u32,
    pub size: u32,
    pub inner: u32,
}

/// Of boxes that overlap, those with the best scores: `boxes [images, count, 4]`, `scores [images, classes, count]` →
/// `[images · classes · per_class + 1, 3]`, i64: rows of image, class and box, by image, class and falling score (of
/// equal ones the first box first), zeros behind them; the last row is their number, 0 and 0.
///
/// A box is chosen when its score is above `score` and no box of its class that was chosen before shares more than `iou`
/// of what both cover: `intersection / ((a + b) − intersection)`, areas in f32, unfused; 0 without area or in common.
/// `centers`: boxes are `[x, y, width, height]` about their centre, else opposite corners `[y, x, y, x]`. Time grows with
/// `count²` at most, memory is not needed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct NonMaxSuppression {
    pub boxes: TensorId,
    pub scores: TensorId,
    pub y: TensorId,
    pub images: u32,
    pub classes: u32,
    pub count: u32,
    pub per_class: u32,
    pub iou: f32,
    pub score: f32,
    pub centers: u32,
}
