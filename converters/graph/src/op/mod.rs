//! The closed set of operators, float and int8 alike.
//!
//! # Integer semantics
//! When the data inputs of an operator are quantised, it computes in integers. With `s`, `z` the scale
//! and zero point of an operand, `rhe` round half to even, all real arithmetic in f32, unfused, in the
//! order written, and `finish(v) = rhe(clamp(v, f32(lo − z_y), f32(hi − z_y))) + z_y` where `[lo, hi]`
//! is the range of the output type cut by the quantised bounds of a fused [`Clamp`]:
//!
//! | operator | formula |
//! |---|---|
//! | `Conv`, `Dense` | `finish(f32(acc) · m)`, `acc = bias + Σ (x − z_x) · w` exact in i32, `m = f32(f32(s_x · s_w) / s_y)` per channel |
//! | `Add`, `Sub` | `finish(f32(a − z_a) · r_a ± f32(b − z_b) · r_b)`, `r_a = f32(s_a / s_y)`, `r_b = f32(s_b / s_y)` |
//! | `Mul` | `finish(f32((a − z_a)(b − z_b)) · m)`, `m = f32(f32(s_a · s_b) / s_y)` |
//! | average, `Mean` | `finish(f32(Σ (x − z_x)) · m)`, `m = f32(f32(s_x / s_y) / f32(count))` |
//! | `Sum` | `finish(f32(Σ (x − z_x)) · f32(s_x / s_y))` |
//! | `MaxPool`, `Max`, `Min`, data movement | integers as they are; operands and result share scale and zero point |
//! | other unary functions | a table of 256: `quantize(f((q − z_x) · s_x))` |
//! | `Softmax` | see [`Op::Softmax`] |
//! | `Quantize` | `finish(x / s_y)`; NaN gives `lo` |
//! | `Dequantize` | `f32(q − z) · s` |
//!
//! A bound of a fused clamp is quantised as `finish` would: `q(b) = rhe(clamp(b / s_y)) + z_y`.

mod clamp;
mod conv;
mod elementwise;
mod index;
mod movement;
mod recurrent;
mod reduce;

pub use clamp::Clamp;
pub use conv::{Conv, Pool, PoolKind};
pub use elementwise::{BinaryFn, UnaryFn};
pub use index::{ArgReduce, Cumulate, NonMaxSuppression, Scatter, SparseRows, TopK};
pub use movement::{
    NearestRounding, Pad, PadMode, Resize, ResizeCoordinates, ResizeMode, SliceAxis,
};
pub use recurrent::{Activation, Cell, Recurrent};
pub use reduce::ReduceKind;

use crate::types::DType;

