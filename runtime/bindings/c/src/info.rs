//! What a session tells about itself, its inputs and its outputs.

use std::ffi::c_char;

use redpoll::DType;

use crate::api::{handle, text};
use crate::error::redpoll_status::{REDPOLL_LENGTH, REDPOLL_NO_SUCH_TENSOR};
use crate::error::{Failure, guard, redpoll_status};
use crate::handle::{Described, redpoll_session};

/// Element types. The numbers are those of the plan file.
#[repr(C)]
#[allow(non_camel_case_types, missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum redpoll_dtype {
    REDPOLL_F32 = 0,
    REDPOLL_F16 = 1,
    REDPOLL_I8 = 2,
    REDPOLL_U8 = 3,
    REDPOLL_I32 = 4,
    REDPOLL_I64 = 5,
    REDPOLL_BOOL = 6,
}

/// An input or output. Its pointers are valid until the session is closed.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug)]
pub struct redpoll_tensor_info {
    /// Name in the model, UTF-8.
    pub name: *const c_char,
    /// Element type.
    pub dtype: redpoll_dtype,
    /// Number of dimensions.
    pub rank: usize,
    /// The dimensions, outermost first. Images are NHWC unless the model says otherwise.
    pub dims: *const usize,
    /// Bytes of all elements.
    pub bytes: usize,
    /// Scale of a quantised tensor, `real = (q - zero_point) * scale`; 0 for others.
    pub scale: f32,
    /// Zero point of a quantised tensor.
    pub zero_point: i32,
}

/// Number of inputs; 0 for null.
///
/// # Safety
/// `session` is null or a session that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_input_count(session: *const redpoll_session) -> usize {
    // SAFETY: as this function's.
    unsafe { session.as_ref() }.map_or(0, |s| s.inputs.len())
}

/// Number of outputs; 0 for null.
///
/// # Safety
/// `session` is null or a session that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_output_count(session: *const redpoll_session) -> usize {
    // SAFETY: as this function's.
    unsafe { session.as_ref() }.map_or(0, |s| s.outputs.len())
}

/// Describes input number `index`.
///
/// # Safety
/// `session` is null or a session that was not closed; `info` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_input_info(
    session: *const redpoll_session,
    index: usize,
    info: *mut redpoll_tensor_info,
) -> redpoll_status {
    guard(|| {
        // SAFETY: as this function's.
        unsafe { describe(&handle(session)?.inputs, index, info) }
    })
}

/// Describes output number `index`.
///
/// # Safety
/// As for `redpoll_input_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_output_info(
    session: *const redpoll_session,
    index: usize,
    info: *mut redpoll_tensor_info,
) -> redpoll_status {
    guard(|| {
        // SAFETY: as this function's.
        unsafe { describe(&handle(session)?.outputs, index, info) }
    })
}

/// Writes the dimensions of output number `index` in the last run, `rank` numbers. They are those of `redpoll_output_info`, but for sizes that depend
/// on data, such as the number of boxes found: there that function tells the largest.
///
/// # Safety
/// `session` is null or a session that was not closed; `dims` is null or `rank` numbers may be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_output_dims(
    session: *const redpoll_session,
    index: usize,
    dims: *mut usize,
    rank: usize,
) -> redpoll_status {
    guard(|| {
        if dims.is_null() {
            return Err(Failure::null("dims"));
        }
        // SAFETY: as this function's.
        let handle = unsafe { handle(session) }?;
        let name = &nth(&handle.outputs, index)?.info.name;
        let shape = handle.lock()?.output_shape(index)?;
        if shape.len() != rank {
            let message = format!(
                "output \"{name}\" has {} dimensions, not {rank}",
                shape.len()
            );
            return Err(Failure::new(REDPOLL_LENGTH, message));
        }
        // SAFETY: not null, and the caller lets us write so many.
        unsafe { dims.copy_from_nonoverlapping(shape.as_ptr(), rank) };
        Ok(())
    })
}

