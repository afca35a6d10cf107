//! A line of results: which device, how it computed, which model, what came out.

use crate::Failure;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Device, as `cortex-a72`.
    pub device: String,
    /// Tier that computed.
    pub tier: String,
    /// Threads that computed.
    pub threads: usize,
    /// Model and type, as `tiny_kws.int8`.
    pub model: String,
    /// SHA-256 of the bytes of all outputs of all samples, hexadecimal.
    pub hash: String,
}

impl Line {
    /// Reads what [`Line`]'s `Display` wrote.
    ///
    /// # Errors
    /// The line has other than five words, or a hash that is none.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let &[device, tier, threads, model, hash] = words.as_slice() else {
            return Err(format!("not a line of results: {text:?}").into());
        };
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(format!("not a SHA-256: {hash:?}").into());
        }
        Ok(Self {
            device: device.to_owned(),
            tier: tier.to_owned(),
            threads: threads.parse()?,
            model: model.to_owned(),
            hash: hash.to_owned(),
        })
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            device,
            tier,
            threads,
            model,
            hash,
        } = self;
        write!(f, "{device} {tier} {threads} {model} {hash}")
    }
}
