//! ONNX Runtime.

use std::path::Path;

use anyhow::Result;
use redpoll_backend_ort::{Options, OrtSession, Provider, find, providers, version};
use redpoll_session::Backend;
use serde_json::{Value, json};

use super::{CpuShare, Library};

fn options(library: &Library, share: &CpuShare) -> Result<Options> {
    let mut options = Options::default().rest_on_cpu(share.rest_on_cpu);
    if let Some(path) = &library.path {
        options = options.library(path);
    }
    if let Some(name) = &share.provider {
        options = options.provider(name.parse::<Provider>()?);
    }
    Ok(options)
}

/// Loads an ONNX file.
pub fn open(
    path: &Path,
    shapes: &[(String, Vec<usize>)],
    threads: usize,
    library: &Library,
    share: &CpuShare,
) -> Result<Box<dyn Backend>> {
    let mut options = options(library, share)?.threads(threads);
    for (name, shape) in shapes {
        options = options.input_shape(name.as_str(), shape);
    }
    Ok(Box::new(OrtSession::open(path, &options)?))
}

/// Demands that the library loads and was built with the provider.
pub fn check(library: &Library, share: &CpuShare) -> Result<()> {
    options(library, share)?.check()?;
    Ok(())
}

/// The library that is found, its version and its execution providers, or why there is none.
pub fn describe(library: &Library) -> Value {
    let given = library.path.as_deref();
    let found = find(given).and_then(|path| {
        let offered = providers(given)?;
        let names: Vec<_> = offered.iter().map(|p| p.name()).collect();
        Ok(json!({"built_in": true, "library": path, "version": version(given)?, "providers": names}))
    });
    found.unwrap_or_else(|e| json!({"built_in": true, "error": e.to_string()}))
}
