//! The steps of a plan: one fused operation each, with all parameters resolved.
//!
//! Integer formulas: `finish(v) = rhe(clamp(v, f32(lo − y_zero), f32(hi − y_zero))) + y_zero` with `rhe` round
//! half to even; all f32 arithmetic unfused in the order written. Float convolution: `acc = bias`, then
//! `acc = fma(x, w, acc)` over K in order, the border reading +0.0, then the clamp.

mod general;

pub use general::*;
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::tensor::TensorId;
use crate::window::Window;

/// Function of an element-wise f32 step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Unary {
    Clamp = 0,
    LeakyRelu = 1,
    Elu = 2,
    Sigmoid = 3,
    HardSigmoid = 4,
    HardSwish = 5,
    Silu = 6,
    Tanh = 7,
    Gelu = 8,
    GeluTanh = 9,
    Softplus = 10,
    Exp = 11,
    Log = 12,
    Sqrt = 13,
    Reciprocal = 14,
    Erf = 15,
    Neg = 16,
    Abs = 17,
    Floor = 18,
    Ceil = 19,
    Round = 20,
}

/// Function of a two-operand step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Binary {
    Add = 0,
    Sub = 1,
    Mul = 2,
    Div = 3,
    Pow = 4,
    Max = 5,
    Min = 6,
}

/// A reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Reduce {
    Sum = 0,
    Mean = 1,
    Max = 2,
    Min = 3,
    Prod = 4,
}

/// The cell of a recurrent step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Cell {
    /// One gate.
    Rnn = 0,
    /// Gates z, r, n; the reset gate scales the state before its product.
    Gru = 1,
    /// Gates z, r, n; the reset gate scales the product.
    GruResetAfter = 2,
    /// Gates i, o, f, c.
    Lstm = 3,
    /// As Lstm with `f = 1 − i`.
    LstmCoupled = 4,
}

impl Cell {
    /// Gates of the cell.
    pub const fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru | Self::GruResetAfter => 3,
            Self::Lstm | Self::LstmCoupled => 4,
        }
    }

    /// States of the cell: 2 for an LSTM.
    pub const fn states(self) -> usize {
        match self {
            Self::Rnn | Self::Gru | Self::GruResetAfter => 1,
            Self::Lstm | Self::LstmCoupled => 2,
        }
    }
}

/// Function of an activation inside a recurrent cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Gate {
    #[default]
    Sigmoid = 0,
    Tanh = 1,
    Relu = 2,
    Affine = 3,
    LeakyRelu = 4,
    ThresholdedRelu = 5,
    ScaledTanh = 6,
    HardSigmoid = 7,
    Elu = 8,
    Softsign = 9,
    Softplus = 10,
}

/// An activation inside a recurrent cell with its attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Activation {
    pub function: Gate,
    pub alpha: f32,
    pub beta: f32,
}

/// Most dimensions of a strided loop.
pub const MAX_LOOP: usize = 6;

/// A loop over at most [`MAX_LOOP`] dimensions, outermost first, unused ones leading with length 1.
pub type Dims = [u32; MAX_LOOP];
/// A stride in elements for each dimension of a loop; 0 repeats.
pub type Strides = [i32; MAX_LOOP];

/// Integer convolution and dense product. `y = finish(f32(bias + Σ x · w) · scale[c])`; the packed bias already
/// holds `− x_zero · Σ w`, and the border reads `x_zero`.
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
#[allow(missing_docs)]
pub struct ConvI8 {
    pub x: TensorId,
    pub weights: TensorId,
    /// i32, padded to blocks.
    pub bias: TensorId,
    /// i32, padded to blocks: `bias − 128 · Σ w`, for machines that multiply unsigned by signed (x + 128).
    pub bias_unsigned: TensorId,
    /// f32, padded to blocks.
    pub scale: TensorId,
    pub y: TensorId,
    pub window: Window,
    pub groups: u32,
    pub x_zero: i32,
    pub y_zero: i32,
    pub lo: i32,
    pub hi: i32,
}

/// Integer depthwise convolution with one output channel an input channel. Formula as [`ConvI8`].
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
#[allow(missing_docs)]
pub struct DepthwiseI8 {
    pub x: TensorId,
    pub weights: TensorId,
    /// i32, padded: holds `− x_zero · Σ w` as [`ConvI8::bias`] does; the border reads `x_zero`.
    pub bias: TensorId,
    /// f32, padded.
    pub scale: TensorId,
    pub y: TensorId,
    pub window: Window,
    pub x_zero: i32,
    pub y_zero: i32,
    pub lo: i32,
    pub hi: i32,
}

/// Float convolution and dense product; weights f32 or f16 (converted to f32 before the product).
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ConvF32 {
    pub x: TensorId,
    pub y: TensorId,
    pub weights: TensorId,
    /// f32, padded to blocks.
    pub bias: TensorId,
    pub window: Window,
    pub groups: u32,
    pub lo: f32,
    pub hi: f32,
}

