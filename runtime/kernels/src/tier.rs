//! The trait that engines call: one method a kernel, the scalar definition as its default.

use crate::params::{Cell, ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Part, Source};
use crate::scalar;
use core::ops::Range;
use redpoll_plan::op;

/// A set of kernels for one instruction set. A value of such a type exists only where the CPU has the
/// instructions. A method that a tier does not override is the scalar definition.
///
/// Buffers are NHWC and dense. `x` is the whole input; `y` covers exactly the part asked for. `scratch` is 64-byte
/// aligned; a convolution that is not pointwise packs input patches into it, rows of
/// `redpoll_plan::layout::patch_stride(K · element size)` bytes, at least one. Its content means nothing between calls.
///
/// # Panics
/// Every method panics if a slice is shorter than the parameters say; none panics on parameters that the plan's check
/// has passed.
#[allow(clippy::too_many_arguments)]
pub trait Tier: Sync {
    /// Short name: "scalar", "avx2".
    fn name(&self) -> &'static str;

    /// About how many int8 multiply-adds of a convolution one core does in a microsecond. Only decides whether a step
    /// is worth dividing among threads; never changes a bit.
    fn macs_per_us(&self) -> u64 {
        2_000
    }

    /// Tells that a product of one row of `k` elements will read `weights` next: a tier may fetch their beginning while the
    /// step is still being prepared.
    fn expect_dense_i8(&self, weights: &[i8], k: usize) {
        let _ = (weights, k);
    }

    /// See [`scalar::conv::conv_i8`].
    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        let _ = scratch;
        scalar::conv::conv_i8(p, x, y, part);
    }

    /// See [`scalar::depthwise::depthwise_i8`].
    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        scalar::depthwise::depthwise_i8(p, x, y, rows);
    }

    /// See [`scalar::conv::conv_f32`].
    fn conv_f32(&self, p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]) {
        let _ = scratch;
        scalar::conv::conv_f32(p, x, y, part);
    }

    /// See [`scalar::depthwise::depthwise_f32`].
    fn depthwise_f32(&self, p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        scalar::depthwise::depthwise_f32(p, x, y, rows);
    }

    /// See [`scalar::matmul::matmul_f32`]; one batch.
    fn matmul_f32(&self, a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize) {
        scalar::matmul::matmul_f32(a, b, y, m, k, n);
    }

    /// See [`scalar::binary::binary_i8`].
    fn binary_i8(&self, p: &op::BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]) {
        scalar::binary::binary_i8(p, a, b, y);
    }

    /// See [`scalar::binary::binary_f32`].
    fn binary_f32(&self, p: &op::BinaryF32, a: Source<'_, f32>, b: Source<'_, f32>, y: &mut [f32]) {
        scalar::binary::binary_f32(p, a, b, y);
    }

    /// See [`scalar::table::table_i8`].
    fn table_i8(&self, table: &[i8; 256], x: Source<'_, i8>, y: &mut [i8]) {
        scalar::table::table_i8(table, x, y);
    }

    /// See [`scalar::unary::unary_f32`].
    fn unary_f32(
        &self,
        function: op::Unary,
        alpha: f32,
        beta: f32,
        x: Source<'_, f32>,
        y: &mut [f32],
    ) {
        scalar::unary::unary_f32(function, alpha, beta, x, y);
    }

    /// See [`scalar::quantize::quantize`].
    fn quantize(&self, scale: f32, zero: i32, x: &[f32], y: &mut [i8]) {
        scalar::quantize::quantize(scale, zero, x, y);
    }

    /// See [`scalar::quantize::dequantize`].
    fn dequantize(&self, scale: f32, zero: i32, x: &[i8], y: &mut [f32]) {
        scalar::quantize::dequantize(scale, zero, x, y);
    }

    /// See [`scalar::unary::flip_sign`].
    fn flip_sign(&self, x: Source<'_, u8>, y: &mut [u8]) {
        scalar::unary::flip_sign(x, y);
    }

    /// See [`scalar::pool::pool_i8`].
    fn pool_i8(&self, p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        scalar::pool::pool_i8(p, x, y, rows);
    }

    /// See [`scalar::pool::pool_f32`].
    fn pool_f32(&self, p: &op::PoolF32, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        scalar::pool::pool_f32(p, x, y, rows);
    }

    /// See [`scalar::reduce::reduce_i8`].
    fn reduce_i8(&self, p: &op::ReduceI8, x: &[i8], y: &mut [i8]) {
        scalar::reduce::reduce_i8(p, x, y);
    }

    /// See [`scalar::reduce::reduce_f32`].
    fn reduce_f32(&self, p: &op::ReduceF32, x: &[f32], y: &mut [f32]) {
        scalar::reduce::reduce_f32(p, x, y);
    }

    /// See [`scalar::softmax::softmax_f32`].
    fn softmax_f32(&self, count: usize, x: Source<'_, f32>, y: &mut [f32]) {
        scalar::softmax::softmax_f32(count, x, y);
    }

    /// See [`scalar::softmax::softmax_i8`].
    fn softmax_i8(&self, p: &op::SoftmaxI8, table: &[f32; 256], x: &[i8], y: &mut [i8]) {
        scalar::softmax::softmax_i8(p, table, x, y);
    }

    /// See [`scalar::copy::copy`].
    fn copy(&self, p: &op::Copy, x: &[u8], y: &mut [u8]) {
        scalar::copy::copy(p, x, y);
    }

    /// See [`scalar::copy::fill`].
    fn fill(&self, p: &op::Fill, y: &mut [u8]) {
        scalar::copy::fill(p, y);
    }

    /// See [`scalar::embedding::embedding`].
    fn embedding(&self, p: &op::Embedding, indices: &[i32], table: &[u8], y: &mut [u8]) {
        scalar::embedding::embedding(p, indices, table, y);
    }

    /// See [`scalar::recurrent::recurrent_cell`].
    fn recurrent_cell(
        &self,
        p: &Cell<'_>,
        x: &[f32],
        q: &[f32],
        stride: usize,
        h: &mut [f32],
        c: &mut [f32],
        y: &mut [f32],
    ) {
        scalar::recurrent::recurrent_cell(p, x, q, stride, h, c, y);
    }

    /// See [`scalar::recurrent::recurrent_reset`].
    fn recurrent_reset(
        &self,
        p: &Cell<'_>,
        x: &[f32],
        q: &[f32],
        stride: usize,
        h: &[f32],
        out: &mut [f32],
    ) {
        scalar::recurrent::recurrent_reset(p, x, q, stride, h, out);
    }
}
