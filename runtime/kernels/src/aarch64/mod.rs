//! Tiers of AArch64 (little-endian): one folder an instruction set.

pub mod dotprod;
pub mod i8mm;
pub mod neon;
