//! The one error type of this crate: opaque, with a kind.

use std::error::Error as StdError;
use std::fmt::Display;

/// What kind of thing went wrong; match on this, show the [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system said no: file missing, no permission, disk full.
    Io,
    /// The bytes are not a well-formed ONNX file, or contradict themselves.
    Malformed,
    /// The file is larger or deeper than [`Limits`](crate::Limits) allow.
    LimitExceeded,
    /// Well-formed, but a version, type or feature that this crate does not read or write.
    Unsupported,
    /// External data points outside the model's folder, or through a link.
    UnsafePath,
}

/// Why a file could not be read or written. The message names the tensor, node or field.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Short form used all over this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Malformed, message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::LimitExceeded, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn unsafe_path(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::UnsafePath, message)
    }

    pub(crate) fn io(what: impl Display, source: std::io::Error) -> Self {
        Error {
            kind: ErrorKind::Io,
            message: format!("{what}: {source}"),
            source: Some(Box::new(source)),
        }
    }

    /// Puts the place of the error in front of the message.
    pub(crate) fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}
