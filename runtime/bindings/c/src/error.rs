//! Status codes, and the message of the calling thread's last error.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use redpoll::{Error, ErrorKind};

/// What came of a call. The numbers never change; new ones may be added.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum redpoll_status {
    /// It worked.
    REDPOLL_OK = 0,
    /// A null pointer, or text that is not UTF-8.
    REDPOLL_ARGUMENT = 1,
    /// A file could not be read, or a thread not be started.
    REDPOLL_IO = 2,
    /// The bytes are no plan that this version can run.
    REDPOLL_PLAN = 3,
    /// The tier is unknown or needs instructions that this CPU lacks.
    REDPOLL_TIER = 4,
    /// The plan needs more working memory than the limit.
    REDPOLL_MEMORY = 5,
    /// There is no input or output of this number or name.
    REDPOLL_NO_SUCH_TENSOR = 6,
    /// The number of bytes differs from the tensor's.
    REDPOLL_LENGTH = 7,
    /// An input was not written before the run.
    REDPOLL_NOT_SET = 8,
    /// The run failed.
    REDPOLL_RUN = 9,
    /// Another thread is inside a call with this session.
    REDPOLL_BUSY = 10,
    /// A bug in Redpoll was caught; the session may be closed, nothing else.
    REDPOLL_PANIC = 11,
}

use redpoll_status::*;

/// An error on its way to the caller.
pub(crate) struct Failure {
    status: redpoll_status,
    message: String,
}

impl Failure {
    pub(crate) fn new(status: redpoll_status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// A pointer that must not be null is.
    pub(crate) fn null(name: &str) -> Self {
        Self::new(REDPOLL_ARGUMENT, format!("`{name}` is null"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Io => REDPOLL_IO,
            ErrorKind::Plan => REDPOLL_PLAN,
            ErrorKind::Tier => REDPOLL_TIER,
            ErrorKind::Memory => REDPOLL_MEMORY,
            ErrorKind::NoSuchTensor => REDPOLL_NO_SUCH_TENSOR,
            ErrorKind::Length => REDPOLL_LENGTH,
            ErrorKind::NotSet => REDPOLL_NOT_SET,
            _ => REDPOLL_RUN,
        };
        Self::new(status, error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Runs `body`; keeps the message of what it fails with and catches its panics.
pub(crate) fn guard(body: impl FnOnce() -> Result<(), Failure>) -> redpoll_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return REDPOLL_OK,
        Ok(Err(failure)) => failure,
        Err(_) => Failure::new(REDPOLL_PANIC, "a bug in Redpoll: please report it"),
    };
    // A message cannot hold a zero byte; names in a plan could.
    let message = CString::new(failure.message.replace('\0', " ")).unwrap_or_default();
    // While a thread is being torn down there is no place to keep it.
    let _ = LAST.try_with(|last| *last.borrow_mut() = message);
    failure.status
}

/// What the last call that failed on this thread says, in English and UTF-8. Never null; empty before the first failure. Valid until the next
/// call that fails on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn redpoll_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr())
        .unwrap_or(c"".as_ptr())
}
