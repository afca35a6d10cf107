//! The tier of AVX-VNNI: Alder Lake, Zen 5 and later, also where AVX-512 is off.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `conv_i8.rs`, `gemm_i8.rs` | 6 rows × 16 channels, 1 row × 64 |
//! | `depthwise_i8`, 3×3 | `depthwise_i8.rs` | 32 channels |
//!
//! Every other method is that of the AVX2 tier.

mod conv_i8;
mod depthwise_i8;
mod gemm_i8;

use crate::params::{Cell, ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Part, Source};
use crate::tier::Tier;
use crate::x86_64::avx2::Avx2;
use core::ops::Range;
use redpoll_plan::op;

/// Kernels for AVX-VNNI with all that the AVX2 tier needs. A value exists only where the CPU has them:
/// [`AvxVnni::detect`].
#[derive(Clone, Copy, Debug)]
pub struct AvxVnni {
    avx2: Avx2,
}

impl AvxVnni {
    /// Name of the tier.
    pub const NAME: &'static str = "avxvnni";

    /// The tier, if this CPU and its operating system can run it.
    #[cfg(feature = "std")]
    pub fn detect() -> Option<&'static Self> {
        use std::sync::OnceLock;
        static TIER: OnceLock<Option<AvxVnni>> = OnceLock::new();
        TIER.get_or_init(|| {
            let avx2 = *Avx2::detect()?;
            std::is_x86_feature_detected!("avxvnni").then_some(Self { avx2 })
        })
        .as_ref()
    }
}

/// Methods that are those of AVX2.
macro_rules! as_avx2 {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name(&self, $($argument: $type),*) {
            self.avx2.$name($($argument),*);
        }
    )*};
}

impl Tier for AvxVnni {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        60_000
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        if conv_i8::fits(p) {
            // SAFETY: a value of this type exists only where the CPU has the instructions.
            unsafe { conv_i8::conv_i8(p, x, y, part) }
        } else {
            self.avx2.conv_i8(p, x, y, part, scratch);
        }
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        if depthwise_i8::fits(p) {
            // SAFETY: a value of this type exists only where the CPU has the instructions.
            unsafe { depthwise_i8::depthwise_i8(p, x, y, rows) }
        } else {
            self.avx2.depthwise_i8(p, x, y, rows);
        }
    }

    as_avx2! {
        conv_f32(p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]);
        depthwise_f32(p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>);
        matmul_f32(a: &[f32], b: &[f32], y: &mut [f32], m: usize, k: usize, n: usize);
        binary_i8(p: &op::BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]);
        binary_f32(p: &op::BinaryF32, a: Source<'_, f32>, b: Source<'_, f32>, y: &mut [f32]);
        unary_f32(function: op::Unary, alpha: f32, beta: f32, x: Source<'_, f32>, y: &mut [f32]);
        quantize(scale: f32, zero: i32, x: &[f32], y: &mut [i8]);
        dequantize(scale: f32, zero: i32, x: &[i8], y: &mut [f32]);
        pool_i8(p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>);
        pool_f32(p: &op::PoolF32, x: &[f32], y: &mut [f32], rows: Range<usize>);
        reduce_i8(p: &op::ReduceI8, x: &[i8], y: &mut [i8]);
        reduce_f32(p: &op::ReduceF32, x: &[f32], y: &mut [f32]);
        copy(p: &op::Copy, x: &[u8], y: &mut [u8]);
        softmax_f32(count: usize, x: Source<'_, f32>, y: &mut [f32]);
        recurrent_cell(p: &Cell<'_>, x: &[f32], q: &[f32], stride: usize, h: &mut [f32], c: &mut [f32], y: &mut [f32]);
        recurrent_reset(p: &Cell<'_>, x: &[f32], q: &[f32], stride: usize, h: &[f32], out: &mut [f32]);
        softmax_i8(p: &op::SoftmaxI8, table: &[f32; 256], x: &[i8], y: &mut [i8]);
    }
}