/// An operator with its attributes. Shapes, axes and the like are resolved: no operator has a
/// shape-valued input.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Convolution over 1 or 2 spatial axes: `x [N, S…, C]`, `w [M, K…, C/groups]`, optional `bias [M]`
    /// → `[N, S'…, M]`. ONNX Conv.
    Conv(Conv),
    /// `x [.., K]`, `w [N, K]`, optional `bias [N]` → `[.., N]`. ONNX Gemm, MatMul with a constant.
    Dense {
        /// Fused bounds of the result.
        clamp: Option<Clamp>,
    },
    /// `a [.., M, K] · b [.., K, N]` with NumPy broadcasting of the leading axes. ONNX MatMul.
    MatMul,
    /// `(x − mean) / sqrt(var + epsilon) · scale + bias` over the last axis; inputs x, scale, bias, mean,
    /// var. ONNX BatchNormalization, inference form.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
    },
    /// Maximum or average over windows.
    Pool(Pool),
    /// An element-wise function of one input.
    Unary(UnaryFn),
    /// An element-wise function of two inputs with NumPy broadcasting.
    Binary {
        /// Which function.
        function: BinaryFn,
        /// Fused bounds of the result (arithmetic functions only).
        clamp: Option<Clamp>,
    },
    /// Reduction over `axes` (sorted, not empty, within the rank).
    Reduce {
        /// Which reduction.
        kind: ReduceKind,
        /// The axes reduced.
        axes: Vec<usize>,
        /// Keeps reduced axes with length 1.
        keep_dims: bool,
    },
    /// Normalised exponential over `axis`: `m = max x`, `e = exp(x − m)`, `y = e / Σ e`.
    ///
    /// In int8: `e[q] = exp(f32(q − max q) · s_x)`, `y = finish((e / Σ e) / s_y)`, the sum in f32 by
    /// the fixed reduction tree of 16 lanes.
    Softmax {
        /// The axis normalised over.
        axis: usize,
    },
    /// The same elements under another shape.
    Reshape {
        /// The new shape; as many elements as before.
        shape: Vec<usize>,
    },
    /// Axis `i` of the result is axis `perm[i]` of the input.
    Transpose {
        /// A permutation of the axes.
        perm: Vec<usize>,
    },
    /// Joins the inputs along `axis`.
    Concat {
        /// The axis joined along.
        axis: usize,
    },
    /// Picks `len` elements from `start` by `step` along every axis (one entry an axis).
    Slice {
        /// One entry an axis of the input.
        axes: Vec<SliceAxis>,
    },
    /// Adds a border. In int8 the constant is the quantised `value`.
    Pad(Pad),
    /// Broadcasts to `shape` (NumPy rules). ONNX Expand.
    Expand {
        /// The result's shape.
        shape: Vec<usize>,
    },
    /// Changes the spatial size of `[N, S…, C]`. ONNX Resize, Upsample.
    Resize(Resize),
    /// `data`, `indices` (i32 or i64; negative counts from the end) → slices of `data` along `axis`.
    Gather {
        /// The axis indexed.
        axis: usize,
    },
    /// Rows of a table: `indices [..]` (i32 or i64), `table [R, W]` → `[.., W]`; a row of zeros for an index
    /// outside `0..R`. One-hot encoding followed by a matrix product becomes this.
    Embedding,
    /// A recurrent layer in one direction, in f32. Operands: `x [T, B, G·H]` (the projected input of all steps, its
    /// bias included), `r [G·H, H]`, `bias [G·H]`, `h [B, H]`; an LSTM's `c [B, H]` and perhaps `peepholes [3·H]`;
    /// perhaps `lengths [B]` (i32). Result `[T + S, B, H]`: the hidden state after each step, then the `S` last
    /// states (hidden, and an LSTM's cell state). Gates lie one after the other in `G·H`.
    ///
    /// Per step with `q[g] = bias[g] + Σ h · r[g]` (fused multiply-add over H in order, starting from the bias), every
    /// argument of `f` and `g` first bounded to ±clip, all else unfused in the order written:
    ///
    /// | cell | formula |
    /// |---|---|
    /// | RNN | `h' = f(x + q)` |
    /// | GRU | `z = f(x_z + q_z)`, `r = f(x_r + q_r)`, `n = g(x_n + q_n)` with `q_n` of `r · h`, or `n = g(x_n + r · q_n)` where the reset comes after; `h' = (1 − z) · n + z · h` |
    /// | LSTM | `i = f((x_i + q_i) + p_i · c)`, `f = f((x_f + q_f) + p_f · c)` or `1 − i`, `n = g(x_c + q_c)`, `c' = f · c + i · n`, `o = f((x_o + q_o) + p_o · c')`, `h' = o · h(c')`; without peepholes no `p · c` is added |
    ///
    /// A row whose steps are over gives zeros and keeps its state. ONNX LSTM, GRU, RNN.
    Recurrent(Recurrent),
    /// `condition` (bool), `a`, `b` → `condition ? a : b` with NumPy broadcasting. ONNX Where.
    Select,
    /// Where the greatest or least element along an axis is, i64; the axis stays with length 1. NaN never wins.
    /// ONNX ArgMax, ArgMin.
    ArgReduce(ArgReduce),
    /// Sums or products of all elements up to each one along an axis. ONNX CumSum, CumProd.
    Cumulate(Cumulate),
    /// The `k` greatest or least elements along an axis in order, or their places; the first of equal ones first, NaN
    /// greatest. ONNX TopK.
    TopK(TopK),
    /// `data`, `indices` (i32 or i64, of the same rank) → an element of `data` for each index, along `axis`.
    GatherElements {
        /// The axis indexed.
        axis: usize,
    },
    /// `data`, `indices [.., n]` → slices of `data` by the first `n` axes after the `batch` that both share.
    GatherNd {
        /// Leading axes that data and indices share.
        batch: usize,
    },
    /// `data`, `indices`, `updates` (shaped like the indices) → `data` with updates put in along `axis`, in order.
    ScatterElements {
        /// The axis indexed.
        axis: usize,
        /// What an update does.
        mode: Scatter,
    },
    /// `data`, `indices [.., n]`, `updates` → `data` with slices put in, in order.
    ScatterNd {
        /// What an update does.
        mode: Scatter,
    },
    /// `boxes [B, N, 4]`, `scores [B, C, N]`, both f32 → `[B · C · per_class + 1, 3]`, i64: rows of image, class and box
    /// of those chosen, by image, class and falling score (of equal ones the first box first); zeros behind them; the
    /// last row is their number, 0 and 0.
    ///
    /// Of the boxes in that order each is chosen whose score is above `score` and whose `intersection / ((a + b) −
    /// intersection)` with no box chosen before is above `iou`, areas in f32, unfused; boxes without area or in common
    /// have 0. ONNX NonMaxSuppression, whose result has only the rows chosen.
    NonMaxSuppression(NonMaxSuppression),
    /// A linear map along an axis, f32.
    SparseRows(SparseRows),
    /// Converts the element type: floats to integers truncate and saturate; to bool is `≠ 0`.
    Cast {
        /// The result's type.
        to: DType,
    },
    /// f32 → int8 or uint8 by the parameters of the output value. ONNX QuantizeLinear.
    Quantize,
    /// int8, uint8 or int32 → f32 by the parameters of the input value. ONNX DequantizeLinear.
    Dequantize,
    /// Changes scale, zero point or signedness of a quantised value: a table of 256,
    /// `quantize(dequantize(q))`.
    Requantize,
}

