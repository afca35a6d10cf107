//! Plans inside a program: sizes and intactness as constants, bytes at the right alignment.
//!
//! ```
//! use redpoll_plan::embed::{Memory, arena_bytes};
//!
//! # const BYTES: &[u8] = &[];
//! # macro_rules! include_plan { ($path:literal) => { BYTES } }
//! const PLAN: &[u8] = include_plan!("../model.plan");
//! // Not a byte more than the plan says, known when the program is built.
//! static ARENA: Memory<{ arena_bytes(PLAN) }> = Memory::new();
//! ```

use crate::format::{HASH_OFFSET, HEADER_BYTES, Header, MAGIC};
use crate::hash;
use core::mem::offset_of;

/// Bytes at an alignment that every plan, arena and scratch is content with.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Aligned<T: ?Sized>(pub T);

/// Working memory of `N` bytes.
pub type Memory<const N: usize> = Aligned<[u8; N]>;

impl<const N: usize> Memory<N> {
    /// All zeros.
    pub const fn new() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Default for Memory<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The bytes of a plan file as a `&'static [u8]` constant, aligned.
#[macro_export]
macro_rules! include_plan {
    ($path:expr $(,)?) => {{
        const ALIGNED: &$crate::embed::Aligned<[u8]> =
            &$crate::embed::Aligned(*include_bytes!($path));
        &ALIGNED.0
    }};
}

/// A word of the header; 0 of a file that is shorter than a header or no plan.
const fn word(plan: &[u8], at: usize) -> usize {
    if plan.len() < HEADER_BYTES {
        return 0;
    }
    let mut i = 0;
    while i < MAGIC.len() {
        if plan[i] != MAGIC[i] {
            return 0;
        }
        i += 1;
    }
    u32::from_le_bytes([plan[at], plan[at + 1], plan[at + 2], plan[at + 3]]) as usize
}

/// Bytes of working memory that a plan file asks for; 0 when it is no plan.
pub const fn arena_bytes(plan: &[u8]) -> usize {
    word(plan, offset_of!(Header, arena_bytes))
}

/// Bytes of scratch that one worker needs, as the engine counts them: rounded up to 64.
pub const fn scratch_bytes(plan: &[u8]) -> usize {
    word(plan, offset_of!(Header, scratch_bytes)).next_multiple_of(64)
}

/// True when the content hash of a plan file is right. In a `const` it costs nothing on the device:
/// `const _: () = assert!(is_intact(PLAN));` (large plans need `#![allow(long_running_const_eval)]`).
pub const fn is_intact(plan: &[u8]) -> bool {
    if plan.len() < HEADER_BYTES {
        return false;
    }
    let (mut stored, mut i) = ([0; 8], 0);
    while i < stored.len() {
        stored[i] = plan[HASH_OFFSET + i];
        i += 1;
    }
    hash::of_file(plan) == u64::from_le_bytes(stored)
}
