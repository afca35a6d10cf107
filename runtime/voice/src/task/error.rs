//! Errors of tasks.

use redpoll_session::TensorInfo;

/// Why a task cannot be made or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The model is for something else.
    #[error("the model does not fit {task}: expected {expected}, found {found}")]
    Model {
        /// What it was wanted for.
        task: &'static str,
        /// What the task needs.
        expected: String,
        /// What the model has.
        found: String,
    },
    /// The description of the front end makes no sense.
    #[error("front end: {0}")]
    FrontEnd(#[from] crate::SpecError),
    /// The model cannot run.
    #[error(transparent)]
    Session(#[from] redpoll_session::Error),
}

/// Names, types and shapes, for messages.
pub(super) fn describe(tensors: &[TensorInfo]) -> String {
    let one = |t: &TensorInfo| format!("\"{}\" {:?} {:?}", t.name, t.dtype, t.shape);
    let list: Vec<String> = tensors.iter().map(one).collect();
    list.join(", ")
}

/// A model that does not fit.
pub(super) fn misfit(
    task: &'static str,
    expected: impl Into<String>,
    session: &redpoll_session::Session,
) -> TaskError {
    TaskError::Model {
        task,
        expected: expected.into(),
        found: format!(
            "inputs {}; outputs {}",
            describe(session.inputs()),
            describe(session.outputs())
        ),
    }
}
