//! Wake words by microWakeWord models: the integer front end, three frames a run, states inside the plan.

use redpoll_session::{DType, Session, Value};

use super::average::Average;
use super::error::misfit;
use super::{Event, Task, TaskError};
use crate::micro::{CHANNELS, MicroFrontEnd, SAMPLE_RATE, SCALE};

/// Choices for [`MicroWakeWord`]; a model's own are in the JSON file beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WakeOptions {
    /// The mean probability must be above this.
    pub threshold: f32,
    /// Runs that the mean is over, 30 ms each.
    pub window: usize,
    /// No second answer for so long, in milliseconds.
    pub rest_ms: u32,
}

impl Default for WakeOptions {
    fn default() -> Self {
        Self {
            threshold: 0.9,
            window: 5,
            rest_ms: 1000,
        }
    }
}

/// Hears one wake word in a stream of 16 kHz.
pub struct MicroWakeWord {
    session: Session,
    front: MicroFrontEnd,
    average: Average,
    frames: usize,
    /// The model's input, quantised.
    input: Vec<i8>,
    filled: usize,
    /// The model's value for a front end's value: `round(x · SCALE / scale) + zero point`.
    scale: f32,
    zero: i32,
    pcm: Vec<i16>,
    taken: u64,
    telling: bool,
}

impl MicroWakeWord {
    /// With a plan of a streaming microWakeWord model: int8 `[1, frames, 40]` in, one probability out.
    ///
    /// # Errors
    ///
    /// [`TaskError::Model`] for another model.
    pub fn new(session: Session, options: &WakeOptions) -> Result<Self, TaskError> {
        let misfit = |s: &Session| {
            misfit(
                "the wake word",
                "int8 [1, frames, 40] to 1 probability of 8 bits (microWakeWord)",
                s,
            )
        };
        let ([x], [y]) = (session.inputs(), session.outputs()) else {
            return Err(misfit(&session));
        };
        let quantised = x.dtype == DType::I8 && x.scale > 0.0 && y.scale > 0.0;
        let [1, frames, CHANNELS] = x.shape[..] else {
            return Err(misfit(&session));
        };
        if !quantised || frames == 0 || y.len() != 1 || !matches!(y.dtype, DType::I8 | DType::U8) {
            return Err(misfit(&session));
        }
        let rest = options.rest_ms as usize / (10 * frames);
        Ok(Self {
            front: MicroFrontEnd::default(),
            average: Average::new(1, options.window, options.threshold, rest),
            frames,
            input: vec![0; frames * CHANNELS],
            filled: 0,
            scale: SCALE / x.scale,
            zero: x.zero_point,
            pcm: Vec::with_capacity(160),
            taken: 0,
            telling: false,
            session,
        })
    }

    /// Tells every probability as an event too.
    pub fn telling(mut self, telling: bool) -> Self {
        self.telling = telling;
        self
    }

    /// Takes samples of 16 bits and hands the probability of every run to `each`.
    ///
    /// # Errors
    ///
    /// When the model cannot run.
    pub fn probabilities(
        &mut self,
        samples: &[i16],
        mut each: impl FnMut(f32),
    ) -> Result<(), TaskError> {
        let mut result = Ok(());
        let (session, input, filled) = (&mut self.session, &mut self.input, &mut self.filled);
        let (scale, zero) = (self.scale, self.zero);
        self.front.push(samples, |frame| {
            if result.is_err() {
                return;
            }
            let slots = &mut input[*filled..*filled + CHANNELS];
            for (q, x) in slots.iter_mut().zip(frame) {
                let value = (f32::from(*x) * scale).round_ties_even() as i32;
                *q = value.saturating_add(zero).clamp(-128, 127) as i8;
            }
            *filled += CHANNELS;
            if *filled == input.len() {
                *filled = 0;
                result = run(session, input).map(&mut each);
            }
        });
        result
    }
}

fn run(session: &mut Session, input: &[i8]) -> Result<f32, TaskError> {
    session.set_input(0, input)?;
    session.run()?;
    let q = match session.output_value(0)? {
        Value::U8(v) => i32::from(v[0]),
        Value::I8(v) => i32::from(v[0]),
        _ => 0,
    };
    Ok(session.outputs()[0].dequantize(q))
}

impl Task for MicroWakeWord {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError> {
        // A run's samples at a time: so the place of an event does not depend on how the stream is cut.
        for part in samples.chunks(160) {
            let mut pcm = std::mem::take(&mut self.pcm);
            pcm.clear();
            pcm.extend(part.iter().map(|x| (x * 32768.0).round_ties_even() as i16));
            self.taken += part.len() as u64;
            let (at, telling) = (self.taken, self.telling);
            // Taken out and put back: nothing is copied.
            let mut average = std::mem::take(&mut self.average);
            let done = self.probabilities(&pcm, |p| {
                if telling {
                    let probability = p;
                    events.push(Event::Probability { at, probability });
                }
                let heard = average.push([p]);
                events.extend(heard.map(|(_, probability)| Event::Wake { at, probability }));
            });
            self.average = average;
            self.pcm = pcm;
            done?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<Event>) -> Result<(), TaskError> {
        self.front.reset();
        self.average.reset();
        (self.filled, self.taken) = (0, 0);
        Ok(self.session.reset_state()?)
    }
}

impl std::fmt::Debug for MicroWakeWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MicroWakeWord")
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
