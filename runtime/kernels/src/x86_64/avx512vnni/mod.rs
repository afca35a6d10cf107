//! The tier of AVX-512 with VNNI: Ice Lake, Sapphire Rapids, Zen 4 and later.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `conv_i8.rs`, `gemm_i8.rs`, `patches.rs` | 6 rows × 64 channels, one row × 128 |
//! | `depthwise_i8` | `depthwise_i8.rs`, `columns.rs`, `lanes.rs` | 64 results |
//! | `conv_f32`, `matmul_f32` | `gemm_f32.rs`, `../conv_f32.rs` | 6 rows × 64 channels, one row × 128 |
//! | `depthwise_f32` | `depthwise_f32.rs`, `taps.rs` | 4 pixels × 32 channels |
//! | `binary_i8` (Add, Sub, Mul) | `binary_i8.rs` | 64 elements |
//! | `binary_f32` (Add, Sub, Mul, Div) | `binary.rs` | 16 elements |
//! | `quantize`, `dequantize`, `table_i8` (with VBMI) | `element.rs` | 64 or 16 elements |
//! | `pool_i8`, `reduce_i8` | `pool.rs` | 64 channels |
//! | `recurrent_cell`, `recurrent_reset` | `recurrent.rs` | the definition, compiled for AVX-512 |
//! | `pool_f32` | `pool_f32.rs` | 64 channels |
//! | `unary_f32` (those made from exp, and the simple ones), `softmax_f32` | `unary_f32.rs` | 16 elements |
//! | `reduce_f32` | `again.rs` | the definition, compiled for AVX-512 |
//! | `copy` | `../avx2/copy.rs` | that of the AVX2 tier |
//! | `softmax_i8`, the other functions of `unary_f32` | `../avx2/again.rs` | those of the AVX2 tier |
//!
//! Every other method is the scalar definition.

mod again;
mod binary;
mod binary_i8;
mod columns;
mod conv_i8;
mod depthwise_f32;
mod depthwise_i8;
mod element;
mod epilogue;
mod gemm_f32;
mod gemm_i8;
mod lanes;
mod patches;
mod pool;
mod pool_f32;
mod recurrent;
mod taps;
mod unary_f32;

use crate::params::{Cell, ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Part, Source};
use crate::scalar;
use crate::tier::Tier;
use crate::x86_64::avx2;
use core::ops::Range;
use redpoll_plan::op;

/// Kernels for AVX-512 F, BW, VL, DQ and VNNI, and AVX2. A value exists only where the CPU has them all: [`Avx512Vnni::detect`].
#[derive(Clone, Copy, Debug)]
pub struct Avx512Vnni {
    /// The CPU has AVX-512 VBMI too.
    vbmi: bool,
}

impl Avx512Vnni {
    /// Name of the tier.
    pub const NAME: &'static str = "avx512vnni";

    /// The tier, if this CPU and its operating system can run it.
    #[cfg(feature = "std")]
    pub fn detect() -> Option<&'static Self> {
        use std::is_x86_feature_detected as has;
        static PLAIN: Avx512Vnni = Avx512Vnni { vbmi: false };
        static VBMI: Avx512Vnni = Avx512Vnni { vbmi: true };
        let all = has!("avx512f")
            && has!("avx512bw")
            && has!("avx512vl")
            && has!("avx512dq")
            && has!("avx512vnni")
            && has!("avx2")
            && has!("fma")
            && has!("f16c");
        let tier = if has!("avx512vbmi") { &VBMI } else { &PLAIN };
        all.then_some(tier)
    }
}

impl Tier for Avx512Vnni {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        250_000
    }

    fn expect_dense_i8(&self, weights: &[i8], k: usize) {
        gemm_i8::expect_row(weights, k);
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { conv_i8::conv_i8(p, x, y, part, scratch) }
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { depthwise_i8::depthwise_i8(p, x, y, rows) }
    }

    fn conv_f32(&self, p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { gemm_f32::conv_f32(p, x, y, part, scratch) }
    }

    fn matmul_f32(&self, a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { gemm_f32::matmul_f32(a, b, y, m, k, n) }
    }

    fn depthwise_f32(&self, p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { depthwise_f32::depthwise_f32(p, x, y, rows) }
    }

    fn binary_i8(&self, p: &op::BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { binary_i8::binary_i8(p, a, b, y) }
    }

    fn binary_f32(&self, p: &op::BinaryF32, a: Source<'_, f32>, b: Source<'_, f32>, y: &mut [f32]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { binary::binary_f32(p, a, b, y) }
    }

    fn table_i8(&self, table: &[i8; 256], x: Source<'_, i8>, y: &mut [i8]) {
        if !self.vbmi {
            return scalar::table::table_i8(table, x, y);
        }
        // SAFETY: a value with this field exists only where the CPU has VBMI too.
        unsafe { element::table_i8(table, x, y) }
    }

    fn quantize(&self, scale: f32, zero: i32, x: &[f32], y: &mut [i8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { element::quantize(scale, zero, x, y) }
    }

    fn dequantize(&self, scale: f32, zero: i32, x: &[i8], y: &mut [f32]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { element::dequantize(scale, zero, x, y) }
    }

    fn pool_i8(&self, p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { pool::pool_i8(p, x, y, rows) }
    }

    fn reduce_i8(&self, p: &op::ReduceI8, x: &[i8], y: &mut [i8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { pool::reduce_i8(p, x, y) }
    }

    fn unary_f32(
        &self,
        function: op::Unary,
        alpha: f32,
        beta: f32,
        x: Source<'_, f32>,
        y: &mut [f32],
    ) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { unary_f32::unary_f32(function, alpha, beta, x, y) }
    }

    fn pool_f32(&self, p: &op::PoolF32, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { pool_f32::pool_f32(p, x, y, rows) }
    }

    fn reduce_f32(&self, p: &op::ReduceF32, x: &[f32], y: &mut [f32]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { again::reduce_f32(p, x, y) }
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
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { recurrent::recurrent_cell(p, x, q, stride, h, c, y) }
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
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { recurrent::recurrent_reset(p, x, q, stride, h, out) }
    }

    fn softmax_f32(&self, count: usize, x: Source<'_, f32>, y: &mut [f32]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { unary_f32::softmax_f32(count, x, y) }
    }

    fn softmax_i8(&self, p: &op::SoftmaxI8, table: &[f32; 256], x: &[i8], y: &mut [i8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { avx2::again::softmax_i8(p, table, x, y) }
    }

    fn copy(&self, p: &op::Copy, x: &[u8], y: &mut [u8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { avx2::copy::copy(p, x, y) }
    }
}
