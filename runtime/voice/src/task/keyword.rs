//! Keywords: a window of feature frames slides over the stream.

use redpoll_session::{DType, Session, TensorInfo, Value};

use super::average::Average;
use super::error::misfit;
use super::{Event, Task, TaskError};
use crate::front_end::FrontEnd;
use crate::spec::Spec;

/// What a keyword model wants and when its answers count.
#[derive(Clone, Debug, PartialEq)]
pub struct KeywordsOptions {
    /// The front end.
    pub spec: Spec,
    /// Frames from one run to the next.
    pub stride: usize,
    /// Runs that the mean of probabilities is over.
    pub window: usize,
    /// The mean must be above this.
    pub threshold: f32,
    /// No second answer for so long, in milliseconds.
    pub rest_ms: u32,
    /// The model gives logits, not probabilities.
    pub logits: bool,
    /// Each window of samples is divided by its largest (MLPerf Tiny).
    pub normalize: bool,
    /// Classes that are no answer: silence, unknown.
    pub ignored: Vec<usize>,
}

impl KeywordsOptions {
    /// The classes of MLPerf Tiny's keyword spotting, whose files do not name them.
    pub const SPEECH_COMMANDS: [&str; 12] = [
        "down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown",
    ];

    /// For `models/digits`: ten digits, unknown, noise; 8 kHz.
    pub fn digits() -> Self {
        Self {
            spec: Spec::digits(),
            stride: 4,
            window: 3,
            threshold: 0.6,
            rest_ms: 300,
            logits: true,
            normalize: false,
            ignored: vec![10, 11],
        }
    }

    /// For MLPerf Tiny's keyword spotting: ten words, silence, unknown; 16 kHz.
    pub fn speech_commands() -> Self {
        Self {
            spec: Spec::speech_commands_mfcc(),
            stride: 5,
            window: 3,
            threshold: 0.7,
            rest_ms: 300,
            logits: false,
            normalize: true,
            ignored: vec![10, 11],
        }
    }
}

/// Hears the words of a model.
pub struct Keywords {
    session: Session,
    options: KeywordsOptions,
    front: FrontEnd,
    /// The input, where it is of 8 bits.
    quantised: Option<TensorInfo>,
    average: Average,
    /// The model's window of frames, oldest first.
    frames: Vec<f32>,
    /// Frames seen.
    seen: usize,
    /// The window's samples, where they are divided by their largest.
    samples: Vec<f32>,
    scaled: Vec<f32>,
    probabilities: Vec<f32>,
    taken: u64,
}

impl Keywords {
    /// With a plan that takes a whole number of frames of the front end and gives a value a class.
    ///
    /// # Errors
    ///
    /// [`TaskError::Model`] for another model; [`TaskError::FrontEnd`].
    pub fn new(session: Session, options: KeywordsOptions) -> Result<Self, TaskError> {
        let features = options.spec.features();
        let expected = || {
            let least = options.ignored.iter().max().map_or(1, |i| i + 1);
            format!("frames of {features} features to at least {least} classes")
        };
        let ([x], [y]) = (session.inputs(), session.outputs()) else {
            return Err(misfit("keywords", expected(), &session));
        };
        let types = [x.dtype, y.dtype]
            .iter()
            .all(|t| matches!(t, DType::F32 | DType::I8));
        let (inputs, classes) = (x.len(), y.len());
        let last = x.shape.contains(&features);
        let fits = types
            && last
            && inputs.is_multiple_of(features)
            && inputs > 0
            && options.ignored.iter().all(|i| *i < classes);
        if !fits {
            return Err(misfit("keywords", expected(), &session));
        }
        let spec = &options.spec;
        let step_ms =
            1000 * spec.hop_samples * options.stride.max(1) / spec.sample_rate.max(1) as usize;
        let rest = options.rest_ms as usize / step_ms.max(1);
        let front = FrontEnd::new(spec)?;
        let quantised = (x.dtype == DType::I8).then(|| x.clone());
        let window = spec.frame_samples() + (inputs / features - 1) * spec.hop_samples;
        Ok(Self {
            average: Average::new(classes, options.window, options.threshold, rest),
            front,
            quantised,
            frames: vec![0.0; inputs],
            seen: 0,
            samples: vec![0.0; if options.normalize { window } else { 0 }],
            scaled: Vec::with_capacity(window),
            probabilities: vec![0.0; classes],
            taken: 0,
            session,
            options,
        })
    }

