//! tract behind the calls of a session: another engine in Rust, to compare with.
//!
//! tract runs float models well. Of int8 models some of its operators differ from ONNX: see `docs/numerics.md` before
//! relying on its numbers. It computes with one thread.
//!
//! A model that tract refuses, and one that it panics on, is an error. What cannot be contained: a model that makes tract
//! run out of memory or of stack ends the process, and nothing bounds the time that it takes to load. Give it models
//! that you trust.
//!
//! ```no_run
//! use redpoll_backend_tract::{Options, TractSession};
//! use redpoll_session::Value;
//!
//! # fn main() -> Result<(), redpoll_session::Error> {
//! let mut model = TractSession::open("model.onnx", &Options::default())?;
//! model.run_with(&[("x", Value::F32(&[0.0; 4]))])?;
//! println!("{:?}", model.output_value("y")?);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod data;
mod options;
mod session;
mod tensor;

pub use options::Options;
pub use session::TractSession;