/// Float depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct DepthwiseF32 {
    pub x: TensorId,
    pub y: TensorId,
    pub weights: TensorId,
    /// f32, padded.
    pub bias: TensorId,
    pub window: Window,
    pub lo: f32,
    pub hi: f32,
}

/// `a [batch, m, k] · b [batch, k, n]` in f32, both in working memory; batches strided (0 repeats).
/// `acc = +0.0`, `acc = fma(a, b, acc)` over K in order.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct MatMulF32 {
    pub a: TensorId,
    pub b: TensorId,
    pub y: TensorId,
    pub batch: u32,
    pub m: u32,
    pub k: u32,
    pub n: u32,
    pub a_batch_stride: u32,
    pub b_batch_stride: u32,
}

/// Integer element-wise step with broadcasting. Add, Sub: `finish(f32(a − a_zero) · a_scale ± f32(b − b_zero) ·
/// b_scale)`; Mul: `finish(f32((a − a_zero)(b − b_zero)) · a_scale)`; Max, Min: integers, clamped to lo, hi.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct BinaryI8 {
    pub function: Binary,
    pub a: TensorId,
    pub b: TensorId,
    pub y: TensorId,
    pub dims: Dims,
    pub a_strides: Strides,
    pub b_strides: Strides,
    pub a_zero: i32,
    pub b_zero: i32,
    pub a_scale: f32,
    pub b_scale: f32,
    pub y_zero: i32,
    pub lo: i32,
    pub hi: i32,
}

/// Float element-wise step with broadcasting.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct BinaryF32 {
    pub function: Binary,
    pub a: TensorId,
    pub b: TensorId,
    pub y: TensorId,
    pub dims: Dims,
    pub a_strides: Strides,
    pub b_strides: Strides,
    pub lo: f32,
    pub hi: f32,
}

/// `y = table[x + 128]`: any function of one int8.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct TableI8 {
    pub x: TensorId,
    pub y: TensorId,
    /// i8, 256 elements.
    pub table: TensorId,
}

/// Float function of one element; `alpha`, `beta` are its attributes (for Clamp lo and hi).
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct UnaryF32 {
    pub function: Unary,
    pub x: TensorId,
    pub y: TensorId,
    pub alpha: f32,
    pub beta: f32,
}

/// f32 → int8 (or uint8 at an output): `finish(x / scale)` with `y_zero = zero`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Quantize {
    pub x: TensorId,
    pub y: TensorId,
    pub scale: f32,
    pub zero: i32,
}

/// int8 (uint8) → f32: `f32(x − zero) · scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Dequantize {
    pub x: TensorId,
    pub y: TensorId,
    pub scale: f32,
    pub zero: i32,
}

/// Flips the top bit: uint8 ↔ int8, at inputs and outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct FlipSign {
    pub x: TensorId,
    pub y: TensorId,
}

/// Integer pooling. Max: the largest, then the clamp. Mean: `finish(f32(Σ (x − x_zero)) · (ratio / f32(count)))`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct PoolI8 {
    /// Max or Mean.
    pub kind: Reduce,
    pub x: TensorId,
    pub y: TensorId,
    pub window: Window,
    /// 1: count is always the number of taps; 0: the taps inside the input.
    pub count_border: u32,
    pub ratio: f32,
    pub x_zero: i32,
    pub y_zero: i32,
    pub lo: i32,
    pub hi: i32,
}

/// Float pooling. Mean: sum over taps in order, divided by the count.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct PoolF32 {
    /// Max or Mean.
    pub kind: Reduce,
    pub x: TensorId,
    pub y: TensorId,
    pub window: Window,
    pub count_border: u32,
}

/// Reduction of the middle of `[outer, count, inner]` in int8. Sum, Mean: `finish(f32(Σ (x − x_zero)) · ratio)`
/// where ratio already holds the division by count; Max, Min: integers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ReduceI8 {
    pub kind: Reduce,
    pub x: TensorId,
    pub y: TensorId,
    pub outer: u32,
    pub count: u32,
    pub inner: u32,
    pub ratio: f32,
    pub x_zero: i32,
    pub y_zero: i32,
    pub lo: i32,
    pub hi: i32,
}

/// Reduction of the middle of `[outer, count, inner]` in f32. With inner 1, sums run over the fixed tree of 16
/// lanes; otherwise over count in order. Mean divides the sum by f32(count).
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ReduceF32 {
    pub kind: Reduce,
    pub x: TensorId,
    pub y: TensorId,
    pub outer: u32,
    pub count: u32,
    pub inner: u32,
}

/// Softmax over rows of `count` in f32: `m = max`, `e = exp(x − m)`, `y = e / Σ e`, the sum over the tree of 16 lanes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct SoftmaxF32 {
    pub x: TensorId,
    pub y: TensorId,
    pub outer: u32,
    pub count: u32,
}

