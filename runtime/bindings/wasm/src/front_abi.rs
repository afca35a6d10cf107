//! The functions of front ends that the module exports. Addresses are of the module's memory.

use crate::abi::fail;
use crate::front::Front;

/// A front end, or 0: see [`redpoll_message`](crate::redpoll_message). `preset`: 0 `models/digits`, 1 MLPerf Tiny's keyword spotting, 2 Kaldi's
/// filter bank, 3 Whisper's. `rate`: samples a second of what will come; 0 for the front end's own.
#[unsafe(no_mangle)]
pub extern "C" fn redpoll_front_open(preset: u32, rate: u32) -> *mut Front {
    match Front::new(preset, rate) {
        Ok(front) => Box::into_raw(Box::new(front)),
        Err(message) => {
            fail(message);
            std::ptr::null_mut()
        }
    }
}

/// Ends a front end and gives its memory back.
///
/// # Safety
/// `front` comes from [`redpoll_front_open`] and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_front_close(front: *mut Front) {
    if !front.is_null() {
        // SAFETY: as the caller promises.
        drop(unsafe { Box::from_raw(front) });
    }
}

/// 0: values of a frame, 1: samples a second, 2: samples from a frame to the next, 3: samples of a frame.
///
/// # Safety
/// `front` comes from [`redpoll_front_open`] and is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_front_info(front: *const Front, which: u32) -> usize {
    // SAFETY: as the caller promises.
    let spec = unsafe { &*front }.spec();
    match which {
        0 => spec.features(),
        1 => spec.sample_rate as usize,
        2 => spec.hop_samples,
        3 => spec.frame_samples(),
        _ => 0,
    }
}

/// Where the caller writes `count` samples (f32, −1 to 1) before [`redpoll_front_push`], or 0.
///
/// # Safety
/// As [`redpoll_front_info`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_front_room(front: *mut Front, count: usize) -> *mut f32 {
    // SAFETY: as the caller promises.
    match unsafe { &mut *front }.room(count) {
        Ok(room) => room.as_mut_ptr(),
        Err(message) => {
            fail(message);
            std::ptr::null_mut()
        }
    }
}

/// Takes the samples in the room. Values of the frames that they complete, at [`redpoll_front_frames`].
///
/// # Safety
/// As [`redpoll_front_info`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_front_push(front: *mut Front) -> usize {
    // SAFETY: as the caller promises.
    unsafe { &mut *front }.push().len()
}

/// Ends the stream. Values of the frames of its end, at [`redpoll_front_frames`]; the next sample begins a new stream.
///
/// # Safety
/// As [`redpoll_front_info`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_front_finish(front: *mut Front) -> usize {
    // SAFETY: as the caller promises.
    unsafe { &mut *front }.finish().len()
}

/// Address of the frames of the last call, f32 each; valid until the next.
///
/// # Safety
/// As [`redpoll_front_info`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redpoll_front_frames(front: *const Front) -> *const f32 {
    // SAFETY: as the caller promises.
    unsafe { &*front }.frames().as_ptr()
}
