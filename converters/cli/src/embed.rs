//! `redpoll convert --emit LANGUAGE DIR`: source code that holds the plan.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use redpoll_pipeline::convert::Conversion;
use redpoll_pipeline::embed::Embedded;

use crate::exit::Usage;

/// A language to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A `no_std` crate.
    Rust,
    /// A header and an array.
    C,
}

/// Languages and folders from pairs of arguments.
pub fn languages(pairs: &[String]) -> Result<Vec<(Language, PathBuf)>> {
    let (pairs, _) = pairs.as_chunks::<2>();
    pairs
        .iter()
        .map(|[language, folder]| {
            let language = match language.as_str() {
                "rust" => Language::Rust,
                "c" => Language::C,
                other => bail!(Usage(format!(
                    "--emit {other}: no such language; it is rust or c"
                ))),
            };
            Ok((language, PathBuf::from(folder)))
        })
        .collect()
}

/// Writes the sources.
pub fn write(
    languages: &[(Language, PathBuf)],
    conversion: &Conversion,
    name: &str,
    runtime: Option<&Path>,
) -> Result<()> {
    if languages.is_empty() {
        return Ok(());
    }
    let embedded = Embedded::new(conversion.lowered.plan(), name)?;
    let runtime = runtime
        .map(|dir| {
            dir.canonicalize()
                .with_context(|| dir.display().to_string())
        })
        .transpose()?;
    let runtime = match &runtime {
        None => None,
        Some(dir) => Some(dir.to_str().context("--runtime: the path is not UTF-8")?),
    };
    for (language, folder) in languages {
        let files = match language {
            Language::Rust => embedded.rust_crate(runtime),
            Language::C => embedded.c_source(),
        };
        for (name, bytes) in files {
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            }
            std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
