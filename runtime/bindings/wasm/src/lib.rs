//! The engine as a WebAssembly module: ten functions and a memory; with feature `voice` seven more for front ends. `js/redpoll.js` wraps them in a class.
//!
//! ```text
//! redpoll_alloc(bytes) → address        the caller writes the plan there
//! redpoll_open(plan, bytes, tier) → session, or 0 and a message
//! redpoll_describe(session) → JSON      names, types, shapes and addresses of inputs and outputs
//! redpoll_run(session) → 0, or a number and a message
//! redpoll_close(session)
//!
//! redpoll_front_open(preset, rate) → front end, or 0 and a message
//! redpoll_front_room(front, count) → address        the caller writes samples there
//! redpoll_front_push(front) → values of the new frames, at redpoll_front_frames(front)
//! ```
//! Why no wasm-bindgen: the boundary is bytes and one JSON text, so there is nothing for generated code to convert, a
//! build needs no second tool whose version must match, and the wrapper can be read. Nothing is imported from the host:
//! the module runs in a page, a worker, Node, or any other runtime of WebAssembly.
//!
//! One thread: threads need a page isolated from other origins, which most pages are not.
#![deny(unsafe_op_in_unsafe_fn)]

mod abi;
mod describe;
#[cfg(feature = "voice")]
mod front;
#[cfg(feature = "voice")]
mod front_abi;
mod session;

pub use abi::{
    redpoll_alloc, redpoll_close, redpoll_describe, redpoll_free, redpoll_message,
    redpoll_message_bytes, redpoll_open, redpoll_run, redpoll_text_bytes,
};
#[cfg(feature = "voice")]
pub use front::Front;
#[cfg(feature = "voice")]
pub use front_abi::{
    redpoll_front_close, redpoll_front_finish, redpoll_front_frames, redpoll_front_info,
    redpoll_front_open, redpoll_front_push, redpoll_front_room,
};
pub use session::Session;
