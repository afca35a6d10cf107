//! The tier of NEON, which every AArch64 has: Cortex-A53, A72 (Raspberry Pi 3, 4) and later.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `../../product.rs`, `gemm_i8.rs` | 4 rows × 8 channels, 2 rows × 16 |
//! | `depthwise_i8` | `depthwise_i8.rs` | 16 channels |
//! | `conv_f32` | `conv_f32.rs`, `gemm_f32.rs` | 5 rows × 16 channels |
//! | `depthwise_f32` | `depthwise_f32.rs` | 16 channels |
//!
//! All others are the scalar definitions: NEON is in the baseline, so the compiler vectorises them.

mod conv_f32;
mod depthwise_f32;
mod depthwise_i8;
mod finish;
mod float;
mod gemm_f32;
mod gemm_i8;

pub(super) use conv_f32::conv_f32;
pub(super) use depthwise_f32::depthwise_f32;
pub(super) use depthwise_i8::depthwise_i8;
pub(super) use finish::{Last, store_bytes};

use crate::params::{ConvF32, ConvI8, DepthwiseF32, DepthwiseI8, Part};
use crate::product::conv_i8;
use crate::tier::Tier;
use core::ops::Range;

/// Kernels for NEON. A value exists only where the CPU has it: [`Neon::detect`].
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

impl Neon {
    /// Name of the tier.
    pub const NAME: &'static str = "neon";

    /// The tier, if this CPU and its operating system can run it.
    #[cfg(feature = "std")]
    pub fn detect() -> Option<&'static Self> {
        static TIER: Neon = Neon(());
        std::arch::is_aarch64_feature_detected!("neon").then_some(&TIER)
    }
}

impl Tier for Neon {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        6_000
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe { conv_i8(p, x, y, part, scratch, (gemm_i8::gemm, true)) };
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        // SAFETY: as above.
        unsafe { depthwise_i8(p, x, y, rows) };
    }

    fn conv_f32(&self, p: &ConvF32<'_>, x: &[f32], y: &mut [f32], part: Part, scratch: &mut [u8]) {
        // SAFETY: as above.
        unsafe { conv_f32(p, x, y, part, scratch) };
    }

    fn depthwise_f32(&self, p: &DepthwiseF32<'_>, x: &[f32], y: &mut [f32], rows: Range<usize>) {
        // SAFETY: as above.
        unsafe { depthwise_f32(p, x, y, rows) };
    }
}
