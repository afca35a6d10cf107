//! tract.

use std::path::Path;

use anyhow::{Result, bail};
use redpoll_backend_tract::{Options, TractSession};
use redpoll_session::Backend;

use crate::exit::Usage;

/// Loads an ONNX file.
pub fn open(
    path: &Path,
    shapes: &[(String, Vec<usize>)],
    threads: usize,
) -> Result<Box<dyn Backend>> {
    if threads > 1 {
        bail!(Usage("tract computes with one thread".into()));
    }
    let mut options = Options::default();
    for (name, shape) in shapes {
        options = options.input_shape(name.as_str(), shape);
    }
    // A panic of tract comes back as an error; the hook would print it as well.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let session = TractSession::open(path, &options);
    std::panic::set_hook(hook);
    Ok(Box::new(session?))
}
