//! Voice activity by the silero models: 32 ms of new samples and 4 ms of context at a time.

use redpoll_session::Session;

use super::error::misfit;
use super::net::Net;
use super::{Event, Task, TaskError};
use crate::segment::{Edge, SegmentOptions, Segmenter};

const RATE: u32 = 16_000;
/// New samples a run.
const FRAME: usize = 512;
/// Samples before them that the model sees again.
const CONTEXT: usize = 64;

/// Finds speech in a stream of 16 kHz.
pub struct VoiceActivity {
    net: Net,
    segmenter: Segmenter,
    input: [f32; CONTEXT + FRAME],
    filled: usize,
    taken: u64,
    telling: bool,
}

impl VoiceActivity {
    /// Samples that one probability stands for.
    pub const FRAME_SAMPLES: usize = FRAME;

    /// With a plan of silero_vad for 16 kHz: 576 samples in, a probability out; its states inside the plan or as further
    /// inputs and outputs.
    ///
    /// # Errors
    ///
    /// [`TaskError::Model`] for another model.
    pub fn new(session: Session, options: &SegmentOptions) -> Result<Self, TaskError> {
        let wanted = "576 samples (float) to 1 probability, further outputs as further inputs (silero_vad, 16 kHz)";
        let fits = session
            .inputs()
            .first()
            .is_some_and(|x| x.len() == CONTEXT + FRAME)
            && session.outputs().first().is_some_and(|y| y.len() == 1);
        if !fits {
            return Err(misfit("voice activity", wanted, &session));
        }
        let net = Net::new(session).map_err(|s| misfit("voice activity", wanted, &s))?;
        Ok(Self {
            net,
            segmenter: Segmenter::new(options, RATE),
            input: [0.0; CONTEXT + FRAME],
            filled: 0,
            taken: 0,
            telling: false,
        })
    }

    /// Tells every probability as an event too.
    pub fn telling(mut self, telling: bool) -> Self {
        self.telling = telling;
        self
    }

    /// Takes samples and hands the probability of every 512 to `each`.
    ///
    /// # Errors
    ///
    /// When the model cannot run.
    pub fn probabilities(
        &mut self,
        mut samples: &[f32],
        mut each: impl FnMut(f32),
    ) -> Result<(), TaskError> {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(FRAME - self.filled));
            samples = later;
            self.input[CONTEXT + self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            if self.filled == FRAME {
                each(self.net.run(&self.input)?[0]);
                self.input.copy_within(FRAME.., 0);
                self.filled = 0;
            }
        }
        Ok(())
    }

    /// True while speech goes on.
    pub fn speaking(&self) -> bool {
        self.segmenter.speaking()
    }

    /// Tier that computes, for reports.
    pub fn tier(&self) -> &'static str {
        self.net.session().tier()
    }
}

fn event(edge: Edge) -> Event {
    match edge {
        Edge::Start(at) => Event::SpeechStart { at },
        Edge::End(at) => Event::SpeechEnd { at },
    }
}

impl Task for VoiceActivity {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError> {
        let (mut segmenter, mut at, telling) = (self.segmenter.clone(), self.taken, self.telling);
        self.probabilities(samples, |probability| {
            at += FRAME as u64;
            if telling {
                events.push(Event::Probability { at, probability });
            }
            events.extend(segmenter.push(probability, FRAME as u64).map(event));
        })?;
        (self.segmenter, self.taken) = (segmenter, at);
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), TaskError> {
        if self.filled > 0 {
            // The last samples with zeros after them.
            self.push(&[0.0; FRAME][self.filled..], events)?;
        }
        events.extend(self.segmenter.finish().map(event));
        self.input.fill(0.0);
        self.taken = 0;
        self.net.reset()
    }
}
