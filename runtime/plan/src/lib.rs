//! The plan file: the flat contract between the converter and the runtime.
//!
//! A plan is read in place from `&[u8]` (flash, a mapped file). It holds tensors, steps, packed weights and
//! the exact bytes of working memory. [`Plan::from_bytes`] checks all of it once; afterwards its accessors cannot
//! fail and its steps cannot reach outside their tensors. See [`op`] for the steps, [`layout`] for how weights are
//! packed, and `docs/plan-format.md` for the bytes.
//!
//! # Features
//! `alloc` adds `Plan::check_lifetimes` and `Decoded`; `write`, which needs it, adds `PlanBuilder` for converters. The reader needs neither
//! `alloc` nor `std`.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod check;
mod code;
#[cfg(feature = "alloc")]
mod decoded;
pub mod embed;
mod error;
mod format;
mod hash;
pub mod layout;
#[cfg(feature = "alloc")]
mod lifetimes;
pub mod op;
mod open;
mod ops;
mod plan;
mod sizes;
pub mod tensor;
pub mod window;
mod words;
#[cfg(feature = "write")]
mod write;

pub use code::{MAX_READS, Reads};
#[cfg(feature = "alloc")]
pub use decoded::Decoded;
pub use error::{Fault, PlanError, Section};
pub use op::Op;
pub use ops::{AllOps, Ops};
pub use plan::{Bytes, Located, Plan, Port, Step};
pub use sizes::{OutputSize, SIZES};
pub use tensor::{DType, Place, Shape, Tensor, TensorId};
pub use window::Window;
#[cfg(feature = "write")]
pub use write::{PlanBuilder, seal};
