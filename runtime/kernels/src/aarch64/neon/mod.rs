//! The tier of NEON, which every AArch64 has: Cortex-A53, A72 (Raspberry Pi 3, 4) and later.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `conv_i8.rs`, `gemm_i8.rs` | 4 rows × 8 channels, 2 rows × 16 |
//!
//! All others are the scalar definitions: NEON is in the baseline, so the compiler vectorises them.

mod conv_i8;
mod finish;
mod gemm_i8;

pub(super) use conv_i8::conv_i8;
pub(super) use finish::{Last, store_bytes};
pub(super) use gemm_i8::{Tile, last_quad};

use crate::params::{ConvI8, Part};
use crate::tier::Tier;

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
}
