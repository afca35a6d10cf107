//! Open, run, close.

use std::ffi::{CStr, c_char};
use std::slice;

use redpoll::{Options, Session};

use crate::error::{Failure, guard, redpoll_status};
use crate::handle::redpoll_session;

/// Choices for a session. Start from `redpoll_options_default()`, so that fields added later have their defaults.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug)]
pub struct redpoll_options {
    /// Threads that compute, the caller's included. 0 means 1, which is best for small models.
    pub threads: usize,
    /// Most bytes of working memory that a plan may need. 0 means 1 GiB.
    pub memory_limit_bytes: usize,
    /// Name of an instruction-set tier such as "avx2"; null for the best that this CPU has. The results are the same bits.
    pub tier: *const c_char,
}

/// Version of the library, such as "0.1.0". Static.
#[unsafe(no_mangle)]
pub extern "C" fn redpoll_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// One thread, at most 1 GiB, the best tier.
#[unsafe(no_mangle)]
pub extern "C" fn redpoll_options_default() -> redpoll_options {
    redpoll_options {
        threads: 1,
        memory_limit_bytes: 1 << 30,
        tier: std::ptr::null(),
    }
}

/// Opens a plan file by mapping it. The file must not be changed in place while the session lives.
///
/// `options` may be null for the defaults. On success `*session` is the new session, otherwise null.
///
/// # Safety
/// `path` and `options->tier` are null or end with a zero byte; `options` is null or points to one; `session` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_open(
    path: *const c_char,
    options: *const redpoll_options,
    session: *mut *mut redpoll_session,
) -> redpoll_status {
    guard(|| {
        // SAFETY: as this function's.
        unsafe {
            start(session, options, |o| {
                Ok(Session::open(text(path, "path")?, o)?)
            })
        }
    })
}

/// Loads a plan from `bytes` bytes at `data`; they are copied, so they may be freed afterwards.
///
/// Otherwise as `redpoll_open`.
///
/// # Safety
/// `data` is null or has `bytes` readable bytes; the rest as for `redpoll_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_load(
    data: *const u8,
    bytes: usize,
    options: *const redpoll_options,
    session: *mut *mut redpoll_session,
) -> redpoll_status {
    guard(|| {
        if data.is_null() || bytes > isize::MAX as usize {
            return Err(Failure::null("data"));
        }
        // SAFETY: not null, and the caller says that so many bytes may be read.
        let data = unsafe { slice::from_raw_parts(data, bytes) };
        // SAFETY: as this function's.
        unsafe { start(session, options, |o| Ok(Session::from_bytes(data, o)?)) }
    })
}

/// Ends a session and frees what it has; pointers into it are no longer valid. Null is fine.
///
/// # Safety
/// `session` is null or a session that was not closed; no other thread is inside a call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_close(session: *mut redpoll_session) {
    guard(|| {
        if !session.is_null() {
            // SAFETY: it was made by `Box::into_raw` in `start` and is not used again.
            drop(unsafe { Box::from_raw(session) });
        }
        Ok(())
    });
}

/// Runs once: every input must have been written since the last run. Allocates nothing.
///
/// # Safety
/// `session` is null or a session that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_run(session: *mut redpoll_session) -> redpoll_status {
    guard(|| {
        // SAFETY: as this function's.
        let handle = unsafe { handle(session) }?;
        Ok(handle.lock()?.run()?)
    })
}

/// # Safety
/// `session` is null or a session that was not closed.
pub(crate) unsafe fn handle<'a>(
    session: *const redpoll_session,
) -> Result<&'a redpoll_session, Failure> {
    // SAFETY: a session lives until it is closed, and it is only ever shared: what changes is behind its lock.
    unsafe { session.as_ref() }.ok_or_else(|| Failure::null("session"))
}

/// # Safety
/// `text` is null or ends with a zero byte.
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::null(name));
    }
    // SAFETY: not null, and the caller says that it ends.
    unsafe { CStr::from_ptr(text) }.to_str().map_err(|_| {
        Failure::new(
            redpoll_status::REDPOLL_ARGUMENT,
            format!("`{name}` is not UTF-8"),
        )
    })
}

/// # Safety
/// As for [`redpoll_open`].
unsafe fn start(
    session: *mut *mut redpoll_session,
    options: *const redpoll_options,
    load: impl FnOnce(&Options) -> Result<Session, Failure>,
) -> Result<(), Failure> {
    if session.is_null() {
        return Err(Failure::null("session"));
    }
    // SAFETY: not null, and the caller lets us write it.
    unsafe { session.write(std::ptr::null_mut()) };
    let mut chosen = Options::default();
    // SAFETY: null, or the caller says that it points to options.
    if let Some(options) = unsafe { options.as_ref() } {
        chosen = chosen.threads(options.threads);
        if options.memory_limit_bytes != 0 {
            chosen = chosen.memory_limit(options.memory_limit_bytes);
        }
        if !options.tier.is_null() {
            // SAFETY: not null, and the caller says that it ends.
            chosen = chosen.tier(unsafe { text(options.tier, "options->tier") }?);
        }
    }
    let made = Box::new(redpoll_session::new(load(&chosen)?));
    // SAFETY: as above.
    unsafe { session.write(Box::into_raw(made)) };
    Ok(())
}
