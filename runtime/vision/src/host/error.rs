//! What can be wrong with files.

use std::path::Path;

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileErrorKind {
    /// The file cannot be read or written.
    Io,
    /// Its bytes are no picture, or a damaged one.
    Picture,
    /// The picture is larger than what is read.
    TooLarge,
    /// The text is no description.
    Description,
}

/// A file that is not taken, with its path and the reason.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct FileError {
    kind: FileErrorKind,
    message: String,
}

impl FileError {
    /// With the reason, as a reader of one's own gives it.
    pub fn new(kind: FileErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The same with the file's path before the reason.
    pub fn at(self, path: &Path) -> Self {
        Self {
            message: format!("{}: {}", path.display(), self.message),
            ..self
        }
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> FileErrorKind {
        self.kind
    }
}
