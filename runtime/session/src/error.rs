//! Errors of sessions.

use std::path::Path;

use redpoll_engine::EngineError;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file could not be read, or a thread not be started.
    Io,
    /// The bytes are no plan that this version can run.
    Plan,
    /// The tier asked for is unknown or needs instructions that this CPU lacks.
    Tier,
    /// The plan needs more working memory than [`Options::memory_limit`](crate::Options::memory_limit).
    Memory,
    /// There is no input or output of this name or number.
    NoSuchTensor,
    /// The element type differs from the tensor's.
    Type,
    /// The number of elements differs from the tensor's.
    Length,
    /// An input was not written before the run.
    NotSet,
    /// The run itself failed.
    Run,
    /// The library of another runtime is missing, too old or cannot be loaded.
    Library,
    /// Another runtime cannot load or run this model.
    Model,
}

/// An error of a session: what happened, to which tensor, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// An error of a backend: `kind`, and what to do about it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self {
            kind: ErrorKind::Io,
            message: format!("{}: {source}", path.display()),
            source: Some(source.into()),
        }
    }
}

impl From<EngineError> for Error {
    fn from(source: EngineError) -> Self {
        Self {
            kind: ErrorKind::Run,
            message: source.to_string(),
            source: Some(source.into()),
        }
    }
}
