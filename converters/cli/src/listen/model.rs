//! A task from a model file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use redpoll_pipeline::compile::{self, CompileOptions};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::stream::{StreamOptions, stream};
use redpoll_session::{Options, Session};
use redpoll_voice::SegmentOptions;
use redpoll_voice::task::{
    Keywords, KeywordsOptions, MicroWakeWord, OpenWakeWord, Task, TaskError, VoiceActivity,
    WakeOptions,
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
    /// Takes noise out of speech
    Enhance,
    /// Whose voice it is
    Speaker,
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
    /// openWakeWord's models of mel frames and embeddings, where `model` is one of its words.
    pub features: Option<(&'a Path, &'a Path)>,
}

/// A model that was compiled and fits its task; tasks are made of it as often as wanted.
pub struct Prepared {
    plan: Vec<u8>,
    features: Option<[Vec<u8>; 2]>,
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
        let plan = self.plan()?;
        let labels = labels(&plan, self.kind)?;
        let features = match self.features.filter(|_| self.kind == Kind::Wake) {
            None => None,
            Some((mel, embedding)) => {
                let mut sized = self.dims.clone();
                // 80 ms and the context before them.
                sized.dims.push("samples=1760".into());
                let compile = |path, dims| self.other(path, dims).plan();
                Some([compile(mel, &sized)?, compile(embedding, self.dims)?])
            }
        };
        let prepared = Prepared {
            plan,
            features,
            kind: self.kind,
            threshold: self.threshold,
            telling: self.telling,
            labels,
        };
        prepared.task().map_err(|e| self.named(e))?;
        Ok(prepared)
    }

    /// The same for another file.
    fn other<'b>(&self, model: &'b Path, dims: &'b Dims) -> Choices<'b> {
        Choices {
            kind: self.kind,
            model,
            threshold: None,
            telling: false,
            dims,
            features: None,
        }
    }

    /// A model that does not fit is the user's to choose.
    pub fn named(&self, e: TaskError) -> anyhow::Error {
        match e {
            e @ TaskError::Model { .. } => Usage(format!("{}: {e}", self.model.display())).into(),
            e => e.into(),
        }
    }

    /// The session of a model for something that is no task.
    pub fn session(&self) -> Result<Session> {
        Ok(Session::from_bytes(self.plan()?, &Options::default())?)
    }

    /// A plan of one frame, whose states are inside.
    fn streamed(&self, asked: &CompileOptions) -> Result<Vec<u8>> {
        let mut options = asked.clone();
        // Any length will do: the plan is of one frame.
        options.dims.entry("frames".into()).or_insert(100);
        let offline = match compile::read_optimized(self.model, &options) {
            Err(e) if e.kind() == redpoll_pipeline::ErrorKind::Invalid => {
                compile::read_optimized(self.model, asked)?
            }
            other => other?,
        };
        let time = StreamOptions {
            inputs: vec![(String::new(), 1)],
            frames: Some(1),
        };
        let step = stream(offline.graph(), &time).with_context(|| {
            format!(
                "{}: expected a model that can go frame by frame, [1, frames, 161] (NSNet2)",
                self.model.display()
            )
        })?;
        let lowered = lower(
            &step.graph,
            &LowerOptions {
                states: step.states.clone(),
                ..LowerOptions::default()
            },
        )?;
        Ok(lowered.plan().to_vec())
    }

    fn plan(&self) -> Result<Vec<u8>> {
        if is_plan(self.model) {
            return std::fs::read(self.model).with_context(|| self.model.display().to_string());
        }
        let asked = self.dims.options()?;
        if self.kind == Kind::Enhance {
            return self.streamed(&asked);
        }
        let compiled = match compile::compile(self.model, &self.sized(&asked)) {
            // A model without that input: as it is.
            Err(e) if e.kind() == redpoll_pipeline::ErrorKind::Invalid => {
                compile::compile(self.model, &asked)?
            }
            other => other?,
        };
        Ok(compiled.plan().to_vec())
    }

    /// What silero's and resemblyzer's files need to be told.
    fn sized(&self, asked: &CompileOptions) -> CompileOptions {
        let mut options = asked.clone();
        if self.kind == Kind::Speaker {
            // Frames of a window.
            options.dims.entry("T".into()).or_insert(160);
        }
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
                if let Some([mel, embedding]) = &self.features {
                    let open = |plan: &[u8]| Session::from_bytes(plan, &Options::default());
                    let mut options = OpenWakeWord::options();
                    options.threshold = self.threshold.unwrap_or(options.threshold);
                    let (mel, embedding) = (open(mel)?, open(embedding)?);
                    let task = OpenWakeWord::new(mel, embedding, session, &options)?;
                    return Ok(Box::new(task.telling(self.telling)));
                }
                let mut options = WakeOptions::default();
                options.threshold = self.threshold.unwrap_or(options.threshold);
                Box::new(MicroWakeWord::new(session, &options)?.telling(self.telling))
            }
            // The last three are no tasks of one model: `listen` sends them elsewhere.
            Kind::Kws | Kind::Digits | Kind::Assistant | Kind::Enhance | Kind::Speaker => {
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
