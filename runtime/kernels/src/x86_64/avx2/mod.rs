//! The tier of AVX2 with FMA: Haswell, Zen and later.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `conv_i8.rs`, `gemm_i8.rs` | 6 rows × 8 channels, 2 rows × 16 |
//! | `depthwise_i8` | `depthwise_i8.rs`, `columns.rs` | 16 channels, two taps an instruction |
//! | `conv_f32` | `gemm_f32.rs`, `../conv_f32.rs` | 6 rows × 16 channels |
//! | `depthwise_f32` | `depthwise_f32.rs` | 16 channels |
//! | `copy` | `copy.rs` | 16 × 16 bytes, runs |
//! | all element-wise, pooling, reductions, softmax, recurrent cells, `matmul_f32` | `again.rs` | the definition, compiled for AVX2 |
//!
//! Scalar: `fill`, `embedding`, `table_i8`, `flip_sign`. No kernel uses `vpmaddubsw`: it saturates.

pub(crate) mod again;
mod columns;
mod conv_i8;
pub(super) mod copy;
mod depthwise_f32;
mod depthwise_i8;
pub(super) mod finish;
mod gemm_f32;
mod gemm_i8;
pub(super) mod patches;

use crate::params::{Cell, ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Part, Source};
use crate::tier::Tier;
use core::ops::Range;
use redpoll_plan::op;

/// Kernels for AVX2, FMA and F16C. A value exists only where the CPU has them all: [`Avx2::detect`].
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// Name of the tier.
    pub const NAME: &'static str = "avx2";

    /// The tier, if this CPU and its operating system can run it.
    #[cfg(feature = "std")]
    pub fn detect() -> Option<&'static Self> {
        use std::is_x86_feature_detected as has;
        static TIER: Avx2 = Avx2(());
        let all = has!("avx2") && has!("fma") && has!("f16c");
        all.then_some(&TIER)
    }
}

/// Calls a kernel of this tier.
macro_rules! call {
    ($kernel:path, $($argument:expr),*) => {{
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { $kernel($($argument),*) }
    }};
}

impl Tier for Avx2 {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        30_000
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        call!(conv_i8::conv_i8, p, x, y, part, scratch);
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        call!(depthwise_i8::depthwise_i8, p, x, y, rows);
    }

    fn conv_f32(&self, p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]) {
        call!(gemm_f32::conv_f32, p, x, y, part, scratch);
    }

    fn depthwise_f32(&self, p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        call!(depthwise_f32::depthwise_f32, p, x, y, rows);
    }

    fn matmul_f32(&self, a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize) {
        call!(again::matmul_f32, a, b, y, m, k, n);
    }

    fn binary_i8(&self, p: &op::BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]) {
        call!(again::binary_i8, p, a, b, y);
    }

    fn binary_f32(&self, p: &op::BinaryF32, a: Source<'_, f32>, b: Source<'_, f32>, y: &mut [f32]) {
        call!(again::binary_f32, p, a, b, y);
    }

    fn unary_f32(
        &self,
        function: op::Unary,
        alpha: f32,
        beta: f32,
        x: Source<'_, f32>,
        y: &mut [f32],
    ) {
        call!(again::unary_f32, function, alpha, beta, x, y);
    }

    fn quantize(&self, scale: f32, zero: i32, x: &[f32], y: &mut [i8]) {
        call!(again::quantize, scale, zero, x, y);
    }

    fn dequantize(&self, scale: f32, zero: i32, x: &[i8], y: &mut [f32]) {
        call!(again::dequantize, scale, zero, x, y);
    }

    fn pool_i8(&self, p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        call!(again::pool_i8, p, x, y, rows);
    }

    fn pool_f32(&self, p: &op::PoolF32, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        call!(again::pool_f32, p, x, y, rows);
    }

    fn reduce_i8(&self, p: &op::ReduceI8, x: &[i8], y: &mut [i8]) {
        call!(again::reduce_i8, p, x, y);
    }

    fn reduce_f32(&self, p: &op::ReduceF32, x: &[f32], y: &mut [f32]) {
        call!(again::reduce_f32, p, x, y);
    }

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
        call!(again::recurrent_cell, p, x, q, stride, h, c, y);
    }

    fn recurrent_reset(
        &self,
        p: &Cell<'_>,
        x: &[f32],
        q: &[f32],
        stride: usize,
        h: &[f32],
        out: &mut [f32],
    ) {
        call!(again::recurrent_reset, p, x, q, stride, h, out);
    }

    fn softmax_f32(&self, count: usize, x: Source<'_, f32>, y: &mut [f32]) {
        call!(again::softmax_f32, count, x, y);
    }

    fn softmax_i8(&self, p: &op::SoftmaxI8, table: &[f32; 256], x: &[i8], y: &mut [i8]) {
        call!(again::softmax_i8, p, table, x, y);
    }

    fn copy(&self, p: &op::Copy, x: &[u8], y: &mut [u8]) {
        call!(copy::copy, p, x, y);
    }
}
