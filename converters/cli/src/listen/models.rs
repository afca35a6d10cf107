//! Models for servers and assistants: a flag each.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::model::{Choices, Kind, Prepared};
use crate::exit::Usage;
use crate::load::Dims;

/// The models, by what they are for.
#[derive(clap::Args)]
#[command(next_help_heading = "Models of --wyoming and --task assistant")]
pub struct Models {
    /// A wake word; named by its file or by NAME=. Repeatable
    #[arg(long, value_name = "[NAME=]FILE")]
    wake: Vec<String>,
    /// The model of voice activity
    #[arg(long, value_name = "FILE")]
    vad: Option<PathBuf>,
    /// The model of words (digits or kws) that commands and transcripts are made of
    #[arg(long, value_name = "FILE")]
    words: Option<PathBuf>,
    /// openWakeWord's melspectrogram.onnx, where the wake words are openWakeWord's
    #[arg(long, value_name = "FILE", requires = "embedding")]
    mel: Option<PathBuf>,
    /// openWakeWord's embedding_model.onnx
    #[arg(long, value_name = "FILE", requires = "mel")]
    embedding: Option<PathBuf>,
}

impl Models {
    /// True when one was given.
    pub fn any(&self) -> bool {
        !self.wake.is_empty() || self.vad.is_some() || self.words.is_some()
    }

    /// openWakeWord's models of mel frames and embeddings.
    pub fn features(&self) -> Option<(&Path, &Path)> {
        self.mel.as_deref().zip(self.embedding.as_deref())
    }

    /// The wake words with their names.
    pub fn wakes(&self, threshold: Option<f32>, dims: &Dims) -> Result<Vec<(String, Prepared)>> {
        let mut wakes: Vec<(String, Prepared)> = Vec::new();
        for text in &self.wake {
            let (name, path) = match text.split_once('=') {
                Some((name, path)) => (name.to_owned(), Path::new(path)),
                None => (stem(Path::new(text)), Path::new(text)),
            };
            if wakes.iter().any(|(known, _)| *known == name) {
                bail!(Usage(format!("--wake: two are named {name}")));
            }
            let choices = Choices {
                kind: Kind::Wake,
                model: path,
                threshold,
                telling: false,
                dims,
                features: self.features(),
            };
            wakes.push((name, choices.open()?));
        }
        Ok(wakes)
    }

    /// Voice activity.
    pub fn vad(&self, dims: &Dims) -> Result<Option<Prepared>> {
        let open = |path: &PathBuf| open(path, Kind::Vad, None, dims);
        self.vad.as_ref().map(open).transpose()
    }

    /// Words.
    pub fn words(&self, threshold: Option<f32>, dims: &Dims) -> Result<Option<Prepared>> {
        let Some(path) = &self.words else {
            return Ok(None);
        };
        // A model of the one kind is none of the other: their shapes differ.
        let words = open(path, Kind::Digits, threshold, dims);
        let words = words.or_else(|e| open(path, Kind::Kws, threshold, dims).map_err(|_| e))?;
        Ok(Some(words))
    }

    /// The name of the model of words.
    pub fn words_name(&self) -> String {
        self.words.as_deref().map(stem).unwrap_or_default()
    }

    /// The name of the model of voice activity.
    pub fn vad_name(&self) -> String {
        self.vad.as_deref().map(stem).unwrap_or_default()
    }
}

fn open(path: &Path, kind: Kind, threshold: Option<f32>, dims: &Dims) -> Result<Prepared> {
    let choices = Choices {
        kind,
        model: path,
        threshold,
        telling: false,
        dims,
        features: None,
    };
    choices.open()
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
