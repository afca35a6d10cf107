//! Wake words by openWakeWord: three models, of mel frames, of embeddings, of the word.

use redpoll_session::{DType, Session};

use super::average::Average;
use super::error::misfit;
use super::net::Net;
use super::wake::WakeOptions;
use super::{Event, Task, TaskError};

const RATE: u32 = 16_000;
/// New samples a run: 80 ms.
const STEP: usize = 1280;
/// Samples before them that the mel model sees again.
const CONTEXT: usize = 480;
/// Mel bands.
const BANDS: usize = 32;
/// Mel frames of a run.
const NEW_FRAMES: usize = 8;
/// Mel frames of an embedding.
const FRAMES: usize = 76;
/// Values of an embedding.
const VALUES: usize = 96;
/// Runs whose probability does not count: the buffers hold no sound yet.
const WARM_UP: usize = 5;

/// Hears one wake word in a stream of 16 kHz.
pub struct OpenWakeWord {
    mel: Net,
    embedding: Net,
    head: Net,
    average: Average,
    /// The context and the new samples, as values of 16 bits.
    samples: [f32; CONTEXT + STEP],
    filled: usize,
    /// The last mel frames, oldest first.
    frames: Vec<f32>,
    /// The last embeddings, oldest first: as many as the head takes.
    embeddings: Vec<f32>,
    runs: usize,
    taken: u64,
    telling: bool,
}

impl OpenWakeWord {
    /// With plans of openWakeWord's three models: melspectrogram for 1,760 samples, embedding, and a word's own.
    ///
    /// # Errors
    ///
    /// [`TaskError::Model`] for other models.
    pub fn new(
        mel: Session,
        embedding: Session,
        head: Session,
        options: &WakeOptions,
    ) -> Result<Self, TaskError> {
        let net = |session: Session, x: usize, y: usize, wanted: &'static str| {
            let sizes = |tensors: &[redpoll_session::TensorInfo], n: usize| {
                let [t] = tensors else { return false };
                t.dtype == DType::F32 && t.len() == n
            };
            let x = if x == 0 {
                session.inputs().first().map_or(0, |t| t.len())
            } else {
                x
            };
            let fits = x > 0
                && x.is_multiple_of(if y == 1 { VALUES } else { 1 })
                && sizes(session.inputs(), x)
                && sizes(session.outputs(), y);
            if !fits {
                return Err(misfit("the wake word", wanted, &session));
            }
            Net::new(session).map_err(|s| misfit("the wake word", wanted, &s))
        };
        let mel = net(
            mel,
            CONTEXT + STEP,
            NEW_FRAMES * BANDS,
            "1760 samples (float) to 8 frames of 32 bands (openWakeWord's melspectrogram)",
        )?;
        let embedding = net(
            embedding,
            FRAMES * BANDS,
            VALUES,
            "76 frames of 32 bands (float) to 96 values (openWakeWord's embedding)",
        )?;
        let head = net(
            head,
            0,
            1,
            "embeddings of 96 values (float) to 1 probability (openWakeWord's word)",
        )?;
        let wanted = head.session().inputs()[0].len();
        let rest = (options.rest_ms as usize).div_ceil(80);
        let mut new = Self {
            mel,
            embedding,
            head,
            average: Average::new(1, options.window, options.threshold, rest),
            samples: [0.0; CONTEXT + STEP],
            filled: 0,
            frames: vec![0.0; FRAMES * BANDS],
            embeddings: vec![0.0; wanted],
            runs: 0,
            taken: 0,
            telling: false,
        };
        new.silence()?;
        Ok(new)
    }

    /// For this model [`WakeOptions`] are: one probability above a half.
    pub fn options() -> WakeOptions {
        WakeOptions {
            threshold: 0.5,
            window: 1,
            rest_ms: 1000,
        }
    }

    /// Tells every probability as an event too.
    pub fn telling(mut self, telling: bool) -> Self {
        self.telling = telling;
        self
    }

    /// Fills all buffers as if there had been silence.
    fn silence(&mut self) -> Result<(), TaskError> {
        self.samples.fill(0.0);
        (self.filled, self.runs, self.taken) = (0, 0, 0);
        for _ in 0..FRAMES.div_ceil(NEW_FRAMES) {
            self.hear()?;
        }
        let silent = self.embedding.run(&self.frames)?;
        for slot in self.embeddings.chunks_exact_mut(VALUES) {
            slot.copy_from_slice(silent);
        }
        Ok(())
    }

    /// The mel frames of the samples as they are.
    fn hear(&mut self) -> Result<(), TaskError> {
        let new = self.mel.run(&self.samples)?;
        self.frames.copy_within(NEW_FRAMES * BANDS.., 0);
        let at = self.frames.len() - new.len();
        for (y, x) in self.frames[at..].iter_mut().zip(new) {
            // What makes the ONNX model's values those that the embedding was trained with.
            *y = x / 10.0 + 2.0;
        }
        Ok(())
    }

    /// The probability, with all new samples there.
    fn run(&mut self) -> Result<f32, TaskError> {
        self.hear()?;
        let new = self.embedding.run(&self.frames)?;
        self.embeddings.copy_within(VALUES.., 0);
        let at = self.embeddings.len() - VALUES;
        self.embeddings[at..].copy_from_slice(new);
        self.samples.copy_within(STEP.., 0);
        self.filled = 0;
        self.runs += 1;
        let probability = self.head.run(&self.embeddings)?[0];
        Ok(if self.runs <= WARM_UP {
            0.0
        } else {
            probability
        })
    }
}

impl Task for OpenWakeWord {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError> {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(STEP - self.filled));
            rest = later;
            let slots = &mut self.samples[CONTEXT + self.filled..][..now.len()];
            for (y, x) in slots.iter_mut().zip(now) {
                *y = (x * 32768.0).round_ties_even().clamp(-32768.0, 32767.0);
            }
            self.filled += now.len();
            self.taken += now.len() as u64;
            if self.filled == STEP {
                let (at, probability) = (self.taken, self.run()?);
                if self.telling {
                    events.push(Event::Probability { at, probability });
                }
                let heard = self.average.push([probability]);
                events.extend(heard.map(|(_, probability)| Event::Wake { at, probability }));
            }
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), TaskError> {
        // A second of silence lets a word at the very end come through.
        for _ in 0..RATE as usize / STEP {
            self.push(&[0.0; STEP], events)?;
        }
        self.average.reset();
        self.silence()
    }
}
