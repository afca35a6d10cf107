//! TFLite files: read with every offset checked, and translated to ONNX messages, which the import stage takes like any model.
//!
//! - [`Model::from_bytes`] reads the flatbuffer into plain structures, within [`Limits`]. Hostile bytes give an [`Error`] that
//!   names the place, in time linear in their number.
//! - [`to_onnx`] translates the main subgraph. Layers keep TFLite's layout (channels last) at the model's inputs and outputs;
//!   quantised tensors become `QuantizeLinear` and `DequantizeLinear` with the scales and zero points of the file, so the
//!   import runs them in integers, and the same messages are standard int8 ONNX for every other runtime.
//! - Variables (`VAR_HANDLE`, `READ_VARIABLE`, `ASSIGN_VARIABLE`) become an input and an output each, and
//!   [`Translated::states`] says which output is handed to which input of the next run.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use redpoll_tflite::{Limits, Model, to_onnx};
//! let bytes = std::fs::read("model.tflite")?;
//! let model = Model::from_bytes(&bytes, &Limits::default())?;
//! let translated = to_onnx(&model)?;
//! translated.model.write("model.onnx")?;
//! # Ok(())
//! # }
//! ```
//!
//! # Not here
//!
//! Tensors outside the flatbuffer, strings and the operators that need a delegate are refused, each by name.
#![forbid(unsafe_code)]

mod builtin;
mod error;
mod flatbuffer;
mod flexbuffer;
mod limits;
mod model;
mod options;
mod sparse;
mod tensor;
mod translate;

pub use error::{Error, ErrorKind, Gap, Result};
pub use flatbuffer::is_tflite;
pub use limits::Limits;
pub use model::{Model, Operator, Subgraph};
pub use options::{Activation, Options, Padding, Window};
pub use sparse::Sparsity;
pub use tensor::{Quantization, Tensor, TensorType};
pub use translate::{State, Translated, operators, to_onnx};
