//! External data of a model: only from files inside the model's folder.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tract_onnx::data_resolver::ModelDataResolver;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::{TractErrorContext, bail, ensure};

/// Reads files below one folder and no others, whatever path a model names; links are resolved first.
pub(crate) struct Inside {
    folder: PathBuf,
}

impl Inside {
    pub(crate) fn new(folder: &Path) -> TractResult<Self> {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        Ok(Self {
            folder: fs::canonicalize(folder)?,
        })
    }
}

impl ModelDataResolver for Inside {
    fn read_bytes_from_path(
        &self,
        buf: &mut Vec<u8>,
        path: &Path,
        offset: usize,
        length: Option<usize>,
    ) -> TractResult<()> {
        let shown = path.display();
        let path = fs::canonicalize(path).with_context(|| format!("external data {shown}"))?;
        if !path.starts_with(&self.folder) {
            bail!("external data {shown} is outside the model's folder");
        }
        let mut file = File::open(&path)?;
        let size = file.metadata()?.len();
        let from = offset as u64;
        ensure!(from <= size, "external data {shown} ends before {offset}");
        let length = length.map_or(size - from, |n| n as u64);
        ensure!(
            length <= size - from,
            "external data {shown} has no {length} bytes from {offset} on"
        );
        file.seek(SeekFrom::Start(from))?;
        file.take(length).read_to_end(buf)?;
        Ok(())
    }
}
