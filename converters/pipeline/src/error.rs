//! The error of all stages.

use std::fmt;

/// What went wrong, for programs; the command's exit codes follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The model holds operators or combinations that are not supported; see [`Error::gaps`].
    Unsupported,
    /// The model, data or description is malformed or does not fit.
    Invalid,
    /// A file cannot be read or written, or its bytes are not what its name says.
    Io,
    /// A stage broke its own promise: a bug.
    Internal,
}

/// One thing about a model that is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The node, as named in the model.
    pub node: String,
    /// The operator, with domain when it is not ai.onnx.
    pub op: String,
    /// What is not supported, and what to do about it.
    pub reason: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node \"{}\" ({}): {}", self.node, self.op, self.reason)
    }
}

/// A failed stage.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}{}", gap_lines(gaps))]
pub struct Error {
    kind: ErrorKind,
    message: String,
    gaps: Vec<Gap>,
}

fn gap_lines(gaps: &[Gap]) -> String {
    gaps.iter().map(|g| format!("\n  {g}")).collect()
}

impl Error {
    /// An error without gaps.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            gaps: Vec::new(),
        }
    }

    /// All gaps of a model at once.
    pub fn unsupported(gaps: Vec<Gap>) -> Self {
        let message = format!("{} unsupported node(s):", gaps.len());
        Self {
            kind: ErrorKind::Unsupported,
            message,
            gaps,
        }
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The gaps of an unsupported model.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }
}

impl From<redpoll_graph::Error> for Error {
    fn from(e: redpoll_graph::Error) -> Self {
        let kind = match e.kind() {
            redpoll_graph::ErrorKind::Unsupported => ErrorKind::Unsupported,
            redpoll_graph::ErrorKind::Invalid => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, e.to_string())
    }
}

impl From<redpoll_vision::FileError> for Error {
    fn from(e: redpoll_vision::FileError) -> Self {
        let kind = match e.kind() {
            redpoll_vision::FileErrorKind::Io => ErrorKind::Io,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, e.to_string())
    }
}
