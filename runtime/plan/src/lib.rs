//! The plan file: the flat contract between the converter and the runtime.
//!
//! A plan is read in place from `&[u8]` (flash, a mapped file). It holds tensors, steps, packed weights and
//! the exact bytes of working memory. See [`op`] for the steps and [`layout`] for how weights are packed.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "write")]
extern crate alloc;

pub mod layout;
pub mod op;
pub mod tensor;
pub mod window;

pub use op::Op;
pub use tensor::{DType, Place, Shape, Tensor, TensorId};
pub use window::Window;
