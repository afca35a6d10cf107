//! Errors as Python's exceptions: what the caller got wrong is a `ValueError`, files are `OSError`, the rest `RedpollError`.

use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyTypeError, PyValueError};

pyo3::create_exception!(
    redpoll,
    RedpollError,
    PyRuntimeError,
    "A model or plan that cannot be used, or a run that failed."
);

/// An error of a session.
pub(crate) fn session(error: redpoll::Error) -> PyErr {
    use redpoll::ErrorKind::*;
    let message = error.to_string();
    match error.kind() {
        Io => PyOSError::new_err(message),
        Type => PyTypeError::new_err(message),
        Tier | NoSuchTensor | Length | NotSet => PyValueError::new_err(message),
        _ => RedpollError::new_err(message),
    }
}

/// An error of the converter.
pub(crate) fn pipeline(error: redpoll_pipeline::Error) -> PyErr {
    use redpoll_pipeline::ErrorKind::*;
    let message = error.to_string();
    match error.kind() {
        Io => PyOSError::new_err(message),
        Invalid => PyValueError::new_err(message),
        _ => RedpollError::new_err(message),
    }
}