/// Softmax over rows of `count` in int8: `e = table[max − x]`, `y = finish((e / Σ e) / scale)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct SoftmaxI8 {
    pub x: TensorId,
    pub y: TensorId,
    /// f32, 256 elements: `exp(f32(−i) · x_scale)`.
    pub table: TensorId,
    pub outer: u32,
    pub count: u32,
    pub scale: f32,
    pub y_zero: i32,
}

/// Moves elements of `element_bytes` (1, 2, 4, 8): `y[y_offset + Σ i·y_strides] = x[x_offset + Σ i·x_strides]` over
/// `dims`. Transpose, slice, concat, broadcast, nearest resize by whole factors.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Copy {
    pub x: TensorId,
    pub y: TensorId,
    pub element_bytes: u32,
    pub dims: Dims,
    pub x_offset: u32,
    pub x_strides: Strides,
    pub y_offset: u32,
    pub y_strides: Strides,
}

/// Sets every element of `y` to the low `element_bytes` of `bits`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Fill {
    pub y: TensorId,
    pub element_bytes: u32,
    pub bits: u32,
}

/// Rows of `width` elements of `table` by i32 indices; a row of `zero` bits outside `0..rows`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Embedding {
    pub indices: TensorId,
    pub table: TensorId,
    pub y: TensorId,
    pub rows: u32,
    pub width: u32,
    pub element_bytes: u32,
    /// The element of a missing row (0, or the zero point).
    pub zero: u32,
}

/// A recurrent layer in one direction, f32: `x [steps, batch, gates · hidden]`, `r` packed a gate
/// (`[gates][⌈hidden/16⌉][hidden][16]`, f32 or f16), `bias` padded a gate, `h [batch, hidden]`, and where they count
/// `c [batch, hidden]`, `peepholes [3 · hidden]` in the order i, o, f, `lengths [batch]` (i32) → `y [steps + states,
/// batch, hidden]`: the hidden state after each step, then the last states.
///
/// Per step `q[g] = bias[g]`, `q[g] = fma(h, r[g], q[g])` over hidden in order; arguments of `u` and `v` bounded to ±clip
/// (`u`, `v`, `w` are ONNX's f, g, h):
/// RNN `h = u(x + q)`; GRU `z = u(x_z + q_z)`, `r = u(x_r + q_r)`, `n = v(x_n + q_n)` with `q_n` of `r · h`, or
/// `n = v(x_n + r · q_n)`, `h = (1 − z) · n + z · h`; LSTM `i = u((x_i + q_i) + p_i · c)`, `f` alike or `1 − i`,
/// `n = v(x_c + q_c)`, `c = f · c + i · n`, `o = u((x_o + q_o) + p_o · c)`, `h = o · w(c)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct RecurrentF32 {
    pub x: TensorId,
    pub r: TensorId,
    pub bias: TensorId,
    pub h: TensorId,
    /// `h` where the cell has no such state.
    pub c: TensorId,
    /// `h` where there are none.
    pub peepholes: TensorId,
    /// `h` where every row has all steps.
    pub lengths: TensorId,
    pub y: TensorId,
    pub cell: Cell,
    pub u: Activation,
    pub v: Activation,
    pub w: Activation,
    /// Infinity for no bound.
    pub clip: f32,
    pub steps: u32,
    pub batch: u32,
    pub hidden: u32,
    /// 1: from the last step to the first.
    pub reverse: u32,
    /// 1: `peepholes` count.
    pub has_peepholes: u32,
    /// 1: `lengths` count.
    pub has_lengths: u32,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Op {
    ConvI8(ConvI8),
    DepthwiseI8(DepthwiseI8),
    ConvF32(ConvF32),
    DepthwiseF32(DepthwiseF32),
    MatMulF32(MatMulF32),
    BinaryI8(BinaryI8),
    BinaryF32(BinaryF32),
    TableI8(TableI8),
    UnaryF32(UnaryF32),
    Quantize(Quantize),
    Dequantize(Dequantize),
    FlipSign(FlipSign),
    PoolI8(PoolI8),
    PoolF32(PoolF32),
    ReduceI8(ReduceI8),
    ReduceF32(ReduceF32),
    SoftmaxF32(SoftmaxF32),
    SoftmaxI8(SoftmaxI8),
    Copy(Copy),
    Fill(Fill),
    Embedding(Embedding),
    Compare(Compare),
    BinaryWhole(BinaryWhole),
    UnaryWhole(UnaryWhole),
    RareF32(RareF32),
    Select(Select),
    Convert(Convert),
    ReduceWhole(ReduceWhole),
    ArgReduce(ArgReduce),
    Cumulate(Cumulate),
    TopK(TopK),
    Gather(Gather),
    GatherElements(GatherElements),
    GatherNd(GatherNd),
    ScatterElements(ScatterElements),
    ScatterNd(ScatterNd),
    SparseRows(SparseRows),
    NonMaxSuppression(NonMaxSuppression),
    RecurrentF32(RecurrentF32),
}
