//! Redpoll for C and whatever calls C.
//!
//! The header is `include/redpoll.h`, made from this crate by cbindgen and kept equal to it by a test. The rules that hold for every function are
//! in its first comment; `docs/embed/c.md` walks through a program.
//!
//! Every function catches panics, so unwinding never crosses into C, and every pointer is checked for null. What cannot be checked is
//! said in each function's *Safety* part.

mod api;
mod data;
mod error;
mod handle;
mod info;

pub use api::*;
pub use data::*;
pub use error::{redpoll_last_error, redpoll_status};
pub use handle::redpoll_session;
pub use info::*;
