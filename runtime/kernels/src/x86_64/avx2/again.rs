//! Definitions compiled once more, for AVX2 and FMA: the same source, so the same bits; the compiler uses 8 lanes.
//!
//! It may: the definitions have no order that lanes would change (element-wise, integer sums, the tree of 16 lanes),
//! and Rust neither contracts nor reorders float arithmetic.

use crate::params::{Cell, Source};
use crate::scalar;
use core::ops::Range;
use redpoll_plan::op;

/// Wraps definitions, which are `inline(always)`, in functions that may use AVX2, FMA and F16C.
macro_rules! again {
    ($($family:ident::$name:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[doc = concat!("See [`scalar::", stringify!($family), "::", stringify!($name), "`].")]
        #[target_feature(enable = "avx2,fma,f16c")]
        pub(crate) fn $name($($argument: $type),*) {
            scalar::$family::$name($($argument),*);
        }
    )*};
}

again! {
    copy::copy(p: &op::Copy, x: &[u8], y: &mut [u8]);
    matmul::matmul_f32(a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize);
    binary::binary_i8(p: &op::BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]);
    binary::binary_f32(p: &op::BinaryF32, a: Source<'_, f32>, b: Source<'_, f32>, y: &mut [f32]);
    unary::unary_f32(function: op::Unary, alpha: f32, beta: f32, x: Source<'_, f32>, y: &mut [f32]);
    quantize::quantize(scale: f32, zero: i32, x: &[f32], y: &mut [i8]);
    quantize::dequantize(scale: f32, zero: i32, x: &[i8], y: &mut [f32]);
    pool::pool_i8(p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>);
    pool::pool_f32(p: &op::PoolF32, x: &[f32], y: &mut [f32], rows: Range<usize>);
    reduce::reduce_i8(p: &op::ReduceI8, x: &[i8], y: &mut [i8]);
    reduce::reduce_f32(p: &op::ReduceF32, x: &[f32], y: &mut [f32]);
    softmax::softmax_f32(count: usize, x: Source<'_, f32>, y: &mut [f32]);
    softmax::softmax_i8(p: &op::SoftmaxI8, table: &[f32; 256], x: &[i8], y: &mut [i8]);
    recurrent::recurrent_cell(p: &Cell<'_>, x: &[f32], q: &[f32], stride: usize, h: &mut [f32], c: &mut [f32], y: &mut [f32]);
    recurrent::recurrent_reset(p: &Cell<'_>, x: &[f32], q: &[f32], stride: usize, h: &[f32], out: &mut [f32]);
}
