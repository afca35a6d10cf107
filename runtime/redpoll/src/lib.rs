//! On-device inference: the same bits everywhere, memory known before it runs.
//!
//! A model is compiled once, on a desk: `redpoll convert model.onnx --calibrate DATA -o out/` turns a trained ONNX
//! file into `out/model.plan`, quantised to int8 and with every byte of memory planned. This crate runs plans.
//!
//! ```
//! use redpoll::{Options, Session};
//!
//! # fn main() -> Result<(), redpoll::Error> {
//! # let file = example::plan();
//! // From a file it is `Session::open("model.plan", &Options::default())`.
//! let mut session = Session::from_bytes(&file, &Options::default())?;
//!
//! for input in session.inputs() {
//!     println!("{}: {:?} {:?}", input.name, input.dtype, input.shape);
//! }
//! session.set_input("x", &[-2.0f32, -1.0, 0.0, 3.0])?;
//! session.run()?;
//! assert_eq!(session.output::<f32>("y")?, [2.0, 1.0, 0.0, 3.0]);
//! # Ok(())
//! # }
//! # mod example {
//! #     use redpoll_plan::{DType, Op, PlanBuilder, Shape, Tensor, op};
//! #     /// y = |x|
//! #     pub fn plan() -> Vec<u8> {
//! #         let mut builder = PlanBuilder::new();
//! #         let shape = Shape::new(&[4]).unwrap();
//! #         let x = builder.add_tensor("x", Tensor::arena(DType::F32, shape, 0));
//! #         let y = builder.add_tensor("y", Tensor::arena(DType::F32, shape, 64));
//! #         let abs = op::UnaryF32 { function: op::Unary::Abs, x, y, alpha: 0.0, beta: 0.0 };
//! #         builder.add_step("abs", Op::UnaryF32(abs), 0, 0);
//! #         builder.add_input("x", x);
//! #         builder.add_output("y", y);
//! #         builder.set_arena_bytes(128);
//! #         builder.finish().unwrap()
//! #     }
//! # }
//! ```
//!
//! # What it promises
//!
//! - **The same bits everywhere.** A plan gives byte-identical outputs on every instruction set, with any number of
//!   threads: plain Rust defines each kernel, and every faster one equals it bit for bit.
//! - **Known before it runs.** [`Session::arena_bytes`] is exact; [`Session::run`] allocates nothing.
//! - **Nothing hidden.** No environment variable, no global state and no silent fallback changes a result.
//!
//! # Inputs and outputs
//!
//! Inputs are written with [`Session::set_input`], or in place with [`Session::input_mut`], which saves a copy. Their
//! type is checked: an int8 input takes `i8` with the scale and zero point of its [`TensorInfo`]. A run may reuse the
//! memory of its inputs, so write them before each run; one that is forgotten is an error, not a wrong answer.
//!
//! # Speed
//!
//! One thread is the default and best below a few million multiply-adds. [`Options::threads`] adds more; idle threads
//! sleep. [`Session::profile`] times every step.
//!
//! # Without std
//!
//! The crates `redpoll-plan`, `redpoll-kernels` and `redpoll-engine` need neither `std` nor a heap. On a
//! microcontroller use `redpoll_engine::Engine` with a plan in flash and a `static` arena; without its default
//! feature `std` this crate re-exports just these.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
pub use redpoll_session::{
    Aligned, Backend, Element, Error, ErrorKind, Options, Pool, Select, Session, StepOutput,
    StepProfile, TensorInfo, Value, tiers,
};

pub use redpoll_engine::{Engine, EngineError, Inline, Observer, Workers};
pub use redpoll_kernels::{SCALAR, Tier};
pub use redpoll_plan::{DType, Op, Plan, PlanError, Shape, Step, Tensor, TensorId};
