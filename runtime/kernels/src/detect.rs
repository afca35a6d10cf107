//! Which tiers this CPU can run.

use crate::SCALAR;
use crate::tier::Tier;
use std::sync::OnceLock;
use std::vec::Vec;

/// The tiers that this CPU can run, best first; scalar is always the last. Asked of the CPU once.
pub fn tiers() -> &'static [&'static dyn Tier] {
    static TIERS: OnceLock<Vec<&'static dyn Tier>> = OnceLock::new();
    TIERS.get_or_init(|| {
        let mut list: Vec<&'static dyn Tier> = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if let Some(tier) = crate::x86_64::avx512vnni::Avx512Vnni::detect() {
            list.push(tier);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(tier) = crate::x86_64::avxvnni::AvxVnni::detect() {
            list.push(tier);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(tier) = crate::x86_64::avx2::Avx2::detect() {
            list.push(tier);
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        if let Some(tier) = crate::aarch64::dotprod::Dotprod::detect() {
            list.push(tier);
        }
        // Behind the dot product: its tiles take 5 to 10 % more instructions (docs/performance.md) until somebody measures a core.
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        if let Some(tier) = crate::aarch64::i8mm::I8mm::detect() {
            list.push(tier);
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        if let Some(tier) = crate::aarch64::neon::Neon::detect() {
            list.push(tier);
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        list.push(&crate::wasm32::simd128::SIMD128);
        list.push(&SCALAR);
        list
    })
}

/// The tier of this name, if this CPU can run it.
pub fn tier_by_name(name: &str) -> Option<&'static dyn Tier> {
    tiers().iter().copied().find(|t| t.name() == name)
}
