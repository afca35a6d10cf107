//! ONNX Runtime behind the calls of a session, from a shared library that is loaded at run time.
//!
//! Use it to compare with, or for a model that Redpoll cannot run yet. Nothing is linked and nothing is downloaded: the
//! library comes with the Python package `onnxruntime` or with ONNX Runtime's releases. [`OrtSession::open`] looks for
//! it in this order:
//!
//! 1. [`Options::library`], a file or a folder;
//! 2. the environment variable `ORT_DYLIB_PATH`, likewise;
//! 3. the Python environment in `VIRTUAL_ENV` or `CONDA_PREFIX`;
//! 4. `~/.local`, `/usr/local/lib`, `/usr/lib` and `/opt/homebrew/lib`, with the Python packages in them.
//!
//! A library that is missing, too old or none at all is an error with a sentence that says what to do.
//!
//! ```no_run
//! use redpoll_backend_ort::{Options, OrtSession};
//! use redpoll_session::Value;
//!
//! # fn main() -> Result<(), redpoll_session::Error> {
//! let mut model = OrtSession::open("model.onnx", &Options::default())?;
//! model.run_with(&[("x", Value::F32(&[0.0; 4]))])?;
//! println!("{:?}", model.output_value("y")?);
//! # Ok(())
//! # }
//! ```
//!
//! One process can load one such library: whoever comes first decides, and asking for another later is an error.
#![forbid(unsafe_code)]

mod environment;
mod library;
mod options;
mod provider;
mod session;
mod tensor;

pub use environment::version;
pub use library::find;
pub use options::{Optimization, Options};
pub use provider::{Provider, providers};
pub use session::OrtSession;