    /// Classes of the model.
    pub fn classes(&self) -> usize {
        self.probabilities.len()
    }

    /// Runs on the window as it is; the probabilities of the classes.
    fn run(&mut self) -> Result<(), TaskError> {
        if self.options.normalize {
            let largest = self.samples.iter().fold(0.0f32, |a, x| a.max(x.abs()));
            let gain = if largest > 0.0 { 1.0 / largest } else { 0.0 };
            self.scaled.clear();
            self.scaled.extend(self.samples.iter().map(|x| x * gain));
            self.front.reset();
            let mut slots = self.frames.chunks_exact_mut(self.options.spec.features());
            self.front.push(&self.scaled, |frame| {
                if let Some(slot) = slots.next() {
                    slot.copy_from_slice(frame);
                }
            });
        }
        if let Some(x) = &self.quantised {
            let slots = self.session.input_mut::<i8>(0)?;
            for (q, real) in slots.iter_mut().zip(&self.frames) {
                *q = x.quantize(*real).clamp(-128, 127) as i8;
            }
        } else {
            self.session.set_input(0, &self.frames)?;
        }
        self.session.run()?;
        let y = &self.session.outputs()[0];
        let out = &mut self.probabilities;
        match self.session.output_value(0)? {
            Value::F32(v) => out.copy_from_slice(v),
            Value::I8(v) => {
                let real = v.iter().map(|q| y.dequantize(i32::from(*q)));
                out.iter_mut().zip(real).for_each(|(y, x)| *y = x);
            }
            _ => {}
        }
        if self.options.logits {
            softmax(out);
        }
        Ok(())
    }

    fn decide(&mut self, events: &mut Vec<Event>) -> Result<(), TaskError> {
        self.run()?;
        let ignored = &self.options.ignored;
        let row = self.probabilities.iter().enumerate();
        let row = row.map(|(i, p)| if ignored.contains(&i) { 0.0 } else { *p });
        let at = self.taken;
        events.extend(
            self.average
                .push(row)
                .map(|(class, probability)| Event::Keyword {
                    at,
                    class,
                    probability,
                }),
        );
        Ok(())
    }
}

fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values
        .iter_mut()
        .for_each(|x| *x = libm::expf(*x - largest));
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|x| *x /= sum);
}

impl Task for Keywords {
    fn sample_rate(&self) -> u32 {
        self.options.spec.sample_rate
    }

    fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError> {
        let features = self.options.spec.features();
        let hop = self.options.spec.hop_samples;
        let stride = self.options.stride.max(1);
        let mut rest = samples;
        while !rest.is_empty() {
            // Up to the next hop of the stream, so that nothing depends on how it is cut.
            let (part, later) =
                rest.split_at(rest.len().min(hop - (self.taken % hop as u64) as usize));
            rest = later;
            self.taken += part.len() as u64;
            let before = self.seen;
            if self.options.normalize {
                let new = part.len().min(self.samples.len());
                let kept = self.samples.len() - new;
                self.samples.copy_within(new.., 0);
                self.samples[kept..].copy_from_slice(&part[part.len() - new..]);
                self.seen = (self.taken / hop as u64) as usize;
            } else {
                let (frames, seen) = (&mut self.frames, &mut self.seen);
                self.front.push(part, |frame| {
                    frames.copy_within(features.., 0);
                    let at = frames.len() - features;
                    frames[at..].copy_from_slice(frame);
                    *seen += 1;
                });
            }
            if self.seen != before && self.seen.is_multiple_of(stride) {
                self.decide(events)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), TaskError> {
        // Half a second of silence lets a word at the very end slide to the middle of the window.
        let silence = vec![0.0; self.options.spec.sample_rate as usize / 2];
        self.push(&silence, events)?;
        self.front.reset();
        self.average.reset();
        self.frames.fill(0.0);
        self.samples.fill(0.0);
        (self.seen, self.taken) = (0, 0);
        Ok(self.session.reset_state()?)
    }
}
