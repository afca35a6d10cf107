//! Arithmetic on tensors: scalar definitions and SIMD tiers with the same bits.
//!
//! Every kernel exists once as plain Rust in `scalar`: that is the definition. A tier overrides methods of
//! `Tier`; each override equals the definition bit for bit and is tested against it.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

pub mod params;
