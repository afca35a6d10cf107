//! The conversion stages, in order: import, optimize, calibrate, quantize, lower, emit.
//!
//! Each stage takes the type that the one before made, so the order cannot be got wrong:
//!
//! ```text
//! ONNX ─import─▶ Imported ─optimize─▶ Optimized ─calibrate─▶ Calibrated ─quantize─▶ Quantized ─emit─▶ int8 ONNX
//!                                        └───────────────lower──────────────────────────┴─lower─▶ Lowered ─▶ plan
//! ```
#![forbid(unsafe_code)]

pub mod calibrate;
pub mod compile;
pub mod convert;
pub mod data;
pub mod embed;
pub mod emit;
pub mod error;
pub mod import;
pub mod lower;
pub mod measure;
pub mod optimize;
pub mod quantize;
pub mod report;
pub mod source;
pub mod stage;
pub mod stream;

pub use error::{Error, ErrorKind, Gap};
pub use stage::{Calibrated, Imported, Lowered, Optimized, Quantized};
