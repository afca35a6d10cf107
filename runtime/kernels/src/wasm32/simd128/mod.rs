//! The tier of 128-bit WebAssembly: every browser since 2023, Node since 16.
//!
//! | kernel | file | tile |
//! |---|---|---|
//! | `conv_i8` | `../../product.rs`, `gemm_i8.rs` | 3 rows × 16 channels |
//! | `depthwise_i8` | `depthwise_i8.rs` | 16 channels, two taps an instruction |
//!
//! All others are the definitions, which the compiler vectorises. Products of floats need fused multiply-add, which
//! WebAssembly does not have (relaxed SIMD may or may not fuse): they are computed by software, the same bits, slowly.

mod depthwise_i8;
mod finish;
mod gemm_i8;

use crate::params::{ConvI8, DepthwiseI8, Part};
use crate::product::conv_i8;
use crate::tier::Tier;
use core::ops::Range;

/// Kernels for 128-bit WebAssembly.
#[derive(Clone, Copy, Debug)]
pub struct Simd128(());

/// The tier; it exists only where the module is compiled for its instructions.
pub static SIMD128: Simd128 = Simd128(());

impl Simd128 {
    /// Name of the tier.
    pub const NAME: &'static str = "simd128";
}

impl Tier for Simd128 {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        8_000
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        // SAFETY: the module is compiled for the instructions of the product.
        unsafe { conv_i8(p, x, y, part, scratch, (gemm_i8::gemm, false)) };
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        depthwise_i8::depthwise_i8(p, x, y, rows);
    }
}
