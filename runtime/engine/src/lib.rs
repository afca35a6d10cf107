//! Walks the steps of a validated plan: no_std, no allocation, no unsafe code.
//!
//! The engine owns nothing. The plan's bytes stay where they are (flash, a mapped file), the caller lends the
//! working memory, and a [`Tier`](redpoll_kernels::Tier) supplies the arithmetic. A run is a pure function of
//! the plan and its inputs: neither the tier nor the number of workers changes a bit of the result.
//!
//! ```no_run
//! use redpoll_engine::{Engine, Inline};
//! use redpoll_plan::Plan;
//!
//! #[repr(align(64))]
//! struct Arena([u8; 64 * 1024]);
//!
//! fn infer(plan: Plan<'_>, arena: &mut Arena, scratch: &mut [u8]) -> Result<u8, redpoll_engine::EngineError> {
//!     let engine = Engine::new(plan, &redpoll_kernels::SCALAR);
//!     engine.input_mut(&mut arena.0, 0)?.fill(0);
//!     engine.run(&mut arena.0, scratch, &Inline, None)?;
//!     Ok(engine.output(&arena.0, 0)?[0])
//! }
//! ```
//!
//! # Memory
//!
//! | what | bytes | aligned to |
//! |---|---|---|
//! | arena | [`Engine::arena_bytes`] | [`Engine::arena_alignment`] (64, or 16) |
//! | scratch | [`Engine::scratch_bytes`] of the number of workers | 64 |
//!
//! Inputs and outputs lie in the arena. A later step may reuse the memory of an input, so every input must be
//! written before every run. A plan with state keeps the last bytes of the arena from one run to the next:
//! [`Engine::reset_state`] before the first, [`Engine::state`] and [`Engine::state_mut`] to save, restore and fork a
//! stream.
#![no_std]
#![forbid(unsafe_code)]

mod arena;
mod engine;
mod error;
mod observer;
mod ops;
mod split;
mod step;
mod workers;

pub use engine::Engine;
pub use error::EngineError;
pub use observer::Observer;
pub use ops::{AllOps, Ops};
#[doc(hidden)]
pub use redpoll_plan::op as plan_op;
pub use workers::{Inline, Job, JobPanicked, Workers};
