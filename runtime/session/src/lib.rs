//! Sessions on hosts: a plan file becomes named inputs, one call, named outputs.
//!
//! | wanted | use |
//! |---|---|
//! | load a plan and run it | [`Session`] |
//! | threads, a certain instruction set | [`Options`], [`tiers`] |
//! | time of each step | [`Session::profile`] |
//! | tensors between the steps | [`Session::trace`]; [`Session::run_observed`] with an [`Observer`] |
//! | other runtimes behind the same calls | [`Backend`] |
//!
//! Nothing is allocated by [`Session::run`]; a session that is not running uses no CPU.
#![deny(unsafe_op_in_unsafe_fn)]

mod backend;
mod error;
mod info;
mod memory;
mod options;
mod peak;
mod plan_file;
mod pool;
mod profile;
mod session;
mod trace;
mod value;

pub use backend::Backend;
pub use error::{Error, ErrorKind};
pub use info::{Select, TensorInfo};
pub use memory::Aligned;
pub use options::{Options, tiers};
pub use pool::Pool;
pub use profile::StepProfile;
pub use redpoll_engine::Observer;
pub use redpoll_plan::{DType, Plan, TensorId};
pub use session::Session;
pub use trace::StepOutput;
pub use value::{Element, Value};
