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
    pub(crate) const fn new() -> Self {
        Self(OFFSET)
    }

    const fn word(&mut self, word: u64) {
        let h = (self.0 ^ word).wrapping_mul(PRIME);
        self.0 = h ^ (h >> 32);
    }

    /// Adds a run of bytes.
    pub(crate) const fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut rest = bytes;
        while let Some((word, after)) = rest.split_first_chunk::<8>() {
            self.word(u64::from_le_bytes(*word));
            rest = after;
        }
        if !rest.is_empty() {
            let (mut last, mut i) = ([0; 8], 0);
            while i < rest.len() {
                last[i] = rest[i];
                i += 1;
            }
            self.word(u64::from_le_bytes(last));
        }
        self.word(bytes.len() as u64);
        self
    }

    /// The value.
    pub(crate) const fn value(self) -> u64 {
        self.0
    }
}

/// The hash of a whole file: everything but the hash field itself. The file holds a header.
pub(crate) const fn of_file(bytes: &[u8]) -> u64 {
    let at = crate::format::HASH_OFFSET;
    let at = if at < bytes.len() { at } else { bytes.len() };
    let (before, rest) = bytes.split_at(at);
    let after = match rest.split_first_chunk::<8>() {
        Some((_, after)) => after,
        None => &[],
    };
    Hash::new().bytes(before).bytes(after).value()
}
