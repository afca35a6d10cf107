//! The stack's high-water mark: unused stack is painted before and searched after.

use core::ptr;

const PAINT: u32 = 0x5AC7_1E57;
/// Bytes below the caller's frame that are painted: more than any run may use.
const DEPTH: usize = 64 * 1024;
/// Bytes left alone for the frames of these functions.
const MARGIN: usize = 256;

unsafe extern "C" {
    static mut _stack_start: u32;
}

fn bottom() -> *mut u32 {
    // The stack grows down from the end of RAM, of which the boards have 512 kB or more.
    (ptr::addr_of_mut!(_stack_start) as usize - DEPTH) as *mut u32
}

/// Paints what lies below.
#[inline(never)]
pub fn paint() {
    let top = cortex_m::register::msp::read() as usize - MARGIN;
    let mut at = bottom();
    while (at as usize) < top {
        // SAFETY: unused RAM between the statics and the stack pointer.
        unsafe { at.write_volatile(PAINT) };
        at = at.wrapping_add(1);
    }
}

/// Bytes between the stack's start and the deepest word that was written since [`paint`].
#[inline(never)]
pub fn used() -> usize {
    let start = ptr::addr_of_mut!(_stack_start);
    let mut at = bottom();
    // SAFETY: as above.
    while at < start && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    start as usize - at as usize
}
