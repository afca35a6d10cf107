//! Memory that starts at a multiple of 64 bytes.

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Zeroed bytes that start at a multiple of 64, as arenas must.
#[derive(Default)]
pub struct Aligned {
    lines: Vec<Line>,
    bytes: usize,
}

impl Aligned {
    /// `bytes` zeros.
    pub fn zeroed(bytes: usize) -> Self {
        let lines = vec![Line::new_zeroed(); bytes.div_ceil(size_of::<Line>())];
        Self { lines, bytes }
    }

    /// A copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut aligned = Self::zeroed(bytes.len());
        aligned.copy_from_slice(bytes);
        aligned
    }
}

impl std::ops::Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.lines.as_bytes()[..self.bytes]
    }
}

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.lines.as_mut_bytes()[..self.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_aligned_and_has_the_length_asked_for() {
        for bytes in [0, 1, 63, 64, 65, 1000] {
            let mut memory = Aligned::zeroed(bytes);
            assert_eq!(memory.len(), bytes);
            assert!(memory.as_ptr().addr().is_multiple_of(64));
            memory.fill(7);
            assert_eq!(&*Aligned::copy_of(&memory), &*memory);
        }
    }
}