impl Op {
    /// Name as printed in graphs and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "Conv",
            Self::Dense { .. } => "Dense",
            Self::MatMul => "MatMul",
            Self::BatchNorm { .. } => "BatchNorm",
            Self::Pool(p) => match p.kind {
                PoolKind::Max => "MaxPool",
                PoolKind::Average => "AveragePool",
            },
            Self::Unary(f) => f.name(),
            Self::Binary { function, .. } => function.name(),
            Self::Reduce { kind, .. } => kind.name(),
            Self::Softmax { .. } => "Softmax",
            Self::Reshape { .. } => "Reshape",
            Self::Transpose { .. } => "Transpose",
            Self::Concat { .. } => "Concat",
            Self::Slice { .. } => "Slice",
            Self::Pad(_) => "Pad",
            Self::Expand { .. } => "Expand",
            Self::Resize(_) => "Resize",
            Self::Gather { .. } => "Gather",
            Self::Embedding => "Embedding",
            Self::Recurrent(r) => match r.cell {
                Cell::Rnn => "RNN",
                Cell::Gru { .. } => "GRU",
                Cell::Lstm { .. } => "LSTM",
            },
            Self::Select => "Select",
            Self::ArgReduce(a) if a.least => "ArgMin",
            Self::ArgReduce(_) => "ArgMax",
            Self::Cumulate(c) if c.kind == ReduceKind::Prod => "CumProd",
            Self::Cumulate(_) => "CumSum",
            Self::TopK(_) => "TopK",
            Self::GatherElements { .. } => "GatherElements",
            Self::GatherNd { .. } => "GatherNd",
            Self::ScatterElements { .. } => "ScatterElements",
            Self::ScatterNd { .. } => "ScatterNd",
            Self::NonMaxSuppression(_) => "NonMaxSuppression",
            Self::SparseRows(_) => "SparseRows",
            Self::Cast { .. } => "Cast",
            Self::Quantize => "Quantize",
            Self::Dequantize => "Dequantize",
            Self::Requantize => "Requantize",
        }
    }
}
