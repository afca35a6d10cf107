//! Exit codes.

use redpoll_pipeline::ErrorKind;

/// Wrong arguments, or data that does not fit the model.
pub const USAGE: u8 = 1;
/// The model holds something that is not supported.
pub const UNSUPPORTED: u8 = 2;
/// Accuracy below the bound asked for.
pub const ACCURACY: u8 = 3;
/// A file cannot be read or written, or is malformed.
pub const IO: u8 = 4;
/// A bug.
pub const INTERNAL: u8 = 5;

/// The int8 model loses more than `--max-drop` allows.
#[derive(Debug, thiserror::Error)]
#[error("top-1 falls by {drop:.2} points, more than the {bound:.2} allowed by --max-drop")]
pub struct AccuracyDrop {
    pub drop: f64,
    pub bound: f64,
}

/// The two things compared differ.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The exit code of an error.
pub fn code(e: &anyhow::Error) -> u8 {
    for cause in e.chain() {
        if let Some(e) = cause.downcast_ref::<redpoll_pipeline::Error>() {
            return match e.kind() {
                ErrorKind::Unsupported => UNSUPPORTED,
                ErrorKind::Invalid => USAGE,
                ErrorKind::Io => IO,
                _ => INTERNAL,
            };
        }
        if cause.is::<crate::backend::Unsupported>() {
            return UNSUPPORTED;
        }
        if cause.is::<AccuracyDrop>() {
            return ACCURACY;
        }
        if cause.is::<Usage>()
            || cause.is::<redpoll_vision::Misfit>()
            || cause.is::<redpoll_vision::VisionError>()
        {
            return USAGE;
        }
        if let Some(e) = cause.downcast_ref::<redpoll_onnx::Error>() {
            return match e.kind() {
                redpoll_onnx::ErrorKind::Unsupported => UNSUPPORTED,
                _ => IO,
            };
        }
        if let Some(e) = cause.downcast_ref::<redpoll_session::Error>() {
            return match e.kind() {
                redpoll_session::ErrorKind::Io
                | redpoll_session::ErrorKind::Plan
                | redpoll_session::ErrorKind::Library => IO,
                redpoll_session::ErrorKind::Model => UNSUPPORTED,
                redpoll_session::ErrorKind::Run => INTERNAL,
                _ => USAGE,
            };
        }
        if let Some(e) = cause.downcast_ref::<redpoll_vision::FileError>() {
            return match e.kind() {
                redpoll_vision::FileErrorKind::Description => USAGE,
                _ => IO,
            };
        }
        if cause.is::<redpoll_voice::audio::AudioError>()
            || cause.is::<redpoll_wyoming::ServerError>()
        {
            return IO;
        }
        if cause.is::<std::io::Error>() {
            return IO;
        }
    }
    INTERNAL
}
