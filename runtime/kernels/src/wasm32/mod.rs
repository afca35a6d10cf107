//! Tiers of WebAssembly: a module is compiled for its instructions, there is nothing to detect.

pub mod simd128;
