//! A TFLite model for engines that read ONNX: translated into a file that goes with it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use redpoll_pipeline::source;

/// The file that an engine reads.
pub struct OnnxFile {
    path: PathBuf,
    temporary: bool,
}

/// Makes the names of this process differ.
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl OnnxFile {
    /// The file itself, or a translation of it.
    pub fn of(path: &Path) -> Result<Self> {
        if !source::is_tflite(path) {
            return Ok(Self {
                path: path.to_owned(),
                temporary: false,
            });
        }
        let model = source::read_model(path)?;
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("redpoll-{}-{n}.onnx", std::process::id());
        let this = Self {
            path: std::env::temp_dir().join(name),
            temporary: true,
        };
        model
            .write(&this.path)
            .with_context(|| this.path.display().to_string())?;
        Ok(this)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OnnxFile {
    fn drop(&mut self) {
        if self.temporary {
            // Nothing is lost when it stays.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
