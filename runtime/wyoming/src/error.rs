//! Errors of the protocol and of the server.

use std::io;
use std::net::SocketAddr;

/// Why a client's connection ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The connection broke, or a time limit passed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Bytes that are no event.
    #[error("not an event: {0}")]
    Malformed(String),
    /// A length above the limit; nothing of that length was read.
    #[error("{what} of {found} bytes: the limit is {limit}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// As the client says.
        found: u64,
        /// The largest that is taken.
        limit: usize,
    },
    /// Sound in a form that is not taken.
    #[error("{0}")]
    Audio(String),
    /// The first event must bring the token.
    #[error("a token is needed: the first event must be authenticate with the right one")]
    Token,
    /// The model failed.
    #[error(transparent)]
    Task(#[from] redpoll_voice::task::TaskError),
}

impl ProtocolError {
    /// The code that the client is told.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "connection",
            Self::Malformed(_) => "malformed",
            Self::TooLong { .. } => "too-long",
            Self::Audio(_) => "audio",
            Self::Token => "token",
            Self::Task(_) => "model",
        }
    }
}

/// Why a server cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("{address}: {source}")]
    Bind {
        /// As it was given.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The address can be reached from other machines, and that was not asked for.
    #[error("{0} can be reached from other machines: that must be allowed expressly")]
    Remote(SocketAddr),
    /// A certificate or key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
}
