//! The conversion stages, in order: import, optimize, calibrate, quantize, lower, emit.
#![forbid(unsafe_code)]
