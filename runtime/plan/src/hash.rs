//! The content hash: FNV-1a in steps of eight bytes, four sums side by side, with a fold so that high bits reach low ones.
//!
//! It finds damage, not forgery. `h = (h ^ word) · 0x100000001B3; h ^= h >> 32` over little-endian words of eight bytes, the
//! last one padded with zeros: word `i` of a run goes to sum `i mod 4`, then the run's length to the first. At the end the
//! other three are words of the first. Every step is a bijection of its sum, so a change within one word always changes the
//! result. One sum would wait six cycles for each word, longer than a plan takes to come from memory.

const PRIME: u64 = 0x0000_0100_0000_01B3;
const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const SUMS: usize = 4;

/// A running hash.
#[derive(Clone, Copy)]
pub(crate) struct Hash([u64; SUMS]);

const fn mix(h: u64, word: u64) -> u64 {
    let h = (h ^ word).wrapping_mul(PRIME);
    h ^ (h >> 32)
}

impl Hash {
    /// The empty hash.
    pub(crate) const fn new() -> Self {
        Self([OFFSET; SUMS])
    }

    /// Adds a run of bytes.
    pub(crate) const fn bytes(self, bytes: &[u8]) -> Self {
        // Values of their own, so that they stay in registers.
        let [mut a, mut b, mut c, mut d] = self.0;
        let mut rest = bytes;
        while let Some((block, after)) = rest.split_first_chunk::<{ 8 * SUMS }>() {
            let (words, _) = block.as_chunks::<8>();
            a = mix(a, u64::from_le_bytes(words[0]));
            b = mix(b, u64::from_le_bytes(words[1]));
            c = mix(c, u64::from_le_bytes(words[2]));
            d = mix(d, u64::from_le_bytes(words[3]));
            rest = after;
        }
        let (mut sums, mut sum) = ([a, b, c, d], 0);
        while !rest.is_empty() {
            let (mut word, mut i) = ([0; 8], 0);
            while i < word.len() && i < rest.len() {
                word[i] = rest[i];
                i += 1;
            }
            sums[sum] = mix(sums[sum], u64::from_le_bytes(word));
            (_, rest) = rest.split_at(i);
            sum += 1;
        }
        sums[0] = mix(sums[0], bytes.len() as u64);
        Self(sums)
    }

    /// The value.
    pub(crate) const fn value(self) -> u64 {
        let [a, b, c, d] = self.0;
        mix(mix(mix(a, b), c), d)
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
