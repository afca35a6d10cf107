//! Tiers of x86-64: one folder an instruction set.

pub mod avx2;
pub mod avx512vnni;
pub mod avxvnni;
mod conv_f32;
mod depthwise_f32;
mod strip;
