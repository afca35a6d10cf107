//! The tier of AVX-512 with VNNI: Ice Lake, Sapphire Rapids, Zen 4 and later.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `conv_i8.rs`, `gemm_i8.rs`, `patches.rs` | 6 rows × 64 channels, one row × 128 |
//! | `depthwise_i8` | `depthwise_i8.rs`, `columns.rs`, `lanes.rs` | 64 results |
//!
//! Every other method is the scalar definition.

mod columns;
mod conv_i8;
mod depthwise_i8;
mod epilogue;
mod gemm_i8;
mod lanes;
mod patches;

use crate::params::{ConvI8, DepthwiseI8, Part};
use crate::tier::Tier;
use core::ops::Range;

/// Kernels for AVX-512 F, BW, VL, DQ and VNNI. A value exists only where the CPU has them all: [`Avx512Vnni::detect`].
#[derive(Clone, Copy, Debug)]
pub struct Avx512Vnni(());

impl Avx512Vnni {
    /// Name of the tier.
    pub const NAME: &'static str = "avx512vnni";

    /// The tier, if this CPU and its operating system can run it.
    #[cfg(feature = "std")]
    pub fn detect() -> Option<&'static Self> {
        use std::is_x86_feature_detected as has;
        static TIER: Avx512Vnni = Avx512Vnni(());
        let all = has!("avx512f")
            && has!("avx512bw")
            && has!("avx512vl")
            && has!("avx512dq")
            && has!("avx512vnni");
        all.then_some(&TIER)
    }
}

impl Tier for Avx512Vnni {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        100_000
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { conv_i8::conv_i8(p, x, y, part, scratch) }
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { depthwise_i8::depthwise_i8(p, x, y, rows) }
    }
}
