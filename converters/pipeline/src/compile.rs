//! From a model file straight to a plan: import, optimize, lower, with no calibration.

use std::collections::BTreeMap;
use std::path::Path;

use crate::import::{ImportOptions, import};
use crate::lower::{LowerOptions, lower};
use crate::optimize::optimize;
use crate::source::read_model;
use crate::{Error, ErrorKind, Imported, Lowered, Optimized};

/// Choices for reading a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// Sizes of symbolic dimensions.
    pub dims: BTreeMap<String, usize>,
    /// Whole shapes of inputs by name.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// Inputs that become constants, by name.
    pub set: BTreeMap<String, String>,
}

/// Reads and imports an ONNX or TFLite file.
///
/// # Errors
/// When the file cannot be read or is malformed, or with all gaps of an unsupported model.
pub fn read(path: &Path, options: &CompileOptions) -> Result<Imported, Error> {
    let model = read_model(path)?;
    import(
        &model,
        &ImportOptions {
            dims: options.dims.clone(),
            shapes: options.shapes.clone(),
            set: options.set.clone(),
            ..ImportOptions::default()
        },
    )
}

/// Reads, imports and optimises an ONNX or TFLite file.
///
/// # Errors
/// As [`read`].
pub fn read_optimized(path: &Path, options: &CompileOptions) -> Result<Optimized, Error> {
    optimize(read(path, options)?)
}

/// Compiles an ONNX or TFLite file as it is: a float model to float steps, a quantised one to integer steps.
///
/// # Errors
/// As [`read`], or with what cannot be lowered.
pub fn compile(path: &Path, options: &CompileOptions) -> Result<Lowered, Error> {
    lower(
        read_optimized(path, options)?.graph(),
        &LowerOptions::default(),
    )
}

impl From<redpoll_onnx::Error> for Error {
    fn from(e: redpoll_onnx::Error) -> Self {
        let kind = match e.kind() {
            redpoll_onnx::ErrorKind::Unsupported => ErrorKind::Unsupported,
            _ => ErrorKind::Io,
        };
        Self::new(kind, e.to_string())
    }
}
