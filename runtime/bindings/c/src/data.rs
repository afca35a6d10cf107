//! The bytes of inputs and outputs: in place, or copied.

use std::ffi::c_void;
use std::slice;

use crate::api::handle;
use crate::error::redpoll_status::REDPOLL_LENGTH;
use crate::error::{Failure, guard, redpoll_status};
use crate::handle::redpoll_session;
use crate::info::nth;

/// The memory of input number `index`, to be written before a run: nothing is copied.
///
/// Ask again before each run: it tells the session that the input is being written. The address stays the same. A run may overwrite it.
/// `bytes` may be null.
///
/// # Safety
/// `session` is null or a session that was not closed; `data` and `bytes` are null or may be written. The memory must not be touched during a run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_input_data(
    session: *mut redpoll_session,
    index: usize,
    data: *mut *mut c_void,
    bytes: *mut usize,
) -> redpoll_status {
    guard(|| {
        if data.is_null() {
            return Err(Failure::null("data"));
        }
        // SAFETY: as this function's.
        let handle = unsafe { handle(session) }?;
        nth(&handle.inputs, index)?;
        let mut session = handle.lock()?;
        let memory = session.input_bytes_mut(index)?;
        // SAFETY: not null, and the caller lets us write them.
        unsafe {
            data.write(memory.as_mut_ptr().cast());
            if !bytes.is_null() {
                bytes.write(memory.len());
            }
        }
        Ok(())
    })
}

/// Copies `bytes` bytes at `data` into input number `index`; the number must be the input's.
///
/// # Safety
/// `session` is null or a session that was not closed; `data` is null or has `bytes` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_set_input(
    session: *mut redpoll_session,
    index: usize,
    data: *const c_void,
    bytes: usize,
) -> redpoll_status {
    guard(|| {
        // SAFETY: as this function's.
        let handle = unsafe { handle(session) }?;
        let wanted = nth(&handle.inputs, index)?.info.bytes;
        if data.is_null() {
            return Err(Failure::null("data"));
        }
        if bytes != wanted {
            let name = &nth(&handle.inputs, index)?.info.name;
            let message = format!("input \"{name}\" has {wanted} bytes, got {bytes}");
            return Err(Failure::new(REDPOLL_LENGTH, message));
        }
        // SAFETY: not null, and the caller says that so many bytes may be read; a tensor's size fits `isize`.
        let data = unsafe { slice::from_raw_parts(data.cast::<u8>(), bytes) };
        handle.lock()?.input_bytes_mut(index)?.copy_from_slice(data);
        Ok(())
    })
}

/// The memory of output number `index`: nothing is copied. What it holds is valid from a run until the next input is written or the session closed.
/// `bytes` may be null.
///
/// # Safety
/// `session` is null or a session that was not closed; `data` and `bytes` are null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_output_data(
    session: *const redpoll_session,
    index: usize,
    data: *mut *const c_void,
    bytes: *mut usize,
) -> redpoll_status {
    guard(|| {
        if data.is_null() {
            return Err(Failure::null("data"));
        }
        // SAFETY: as this function's.
        let handle = unsafe { handle(session) }?;
        nth(&handle.outputs, index)?;
        let session = handle.lock()?;
        let memory = session.output_bytes(index)?;
        // SAFETY: not null, and the caller lets us write them.
        unsafe {
            data.write(memory.as_ptr().cast());
            if !bytes.is_null() {
                bytes.write(memory.len());
            }
        }
        Ok(())
    })
}
