//! The functions that the module exports. Addresses are of the module's memory.

use std::cell::RefCell;

use redpoll_kernels::{SCALAR, Tier, tiers};

use crate::session::{Block, Session};

thread_local! {
    /// Why the last call failed.
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

pub(crate) fn fail(message: String) {
    MESSAGE.with_borrow_mut(|m| *m = message);
}

/// Memory of so many bytes, zeroed, at a multiple of 64; 0 when there is none.
#[unsafe(no_mangle)]
pub extern "C" fn redpoll_alloc(bytes: usize) -> *mut u8 {
    match Block::new(bytes) {
        Some(block) => block.into_raw(),
        None => {
            fail(format!("no memory for {bytes} bytes"));
            std::ptr::null_mut()
        }
    }
}

/// Gives memory back that no `redpoll_open` took.
///
/// # Safety
/// `start` comes from [`redpoll_alloc`] of so many bytes, is not used any more, and was not given to [`redpoll_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_free(start: *mut u8, bytes: usize) {
    if !start.is_null() {
        // SAFETY: as the caller promises.
        drop(unsafe { Block::from_raw(start, bytes) });
    }
}

/// Opens the plan at `plan`, and takes its memory over whether it succeeds or not. `tier`: 0 the best, 1 scalar. The
/// session, or 0: see [`redpoll_message`].
///
/// # Safety
/// `plan` comes from [`redpoll_alloc`] of so many bytes and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_open(plan: *mut u8, bytes: usize, tier: u32) -> *mut Session {
    if plan.is_null() {
        fail("no plan".to_owned());
        return std::ptr::null_mut();
    }
    // SAFETY: as the caller promises.
    let block = unsafe { Block::from_raw(plan, bytes) };
    let best = || tiers().first().copied().unwrap_or(&SCALAR);
    let tier: &'static dyn Tier = if tier == 0 { best() } else { &SCALAR };
    match Session::new(block, tier) {
        Ok(session) => Box::into_raw(Box::new(session)),
        Err(message) => {
            fail(message);
            std::ptr::null_mut()
        }
    }
}

/// Ends a session and gives its memory back.
///
/// # Safety
/// `session` comes from [`redpoll_open`] and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_close(session: *mut Session) {
    if !session.is_null() {
        // SAFETY: as the caller promises.
        drop(unsafe { Box::from_raw(session) });
    }
}

/// Address of the JSON text that describes the session; [`redpoll_text_bytes`] is its length. Valid until it is closed.
///
/// # Safety
/// `session` comes from [`redpoll_open`] and is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_describe(session: *const Session) -> *const u8 {
    // SAFETY: as the caller promises.
    unsafe { &*session }.text.as_ptr()
}

/// Bytes of the text of [`redpoll_describe`].
///
/// # Safety
/// As [`redpoll_describe`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_text_bytes(session: *const Session) -> usize {
    // SAFETY: as the caller promises.
    unsafe { &*session }.text.len()
}

/// Runs once. 0, or 1: see [`redpoll_message`].
///
/// # Safety
/// `session` comes from [`redpoll_open`] and is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_run(session: *mut Session) -> u32 {
    // SAFETY: as the caller promises.
    match unsafe { &mut *session }.run() {
        Ok(()) => 0,
        Err(message) => {
            fail(message);
            1
        }
    }
}

/// Address of the text that says why the last call failed; valid until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn redpoll_message() -> *const u8 {
    MESSAGE.with_borrow(|m| m.as_ptr())
}

/// Bytes of the text of [`redpoll_message`].
#[unsafe(no_mangle)]
pub extern "C" fn redpoll_message_bytes() -> usize {
    MESSAGE.with_borrow(String::len)
}
