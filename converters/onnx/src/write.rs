//! Writes models: to bytes, and to files so that no half-written file is ever seen.

use crate::{Error, Model, Result};
use prost::Message;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Largest file that is written, in bytes. Protobuf ends at 2 GiB, and external data is not written.
pub const MAX_WRITE_BYTES: usize = 1 << 30;

/// Makes names of temporary files differ within this process.
static TEMPORARY: AtomicU32 = AtomicU32::new(0);

impl Model {
    /// The file as bytes. The same model gives the same bytes always.
    ///
    /// Tensors whose data is external keep pointing there; the data is not copied.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) above [`MAX_WRITE_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let len = self.proto().encoded_len();
        if len > MAX_WRITE_BYTES {
            return Err(Error::limit(format!(
                "the model would have {len} bytes; files above {MAX_WRITE_BYTES} bytes are not written"
            )));
        }
        Ok(self.proto().encode_to_vec())
    }

    /// Writes the file: first beside `path` under another name, then renamed, so that `path` is old or new, never half.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes), and [`Io`](crate::ErrorKind::Io).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.to_bytes()?;
        let temporary = temporary_beside(path)
            .map_err(|e| Error::io(format!("cannot write {}", path.display()), e))?;
        let done = create(&temporary, &bytes).and_then(|()| fs::rename(&temporary, path));
        done.map_err(|e| {
            // Best effort: the error that matters is the first one.
            let _ = fs::remove_file(&temporary);
            Error::io(format!("cannot write {}", path.display()), e)
        })
    }
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name in the same folder, hence on the same file system.
fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a file name",
        ));
    };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    let count = TEMPORARY.fetch_add(1, Ordering::Relaxed);
    temporary.push(format!(".{}-{count}.tmp", std::process::id()));
    Ok(path.with_file_name(temporary))
}
