//! A task from a model file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use redpoll_pipeline::compile::{self, CompileOptions};
use redpoll_session::{Options, Session};
use redpoll_voice::SegmentOptions;
use redpoll_voice::task::{
    Keywords, KeywordsOptions, MicroWakeWord, Task, TaskError, VoiceActivity, WakeOptions,
};

use crate::exit::Usage;
use crate::load::{Dims, is_plan};

/// What to listen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Stretches of speech
    Vad,
    /// A wake word
    Wake,
    /// Ten command words
    Kws,
    /// Spoken digits
    Digits,
    /// Wake word, command, intent, action, answer
    Assistant,
}

/// Key of a model's metadata: names of its classes, a line each.
const LABELS: &str = "labels";

/// What the user asked for.
pub struct Choices<'a> {
    pub kind: Kind,
    pub model: &'a Path,
    pub threshold: Option<f32>,
    pub telling: bool,
    pub dims: &'a Dims,
}

/// A model that was compiled and fits its task; tasks are made of it as often as wanted.
pub struct Prepared {
    plan: Vec<u8>,
    kind: Kind,
    threshold: Option<f32>,
    telling: bool,
    /// Names of the model's classes.
    pub labels: Vec<String>,
}

impl Choices<'_> {
    /// Loads the model and makes sure that it fits.
    pub fn open(&self) -> Result<Prepared> {
        if let Some(p) = self.threshold
            && !(0.0..=1.0).contains(&p)
        {
            bail!(Usage(format!("--threshold {p}: expected 0 to 1")));
        }
        if self.telling && !matches!(self.kind, Kind::Vad | Kind::Wake) {
            bail!(Usage("--probabilities: only for vad and wake".into()));
        }
        if self.kind == Kind::Assistant {
            bail!(Usage(
                "--task assistant: takes several models, none by --model".into()
            ));
        }
        let plan = self.plan()?;
        let labels = labels(&plan, self.kind)?;
        let prepared = Prepared {
            plan,
            kind: self.kind,
            threshold: self.threshold,
            telling: self.telling,
            labels,
        };
        prepared.task().map_err(|e| match e {
            e @ TaskError::Model { .. } => {
                anyhow::Error::new(Usage(format!("{}: {e}", self.model.display())))
            }
            e => e.into(),
        })?;
        Ok(prepared)
    }

    fn plan(&self) -> Result<Vec<u8>> {
        if is_plan(self.model) {
            return std::fs::read(self.model).with_context(|| self.model.display().to_string());
        }
        let asked = self.dims.options()?;
        let compiled = match compile::compile(self.model, &self.silero(&asked)) {
            // A model without that input: as it is.
            Err(e) if e.kind() == redpoll_pipeline::ErrorKind::Invalid => {
                compile::compile(self.model, &asked)?
            }
            other => other?,
        };
        Ok(compiled.plan().to_vec())
    }

    /// What silero's files need to be told.
    fn silero(&self, asked: &CompileOptions) -> CompileOptions {
        let mut options = asked.clone();
        if self.kind == Kind::Vad {
            for (name, size) in [("sequence", 576), ("sequence_length", 1)] {
                options.dims.entry(name.into()).or_insert(size);
            }
            options.set.entry("sr".into()).or_insert("16000".into());
        }
        options
    }
}

/// The names that the model itself gives, or else those that its task knows.
fn labels(plan: &[u8], kind: Kind) -> Result<Vec<String>> {
    let session = Session::from_bytes(plan, &Options::default())?;
    let mut own = session.plan().metadata().filter(|(key, _)| *key == LABELS);
    Ok(match own.next() {
        Some((_, text)) => text.lines().map(str::to_owned).collect(),
        None if kind == Kind::Kws => KeywordsOptions::SPEECH_COMMANDS.map(String::from).to_vec(),
        None => Vec::new(),
    })
}

impl Prepared {
    /// A new task.
    pub fn task(&self) -> Result<Box<dyn Task>, TaskError> {
        let session = Session::from_bytes(&self.plan, &Options::default())?;
        Ok(match self.kind {
            Kind::Vad => {
                let mut options = SegmentOptions::default();
                if let Some(threshold) = self.threshold {
                    options.threshold = threshold;
                    options.release = (threshold - 0.15).max(0.01);
                }
                Box::new(VoiceActivity::new(session, &options)?.telling(self.telling))
            }
            Kind::Wake => {
                let mut options = WakeOptions::default();
                options.threshold = self.threshold.unwrap_or(options.threshold);
                Box::new(MicroWakeWord::new(session, &options)?.telling(self.telling))
            }
            Kind::Kws | Kind::Digits | Kind::Assistant => {
                let mut options = if self.kind == Kind::Kws {
                    KeywordsOptions::speech_commands()
                } else {
                    KeywordsOptions::digits()
                };
                options.threshold = self.threshold.unwrap_or(options.threshold);
                Box::new(Keywords::new(session, options)?)
            }
        })
    }
}