/// Number of the input called `name`.
///
/// # Safety
/// `session` is null or a session that was not closed; `name` is null or ends with a zero byte; `index` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_find_input(
    session: *const redpoll_session,
    name: *const c_char,
    index: *mut usize,
) -> redpoll_status {
    guard(|| {
        // SAFETY: as this function's.
        unsafe { find(&handle(session)?.inputs, name, index) }
    })
}

/// Number of the output called `name`.
///
/// # Safety
/// As for `redpoll_find_input`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_find_output(
    session: *const redpoll_session,
    name: *const c_char,
    index: *mut usize,
) -> redpoll_status {
    guard(|| {
        // SAFETY: as this function's.
        unsafe { find(&handle(session)?.outputs, name, index) }
    })
}

/// Bytes of working memory, exactly what the plan says; 0 for null.
///
/// # Safety
/// `session` is null or a session that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_arena_bytes(session: *const redpoll_session) -> usize {
    // SAFETY: as this function's.
    unsafe { session.as_ref() }.map_or(0, |s| s.arena_bytes)
}

/// Threads that compute, the caller's included; 0 for null.
///
/// # Safety
/// `session` is null or a session that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_threads(session: *const redpoll_session) -> usize {
    // SAFETY: as this function's.
    unsafe { session.as_ref() }.map_or(0, |s| s.threads)
}

/// Name of the tier that computes, valid until the session is closed; empty for null.
///
/// # Safety
/// `session` is null or a session that was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_tier(session: *const redpoll_session) -> *const c_char {
    // SAFETY: as this function's.
    unsafe { session.as_ref() }.map_or(c"".as_ptr(), |s| s.tier.as_ptr())
}

/// # Safety
/// `info` is null or may be written.
unsafe fn describe(
    tensors: &[Described],
    index: usize,
    info: *mut redpoll_tensor_info,
) -> Result<(), Failure> {
    if info.is_null() {
        return Err(Failure::null("info"));
    }
    let tensor = nth(tensors, index)?;
    let described = redpoll_tensor_info {
        name: tensor.name.as_ptr(),
        dtype: dtype(tensor.info.dtype),
        rank: tensor.dims.len(),
        dims: tensor.dims.as_ptr(),
        bytes: tensor.info.bytes,
        scale: tensor.info.scale,
        zero_point: tensor.info.zero_point,
    };
    // SAFETY: not null, and the caller lets us write it.
    unsafe { info.write(described) };
    Ok(())
}

/// # Safety
/// `name` is null or ends with a zero byte; `index` is null or may be written.
unsafe fn find(
    tensors: &[Described],
    name: *const c_char,
    index: *mut usize,
) -> Result<(), Failure> {
    if index.is_null() {
        return Err(Failure::null("index"));
    }
    // SAFETY: as this function's.
    let name = unsafe { text(name, "name") }?;
    let found = tensors.iter().position(|t| t.info.name == name);
    let found = found.ok_or_else(|| {
        let names: Vec<&str> = tensors.iter().map(|t| t.info.name.as_str()).collect();
        let message = format!("there is no \"{name}\"; there are: {}", names.join(", "));
        Failure::new(REDPOLL_NO_SUCH_TENSOR, message)
    })?;
    // SAFETY: not null, and the caller lets us write it.
    unsafe { index.write(found) };
    Ok(())
}

/// The tensor of a number.
pub(crate) fn nth(tensors: &[Described], index: usize) -> Result<&Described, Failure> {
    tensors.get(index).ok_or_else(|| {
        let message = format!("there is no number {index}, only {}", tensors.len());
        Failure::new(REDPOLL_NO_SUCH_TENSOR, message)
    })
}

fn dtype(dtype: DType) -> redpoll_dtype {
    match dtype {
        DType::F32 => redpoll_dtype::REDPOLL_F32,
        DType::F16 => redpoll_dtype::REDPOLL_F16,
        DType::I8 => redpoll_dtype::REDPOLL_I8,
        DType::U8 => redpoll_dtype::REDPOLL_U8,
        DType::I32 => redpoll_dtype::REDPOLL_I32,
        DType::I64 => redpoll_dtype::REDPOLL_I64,
        DType::Bool => redpoll_dtype::REDPOLL_BOOL,
    }
}
