//! The one error type of this crate: opaque, with a kind.

use std::fmt;

/// What kind of thing went wrong; match on this, show the [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a well-formed TFLite file, or contradict themselves.
    Malformed,
    /// The file is larger than [`Limits`](crate::Limits) allow.
    LimitExceeded,
    /// Well-formed, but with something that is not read: [`Error::gaps`] lists operators, if it is those.
    Unsupported,
}

/// One operator that cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Name of the operator's first output, or its place.
    pub node: String,
    /// The operator, as TFLite calls it.
    pub op: String,
    /// What is not supported, and what to do about it.
    pub reason: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node \"{}\" ({}): {}", self.node, self.op, self.reason)
    }
}

/// Why a file could not be read or translated. The message names the place in the file, the tensor or the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", lines(gaps))]
pub struct Error {
    kind: ErrorKind,
    message: String,
    gaps: Vec<Gap>,
}

fn lines(gaps: &[Gap]) -> String {
    gaps.iter().map(|g| format!("\n  {g}")).collect()
}

/// Short form used all over this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operators that cannot be translated.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            gaps: Vec::new(),
        }
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::LimitExceeded, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// All gaps of a model at once.
    pub(crate) fn of_gaps(gaps: Vec<Gap>) -> Self {
        Self {
            kind: ErrorKind::Unsupported,
            message: format!("{} unsupported node(s):", gaps.len()),
            gaps,
        }
    }
}
