//! Tests that cross crates; see the files in `tests/tests`. Here is what they share.
#![forbid(unsafe_code)]

pub mod alone;
pub mod build;
pub mod cases;
pub mod conformance;
pub mod control;
pub mod equality;
pub mod hostile;
pub mod models;
pub mod one_node;
pub mod onnx;
pub mod peer;
pub mod samples;
pub mod zoo;
