//! Kernels for Arm microcontrollers: one small core, no vectors of bytes, memory counted in kilobytes.
//!
//! | kernel | file | tile | way |
//! |---|---|---|---|
//! | `conv_i8` | `conv_i8.rs` | 3 pixels × 2 channels, 1 × 4 | inputs widened to 16 bits once, two products an instruction (SMLAD) |
//! | `depthwise_i8` | `depthwise_i8.rs` | 2 pixels of one channel | 3 × 3: rows of one channel side by side, two taps an instruction |
//! | `binary_i8` | `binary_i8.rs` | one element | pointers instead of slices |
//! | `dequantize`, `softmax_f32` | here | one element | no slices |
//! | `pool_i8`, `reduce_i8` | `mean_i8.rs` | 4 channels | sums of means in 16-bit lanes |
//!
//! All others are the scalar definitions. With the DSP extension and a floating-point unit (Cortex-M4F, M7; M33 where
//! `-C target-cpu` names it) the inner loops are assembly in `dsp.rs`, those of convolution with Helium (M55, M85, named as
//! well) in `helium.rs`; elsewhere, on every other architecture too, they are the
//! same steps in Rust (`portable.rs`), so that the code around them is tested everywhere.
//!
//! Nothing here panics: a broken contract (a slice shorter than the parameters say) stops the program by a trap on a
//! microcontroller and panics elsewhere.

mod binary_i8;
mod clamp;
mod conv_i8;
mod depthwise_i8;
#[cfg(cortex_m_dsp)]
#[cfg_attr(cortex_m_helium, allow(dead_code))]
mod dsp;
#[cfg(cortex_m_helium)]
mod helium;
mod job;
mod lanes;
mod mean_i8;
#[cfg(not(cortex_m_dsp))]
mod portable;
mod widen;

#[cfg(cortex_m_dsp)]
use dsp as tile;
#[cfg(not(cortex_m_dsp))]
use portable as tile;

use crate::params::{ConvI8, DepthwiseI8, Part, Source};
use crate::scalar;
use crate::tier::Tier;
use core::ops::Range;
use redpoll_plan::op;

/// Kernels for Arm microcontrollers. They run everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM(());

impl CortexM {
    /// Name of the tier.
    pub const NAME: &'static str = if cfg!(cortex_m_helium) {
        "cortex-m-helium"
    } else if cfg!(cortex_m_dsp) {
        "cortex-m-dsp"
    } else {
        "cortex-m"
    };

    /// The tier.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Tier for CortexM {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn macs_per_us(&self) -> u64 {
        100
    }

    fn conv_i8(&self, p: &ConvI8<'_>, x: &[i8], y: &mut [i8], part: Part, scratch: &mut [u8]) {
        conv_i8::conv_i8(p, x, y, part, scratch);
    }

    fn depthwise_i8(&self, p: &DepthwiseI8<'_>, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        depthwise_i8::depthwise_i8(p, x, y, rows);
    }

    fn binary_i8(&self, p: &op::BinaryI8, a: Source<'_, i8>, b: Source<'_, i8>, y: &mut [i8]) {
        binary_i8::binary_i8(p, a, b, y);
    }

    fn dequantize(&self, scale: f32, zero: i32, x: &[i8], y: &mut [f32]) {
        require(x.len() >= y.len());
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (i32::from(x) - zero) as f32 * scale;
        }
    }

    fn softmax_f32(&self, count: usize, x: Source<'_, f32>, y: &mut [f32]) {
        if let Source::Slice(x) = x {
            require(x.len() >= y.len());
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = x);
        }
        scalar::softmax::softmax_f32(count, Source::InPlace, y);
    }

    fn pool_i8(&self, p: &op::PoolI8, x: &[i8], y: &mut [i8], rows: Range<usize>) {
        mean_i8::pool_i8(p, x, y, rows);
    }

    fn reduce_i8(&self, p: &op::ReduceI8, x: &[i8], y: &mut [i8]) {
        mean_i8::reduce_i8(p, x, y);
    }
}

/// Stops the program unless `fits`: without the machinery of panics on a microcontroller.
#[inline(always)]
fn require(fits: bool) {
    if !fits {
        broken();
    }
}

#[cold]
#[inline(never)]
fn broken() -> ! {
    #[cfg(all(target_arch = "arm", target_os = "none"))]
    // SAFETY: an instruction that traps.
    unsafe {
        core::arch::asm!("udf #0", options(noreturn, nomem, nostack))
    }
    #[cfg(not(all(target_arch = "arm", target_os = "none")))]
    panic!("a slice is shorter than the parameters say");
}
