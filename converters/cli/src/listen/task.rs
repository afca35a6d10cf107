//! A task from a model file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use redpoll_pipeline::compile::{self, CompileOptions};
use redpoll_session::{Options, Session};
use redpoll_voice::SegmentOptions;
use redpoll_voice::task::{
    Keywords, KeywordsOptions, MicroWakeWord, Task, VoiceActivity, WakeOptions,
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
}

const DIGITS: [&str; 12] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "unknown",
    "noise",
];
const WORDS: [&str; 12] = [
    "down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown",
];

impl Kind {
    /// Names of the model's classes.
    pub fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Kws => &WORDS,
            Self::Digits => &DIGITS,
            Self::Vad | Self::Wake => &[],
        }
    }
}

/// What the user asked for.
pub struct Choices<'a> {
    pub kind: Kind,
    pub model: &'a Path,
    pub threshold: Option<f32>,
    pub telling: bool,
    pub dims: &'a Dims,
}

impl Choices<'_> {
    /// Loads the model and makes the task.
    pub fn open(&self) -> Result<Box<dyn Task>> {
        if let Some(p) = self.threshold
            && !(0.0..=1.0).contains(&p)
        {
            bail!(Usage(format!("--threshold {p}: expected 0 to 1")));
        }
        if self.telling && !matches!(self.kind, Kind::Vad | Kind::Wake) {
            bail!(Usage("--probabilities: only for vad and wake".into()));
        }
        let session = self.session()?;
        let task = self.task(session);
        task.map_err(|e| match e {
            e @ redpoll_voice::task::TaskError::Model { .. } => {
                anyhow::Error::new(Usage(format!("{}: {e}", self.model.display())))
            }
            e => e.into(),
        })
    }

    fn task(&self, session: Session) -> Result<Box<dyn Task>, redpoll_voice::task::TaskError> {
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
            Kind::Kws | Kind::Digits => {
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

    fn session(&self) -> Result<Session> {
        let options = Options::default();
        if is_plan(self.model) {
            return Session::open(self.model, &options)
                .with_context(|| self.model.display().to_string());
        }
        let asked = self.dims.options()?;
        let compiled = match compile::compile(self.model, &self.silero(&asked)) {
            // A model without that input: as it is.
            Err(e) if e.kind() == redpoll_pipeline::ErrorKind::Invalid => {
                compile::compile(self.model, &asked)?
            }
            other => other?,
        };
        Ok(Session::from_bytes(compiled.plan(), &options)?)
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
