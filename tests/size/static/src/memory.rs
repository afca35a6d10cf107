//! Zeroed memory at a multiple of 64, as arenas must be.

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
struct Line([u8; 64]);

pub struct Memory(Vec<Line>);

impl Memory {
    /// At least so many bytes.
    pub fn zeroed(bytes: usize) -> Self {
        Self(vec![Line::new_zeroed(); bytes.div_ceil(64)])
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.0.as_mut_bytes()
    }
}
