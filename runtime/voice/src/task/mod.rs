//! Tasks: a model, its front end, and what turns its outputs into events.

mod average;
mod enhance;
mod error;
mod keyword;
mod net;
mod open_wake;
mod silero;
mod speaker;
mod wake;
mod word_as_wake;

pub use enhance::Enhance;
pub use error::TaskError;
pub use keyword::{Keywords, KeywordsOptions};
pub use open_wake::OpenWakeWord;
pub use silero::VoiceActivity;
pub use speaker::{Speaker, similarity};
pub use wake::{MicroWakeWord, WakeOptions};
pub use word_as_wake::WordAsWake;

/// What was heard, and when, in samples from the beginning of the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Speech begins.
    SpeechStart {
        /// Its first sample.
        at: u64,
    },
    /// Speech ended.
    SpeechEnd {
        /// The sample after its last.
        at: u64,
    },
    /// What the model said of the samples before `at`; told only where it was asked for.
    Probability {
        /// The sample after the last that it is about.
        at: u64,
        /// Of speech, or of the wake word.
        probability: f32,
    },
    /// The wake word was said.
    Wake {
        /// Where it was sure.
        at: u64,
        /// Mean probability.
        probability: f32,
    },
    /// A word of the list was said.
    Keyword {
        /// Where it was sure.
        at: u64,
        /// Its number in the model's output.
        class: usize,
        /// Mean probability.
        probability: f32,
    },
}

/// Something that listens to a stream.
pub trait Task: Send {
    /// Samples a second that it wants.
    fn sample_rate(&self) -> u32;

    /// Takes samples in −1..1, any number, and adds what was heard to `events`.
    ///
    /// # Errors
    ///
    /// When the model cannot run.
    fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError>;

    /// The stream ends; the next samples are a new one.
    ///
    /// # Errors
    ///
    /// As [`Self::push`].
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), TaskError>;
}
