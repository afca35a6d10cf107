//! SHA-256, printed as the other devices print it.

use core::fmt;

use sha2::{Digest, Sha256};

/// A hash of bytes that come in pieces.
pub struct Hash(Sha256);

impl Hash {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all.
    pub fn finish(self) -> Hex {
        Hex(self.0.finalize().into())
    }
}

/// A hash; prints as hexadecimal digits.
pub struct Hex([u8; 32]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
