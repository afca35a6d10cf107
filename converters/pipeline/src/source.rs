//! Model files of either format: told apart by their content, not by their name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{Error, ErrorKind, Gap};

/// True for a file that begins as a TFLite model does; false also when it cannot be read.
pub fn is_tflite(path: &Path) -> bool {
    let mut start = [0; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && redpoll_tflite::is_tflite(&start)
}

/// Reads an ONNX file, or a TFLite file as ONNX messages.
///
/// # Errors
/// When the file cannot be read or is malformed; for TFLite also with all operators that cannot be translated.
pub fn read_model(path: &Path) -> Result<redpoll_onnx::Model, Error> {
    if !is_tflite(path) {
        return Ok(redpoll_onnx::Model::read(
            path,
            &redpoll_onnx::Limits::default(),
        )?);
    }
    let limits = redpoll_tflite::Limits::default();
    let failed = |e: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Io,
            format!("{}: cannot read: {e}", path.display()),
        )
    };
    let about = std::fs::metadata(path).map_err(|e| failed(&e))?;
    if !about.is_file() || about.len() > limits.file_bytes as u64 {
        return Err(failed(&"not a regular file, or too large"));
    }
    let bytes = std::fs::read(path).map_err(|e| failed(&e))?;
    from_tflite(&bytes).map_err(|e| match e.kind() {
        ErrorKind::Io => Error::new(ErrorKind::Io, format!("{}: {e}", path.display())),
        _ => e,
    })
}

/// A TFLite model in memory as ONNX messages.
///
/// # Errors
/// As [`read_model`].
pub fn from_tflite(bytes: &[u8]) -> Result<redpoll_onnx::Model, Error> {
    let limits = redpoll_tflite::Limits::default();
    let model = redpoll_tflite::Model::from_bytes(bytes, &limits)?;
    Ok(redpoll_tflite::to_onnx(&model)?.model)
}

impl From<redpoll_tflite::Error> for Error {
    fn from(e: redpoll_tflite::Error) -> Self {
        if !e.gaps().is_empty() {
            let gaps = e.gaps().iter().map(|gap| Gap {
                node: gap.node.clone(),
                op: gap.op.clone(),
                reason: gap.reason.clone(),
            });
            return Self::unsupported(gaps.collect());
        }
        let kind = match e.kind() {
            redpoll_tflite::ErrorKind::Unsupported => ErrorKind::Unsupported,
            _ => ErrorKind::Io,
        };
        Self::new(kind, e.to_string())
    }
}
