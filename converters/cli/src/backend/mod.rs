//! Engines behind `--backend`: our own, tract, ONNX Runtime. The user chooses; none stands in for another.

mod advice;
mod choice;
#[cfg(feature = "ort")]
mod ort;
mod running;
#[cfg(feature = "tract")]
mod tract;
#[cfg(any(feature = "ort", feature = "tract"))]
mod translated;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use redpoll_session::Backend;
use serde_json::{Value, json};

use crate::exit::Usage;
use crate::load::Dims;

pub use advice::{Unsupported, advise};
pub use choice::{Choice, CpuShare};
pub use running::Running;

/// Where to find ONNX Runtime.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Library {
    /// Shared library of ONNX Runtime, its folder, or a Python environment that holds the package onnxruntime; else
    /// ORT_DYLIB_PATH, the active Python environment and the system's folders are looked at
    #[arg(long = "ort-library", value_name = "PATH")]
    pub path: Option<PathBuf>,
}

/// Loads an ONNX or TFLite file into a backend that is not ours. `shapes` holds the shape of every input.
pub fn open(
    choice: &Choice,
    path: &Path,
    shapes: &[(String, Vec<usize>)],
    threads: usize,
    library: &Library,
) -> Result<Box<dyn Backend>> {
    match choice {
        Choice::Native => bail!(Usage("the native engine takes plans".into())),
        #[cfg(feature = "tract")]
        Choice::Tract => {
            let onnx = translated::OnnxFile::of(path)?;
            tract::open(onnx.path(), shapes, threads)
        }
        #[cfg(feature = "ort")]
        Choice::Ort(share) => {
            let onnx = translated::OnnxFile::of(path)?;
            ort::open(onnx.path(), shapes, threads, library, share)
        }
        #[cfg(not(all(feature = "tract", feature = "ort")))]
        _ => {
            let _ = (path, shapes, threads, library);
            Err(missing(choice))
        }
    }
}

/// True when this program was built with the backend.
pub fn is_built_in(choice: &Choice) -> bool {
    match choice {
        Choice::Native => true,
        Choice::Tract => cfg!(feature = "tract"),
        Choice::Ort(_) => cfg!(feature = "ort"),
    }
}

/// Demands that the backend is built in and, for ONNX Runtime, that its library loads and offers the provider.
pub fn check(choice: &Choice, library: &Library) -> Result<()> {
    if !is_built_in(choice) {
        return Err(missing(choice));
    }
    #[cfg(feature = "ort")]
    if let Choice::Ort(share) = choice {
        ort::check(library, share)?;
    }
    let _ = library;
    Ok(())
}

fn missing(choice: &Choice) -> anyhow::Error {
    let name = choice.engine();
    anyhow::Error::new(Usage(format!(
        "this redpoll was built without the backend {name}; build it with `cargo build --release -p redpoll-cli --features {name}`"
    )))
}

/// What the shape of every input of a model is, dimensions filled in by `--dim`.
pub fn shapes(path: &Path, dims: &Dims) -> Result<Vec<(String, Vec<usize>)>> {
    let model = redpoll_pipeline::source::read_model(path)?;
    let options = redpoll_pipeline::import::ImportOptions {
        dims: dims.options()?.dims,
        ..Default::default()
    };
    Ok(redpoll_pipeline::import::input_shapes(&model, &options)?)
}

/// What `redpoll info` says about the backends.
pub fn describe(library: &Library) -> Value {
    let native = json!({"built_in": true});
    let tract = json!({"built_in": cfg!(feature = "tract")});
    #[cfg(feature = "ort")]
    let ort = ort::describe(library);
    #[cfg(not(feature = "ort"))]
    let ort = {
        let _ = library;
        json!({"built_in": false})
    };
    json!({"native": native, "tract": tract, "ort": ort})
}
