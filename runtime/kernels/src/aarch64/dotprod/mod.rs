//! The tier of NEON with the dot product of bytes: Cortex-A55, A76 (Raspberry Pi 5), Apple M1 and later.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `../../product.rs`, `gemm_i8.rs` | 5 rows × 16 channels |
//!
//! All others are those of NEON.

pub(super) mod gemm_i8;

use super::neon;
use crate::params::{ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Part};
use crate::product::conv_i8;
use crate::tier::Tier;
use core::ops::Range;

/// Kernels for NEON and `sdot`. A value exists only where the CPU has both: [`Dotprod::detect`].
#[derive(Clone, Copy, Debug)]
pub struct Dotprod(());

impl Dotprod {
    /// Name of the tier.
    pub const NAME: &'static str = "dotprod";

    /// The tier, if this CPU and its operating system can run it.
    #[cfg(feature = "std")]
    pub fn detect() -> Option<&'static Self> {
        use std::arch::is_aarch64_feature_detected as has;
        static TIER: Dotprod = Dotprod(());
        (has!("neon") && has!("dotprod")).then_some(&TIER)
    }
}

impl Tier for Dotprod {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        30_000
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { conv_i8(p, x, y, part, scratch, (gemm_i8::gemm, false)) };
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        // SAFETY: as above.
        unsafe { neon::depthwise_i8(p, x, y, rows) };
    }

    fn conv_f32(&self, p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]) {
        // SAFETY: as above.
        unsafe { neon::conv_f32(p, x, y, part, scratch) };
    }

    fn depthwise_f32(&self, p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        // SAFETY: as above.
        unsafe { neon::depthwise_f32(p, x, y, rows) };
    }
}
