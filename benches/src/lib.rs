//! Speed of kernels, tier by tier: see `benches/kernels.rs`.
//!
//! `taskset -c 1 cargo bench -p redpoll-benches` measures every kernel in every tier of this CPU. The throughput
//! that criterion prints counts multiply-adds (or elements, for element-wise kernels).
#![forbid(unsafe_code)]
