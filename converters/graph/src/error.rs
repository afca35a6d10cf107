//! The error of graph building, shape inference, verification and evaluation.

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes do not fit each other or the operator.
    Shape,
    /// Element types or quantisation parameters do not fit the operator.
    Type,
    /// The graph breaks an invariant (use before definition, two writers, dangling id …).
    Invalid,
    /// A combination that no implementation covers.
    Unsupported,
    /// A size would pass a limit or overflow.
    TooLarge,
}

/// A failure, with the node or value that it is about in the message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}{message}", self.node.as_ref().map(|n| format!("node \"{n}\": ")).unwrap_or_default())]
pub struct Error {
    kind: ErrorKind,
    node: Option<String>,
    message: String,
}

impl Error {
    /// An error that names no node yet.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            node: None,
            message: message.into(),
        }
    }

    /// Names the node, unless one is named already.
    pub fn at(mut self, node: &str) -> Self {
        self.node.get_or_insert_with(|| node.to_owned());
        self
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The node it is about.
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }
}
