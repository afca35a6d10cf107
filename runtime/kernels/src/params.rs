//! Parameters of kernels: a step of a plan with its tensors resolved to slices.

use redpoll_plan::Window;
use redpoll_plan::op;

/// The operand of an element-wise kernel: another buffer, or the result's own.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a, T> {
    /// Elements elsewhere.
    Slice(&'a [T]),
    /// The elements that the result's buffer holds; they are overwritten.
    InPlace,
}

/// The part of a convolution's output that one call computes: rows are output pixels (batch · h · w), channels
/// are of one group when there are groups. `y` holds exactly these rows, `channels.len()` elements each, so
/// either all channels are asked for or one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Output pixels.
    pub rows: core::ops::Range<usize>,
    /// Output channels; starts at a multiple of 16.
    pub channels: core::ops::Range<usize>,
}

/// Weights of a float kernel.
#[derive(Clone, Copy, Debug)]
pub enum FloatWeights<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Half precision bits, widened before the product.
    F16(&'a [u16]),
}

/// How an integer result is finished: see `redpoll_plan::op`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Finish {
    pub y_zero: i32,
    pub lo: i32,
    pub hi: i32,
}

/// See `redpoll_plan::op::ConvI8`.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct ConvI8<'a> {
    pub window: Window,
    pub groups: usize,
    pub weights: &'a [i8],
    pub bias: &'a [i32],
    pub bias_unsigned: &'a [i32],
    pub scale: &'a [f32],
    pub x_zero: i8,
    pub finish: Finish,
}

/// See `redpoll_plan::op::DepthwiseI8`.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct DepthwiseI8<'a> {
    pub window: Window,
    pub weights: &'a [i8],
    pub bias: &'a [i32],
    pub scale: &'a [f32],
    pub x_zero: i8,
    pub finish: Finish,
}

/// See `redpoll_plan::op::ConvF32`.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct ConvF32<'a> {
    pub window: Window,
    pub groups: usize,
    pub weights: FloatWeights<'a>,
    pub bias: &'a [f32],
    pub lo: f32,
    pub hi: f32,
}

/// See `redpoll_plan::op::DepthwiseF32`.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct DepthwiseF32<'a> {
    pub window: Window,
    pub weights: FloatWeights<'a>,
    pub bias: &'a [f32],
    pub lo: f32,
    pub hi: f32,
}

/// A recurrent cell: see `redpoll_plan::op::RecurrentF32`.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Cell<'a> {
    pub kind: op::Cell,
    pub u: op::Activation,
    pub v: op::Activation,
    pub w: op::Activation,
    /// Infinity for no bound.
    pub clip: f32,
    pub hidden: usize,
    /// `[3][hidden]`: of the input, output and forget gate.
    pub peepholes: Option<&'a [f32]>,
}
