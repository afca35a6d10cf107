//! Arithmetic on tensors: scalar definitions and SIMD tiers with the same bits.
//!
//! Every kernel exists once as plain Rust in [`scalar`]: that is the definition. A tier overrides methods of
//! [`Tier`]; each override equals the definition bit for bit and is tested against it.
//!
//! With feature `std`, `tiers()` lists what this CPU can run; without it name a tier yourself ([`SCALAR`] runs
//! everywhere).
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(feature = "std")]
extern crate std;

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub mod aarch64;
pub mod arm;
#[cfg(target_arch = "x86_64")]
mod bands;
#[cfg(feature = "std")]
mod detect;
pub mod finish;
mod geometry;
pub mod math;
pub mod params;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
mod patches;
#[cfg(any(
    all(target_arch = "aarch64", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
mod product;
pub mod reduce;
pub mod scalar;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
mod taps;
pub mod tier;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub mod wasm32;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

#[cfg(feature = "std")]
pub use detect::{tier_by_name, tiers};
pub use scalar::Scalar;
pub use tier::Tier;

/// The tier of the definitions.
pub static SCALAR: Scalar = Scalar;
