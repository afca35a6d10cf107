//! A stream of sound and the tasks that listen to it.

use redpoll_voice::Resampler;
use redpoll_voice::task::{Event as Heard, Task};
use serde_json::{Value, json};

use crate::audio::Format;
use crate::error::ProtocolError;
use crate::event::Event;
use crate::services::{Model, Services};

/// Words of a transcript that are kept.
const MOST_WORDS: usize = 1000;

/// What a client wants to know of its sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Wanted {
    /// Wake words and voice activity, whatever there is.
    #[default]
    All,
    /// These wake words; none named: all.
    Wake(Vec<String>),
    /// The words that are said.
    Transcript,
}

/// A model that listens.
struct Ear<'a> {
    model: &'a Model,
    task: Box<dyn Task>,
    resampler: Resampler,
    /// Samples at the task's rate.
    samples: Vec<f32>,
    heard: Vec<Heard>,
}

/// Sound between `audio-start` and `audio-stop`.
pub(crate) struct Hearing<'a> {
    pub(crate) format: Format,
    ears: Vec<Ear<'a>>,
    wanted: Wanted,
    /// The client's own time of the first sample, ms.
    from_ms: u64,
    mono: Vec<f32>,
    detected: bool,
    words: Vec<&'a str>,
}

impl<'a> Hearing<'a> {
    pub(crate) fn new(
        services: &'a Services,
        wanted: Wanted,
        format: Format,
        from_ms: u64,
    ) -> Result<Self, ProtocolError> {
        let named = |model: &&Model| match &wanted {
            Wanted::All => true,
            Wanted::Wake(names) => names.is_empty() || names.contains(&model.name),
            Wanted::Transcript => false,
        };
        let words = services.transcribe.iter();
        let words = words.filter(|_| wanted == Wanted::Transcript);
        let models = services.wake.iter().filter(named);
        let ears = models.chain(&services.vad).chain(words).map(|model| {
            let task = model.open()?;
            let resampler = Resampler::new(format.rate, task.sample_rate());
            let resampler = resampler.ok_or_else(|| {
                ProtocolError::Audio(format!("rate {} cannot be changed", format.rate))
            })?;
            Ok(Ear {
                model,
                task,
                resampler,
                samples: Vec::new(),
                heard: Vec::new(),
            })
        });
        Ok(Self {
            format,
            ears: ears.collect::<Result<_, ProtocolError>>()?,
            wanted,
            from_ms,
            mono: Vec::new(),
            detected: false,
            words: Vec::new(),
        })
    }

    /// Takes sound and hands what was heard to `tell`.
    pub(crate) fn hear(
        &mut self,
        bytes: &[u8],
        mut tell: impl FnMut(Event) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        self.mono.clear();
        self.format.mix(bytes, &mut self.mono)?;
        for i in 0..self.ears.len() {
            let ear = &mut self.ears[i];
            ear.samples.clear();
            ear.resampler.push(&self.mono, &mut ear.samples);
            ear.task.push(&ear.samples, &mut ear.heard)?;
            self.tell(i, &mut tell)?;
        }
        Ok(())
    }

    /// The sound ends: hands the rest and the answer to what was asked to `tell`.
    pub(crate) fn finish(
        mut self,
        mut tell: impl FnMut(Event) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        for i in 0..self.ears.len() {
            let ear = &mut self.ears[i];
            ear.samples.clear();
            ear.resampler.finish(&mut ear.samples);
            ear.task.push(&ear.samples, &mut ear.heard)?;
            ear.task.finish(&mut ear.heard)?;
            self.tell(i, &mut tell)?;
        }
        match self.wanted {
            Wanted::Transcript => tell(Event::new(
                "transcript",
                json!({"text": self.words.join(" ")}),
            )),
            _ if !self.detected => tell(Event::new("not-detected", json!({}))),
            _ => Ok(()),
        }
    }

    fn tell(
        &mut self,
        ear: usize,
        tell: &mut impl FnMut(Event) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let ear = &mut self.ears[ear];
        let rate = u64::from(ear.task.sample_rate().max(1));
        let from = self.from_ms;
        let at_ms = |at: u64| -> Value { from.saturating_add(at * 1000 / rate).into() };
        for heard in ear.heard.drain(..) {
            match heard {
                Heard::Wake { at, .. } => {
                    self.detected = true;
                    let name = ear.model.name.as_str();
                    let data = json!({"name": name, "timestamp": at_ms(at)});
                    tell(Event::new("detection", data))?;
                }
                Heard::SpeechStart { at } => {
                    tell(Event::new("voice-started", json!({"timestamp": at_ms(at)})))?;
                }
                Heard::SpeechEnd { at } => {
                    tell(Event::new("voice-stopped", json!({"timestamp": at_ms(at)})))?;
                }
                Heard::Keyword { class, .. } if self.words.len() < MOST_WORDS => {
                    self.words
                        .extend(ear.model.labels.get(class).map(String::as_str));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
