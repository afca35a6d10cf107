//! Tiers of x86-64: one folder an instruction set.

pub mod avx512vnni;
