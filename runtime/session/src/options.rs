//! Choices for a session.

use redpoll_kernels::Tier;

use crate::error::{Error, ErrorKind};

/// Choices for a session.
///
/// ```
/// use redpoll_session::Options;
/// let options = Options::default().threads(2).tier("scalar");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) threads: usize,
    pub(crate) memory_limit: usize,
    pub(crate) tier: Option<String>,
}

impl Default for Options {
    /// One thread, the best tier of this CPU, at most 1 GiB of working memory.
    fn default() -> Self {
        Self {
            threads: 1,
            memory_limit: 1 << 30,
            tier: None,
        }
    }
}

impl Options {
    /// Computes with so many threads, the caller's included, from 1 to 1024. Small models are fastest with one.
    /// The results are the same bits for any number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.clamp(1, 1024);
        self
    }

    /// Refuses plans that need more working memory than this, the scratch of all threads included.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Computes with the tier of this name instead of the best one: see [`tiers`]. The results are the same bits.
    pub fn tier(mut self, name: impl Into<String>) -> Self {
        self.tier = Some(name.into());
        self
    }

    pub(crate) fn find_tier(&self) -> Result<&'static dyn Tier, Error> {
        let Some(name) = &self.tier else {
            return Ok(redpoll_kernels::tiers()
                .first()
                .copied()
                .unwrap_or(&redpoll_kernels::SCALAR));
        };
        redpoll_kernels::tier_by_name(name).ok_or_else(|| {
            Error::new(
                ErrorKind::Tier,
                format!(
                    "there is no tier \"{name}\" on this CPU; there are: {}",
                    tiers().join(", ")
                ),
            )
        })
    }
}

/// Names of the tiers that this CPU can run, best first.
pub fn tiers() -> Vec<&'static str> {
    redpoll_kernels::tiers()
        .iter()
        .map(|tier| tier.name())
        .collect()
}
