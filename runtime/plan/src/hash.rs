//! The content hash: FNV-1a in steps of eight bytes, with a fold so that high bits reach low ones.
//!
//! It finds damage, not forgery. `h = (h ^ word) · 0x100000001B3; h ^= h >> 32` over little-endian words of
//! eight bytes, the last one padded with zeros, then once over the length. Every step is a bijection of `h`, so a
//! change within one word always changes the result.

const PRIME: u64 = 0x0000_0100_0000_01B3;
const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;

/// A running hash.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64);

impl Hash {
    /// The empty hash.
    pub(crate) fn new() -> Self {
        Self(OFFSET)
    }

    fn word(&mut self, word: u64) {
        let h = (self.0 ^ word).wrapping_mul(PRIME);
        self.0 = h ^ (h >> 32);
    }

    /// Adds a run of bytes.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
        self.word(bytes.len() as u64);
        self
    }

    /// The value.
    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

/// The hash of a whole file: everything but the hash field itself. The file holds a header.
pub(crate) fn of_file(bytes: &[u8]) -> u64 {
    let at = crate::format::HASH_OFFSET;
    let (before, rest) = bytes.split_at(at.min(bytes.len()));
    Hash::new()
        .bytes(before)
        .bytes(rest.get(8..).unwrap_or(&[]))
        .value()
}
