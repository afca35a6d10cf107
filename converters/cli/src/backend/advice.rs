//! Who would run a model that our engine cannot: asked by loading it, not guessed.

use std::path::Path;

use redpoll_pipeline::{Error, ErrorKind, source};

use super::{Choice, CpuShare, Library, is_built_in, open, shapes};
use crate::load::Dims;

/// The gaps of a model, and the other backends' answers.
#[derive(Debug, thiserror::Error)]
#[error("{error}\n{answers}")]
pub struct Unsupported {
    error: Error,
    answers: String,
}

/// Adds the answers of the other backends to an error that lists the gaps of a model; other errors stay as they are.
pub fn advise(path: &Path, dims: &Dims, library: &Library, error: Error) -> anyhow::Error {
    if error.kind() != ErrorKind::Unsupported {
        return error.into();
    }
    // Other engines take the same translation.
    if source::is_tflite(path) && source::read_model(path).is_err() {
        return error.into();
    }
    let mut answers = Vec::new();
    for choice in [Choice::Tract, Choice::Ort(CpuShare::default())] {
        let name = choice.to_string();
        if !is_built_in(&choice) {
            answers.push(format!("  {name}: not built in, so not asked"));
            continue;
        }
        let loaded = shapes(path, dims).and_then(|shapes| open(&choice, path, &shapes, 1, library));
        answers.push(match loaded {
            Ok(_) => format!("  {name}: loads it; run it with --backend {name}"),
            Err(e) => {
                let text = format!("{e:#}");
                let line = text.lines().next().unwrap_or_default();
                format!("  {name}: does not load it: {line}")
            }
        });
    }
    let answers = format!("Other backends:\n{}", answers.join("\n"));
    Unsupported { error, answers }.into()
}
