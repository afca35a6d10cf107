//! Front ends of voice models: samples of any rate in, frames of features out.

use redpoll_voice::{FrontEnd, Resampler, Spec};

/// Most samples of one call: 16 MiB.
const MOST_SAMPLES: usize = 1 << 22;

/// A stream: the front end, and the resampler before it where rates differ.
pub struct Front {
    front: FrontEnd,
    resampler: Option<Resampler>,
    /// What the caller writes: samples in −1..1 at its rate.
    samples: Vec<f32>,
    /// The same at the front end's rate.
    resampled: Vec<f32>,
    /// Frames of the last call.
    frames: Vec<f32>,
}

impl Front {
    /// `preset`: 0 `models/digits`, 1 MLPerf Tiny's keyword spotting, 2 Kaldi's filter bank (16 kHz, 80 bands), 3 Whisper
    /// (80 bands). `rate`: samples a second of what comes; 0 for the front end's own.
    ///
    /// # Errors
    /// A message: no such preset, a rate that cannot be brought to that of the front end.
    pub(crate) fn new(preset: u32, rate: u32) -> Result<Self, String> {
        let spec = match preset {
            0 => Spec::digits(),
            1 => Spec::speech_commands_mfcc(),
            2 => Spec::kaldi_fbank(16_000, 80),
            3 => Spec::whisper(80),
            _ => return Err(format!("there is no front end {preset}")),
        };
        let front = FrontEnd::new(&spec).map_err(|e| e.to_string())?;
        let own = spec.sample_rate;
        let resampler = if rate == 0 || rate == own {
            None
        } else {
            let resampler = Resampler::new(rate, own);
            Some(resampler.ok_or_else(|| format!("{rate} samples a second cannot become {own}"))?)
        };
        Ok(Self {
            front,
            resampler,
            samples: Vec::new(),
            resampled: Vec::new(),
            frames: Vec::new(),
        })
    }

    /// Room for `count` samples of the next [`Front::push`].
    ///
    /// # Errors
    /// A message: more than 4,194,304 samples, or no memory.
    pub(crate) fn room(&mut self, count: usize) -> Result<&mut [f32], String> {
        let none = || format!("no room for {count} samples at once");
        if count > MOST_SAMPLES {
            return Err(none());
        }
        self.samples.clear();
        self.samples.try_reserve(count).map_err(|_| none())?;
        self.samples.resize(count, 0.0);
        Ok(&mut self.samples)
    }

    /// Takes the samples in the room; the frames that they complete.
    pub(crate) fn push(&mut self) -> &[f32] {
        self.frames.clear();
        let samples = match &mut self.resampler {
            Some(resampler) => {
                self.resampled.clear();
                resampler.push(&self.samples, &mut self.resampled);
                &self.resampled
            }
            None => &self.samples,
        };
        let frames = &mut self.frames;
        self.front
            .push(samples, |frame| frames.extend_from_slice(frame));
        self.samples.clear();
        &self.frames
    }

    /// Ends the stream: the frames of its end. The next sample begins a new one.
    pub(crate) fn finish(&mut self) -> &[f32] {
        self.frames.clear();
        let frames = &mut self.frames;
        if let Some(resampler) = &mut self.resampler {
            self.resampled.clear();
            resampler.finish(&mut self.resampled);
            self.front
                .push(&self.resampled, |frame| frames.extend_from_slice(frame));
        }
        self.front.finish(|frame| frames.extend_from_slice(frame));
        &self.frames
    }

    /// The frames of the last call.
    pub(crate) fn frames(&self) -> &[f32] {
        &self.frames
    }

    /// What it computes.
    pub(crate) fn spec(&self) -> &Spec {
        self.front.spec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sum of two tones, `count` samples at `rate`.
    fn tones(rate: u32, count: usize) -> Vec<f32> {
        let at = |i: usize, hz: f32| (i as f32 * hz * std::f32::consts::TAU / rate as f32).sin();
        (0..count)
            .map(|i| 0.3 * at(i, 440.0) + 0.1 * at(i, 1234.0))
            .collect()
    }

    fn frames(front: &mut Front, samples: &[f32], piece: usize) -> Vec<f32> {
        let mut out = Vec::new();
        for piece in samples.chunks(piece) {
            front
                .room(piece.len())
                .expect("room")
                .copy_from_slice(piece);
            out.extend_from_slice(front.push());
        }
        out.extend_from_slice(front.finish());
        out
    }

    #[test]
    fn pieces_and_streams_give_the_frames_of_the_crate() {
        for preset in 0..4 {
            let mut front = Front::new(preset, 0).expect("a front end");
            let samples = tones(front.spec().sample_rate, 9000);
            let mut expected = Vec::new();
            let mut own = FrontEnd::new(front.spec()).expect("a front end");
            own.push(&samples, |frame| expected.extend_from_slice(frame));
            own.finish(|frame| expected.extend_from_slice(frame));
            assert!(!expected.is_empty());
            assert_eq!(frames(&mut front, &samples, 9000), expected);
            assert_eq!(frames(&mut front, &samples, 77), expected, "a new stream");
        }
        assert!(Front::new(4, 0).is_err());
    }

    #[test]
    fn other_rates_are_resampled_first() {
        let mut front = Front::new(0, 48_000).expect("a front end");
        let samples = tones(48_000, 48_000);
        let (mut resampled, mut resampler) = (Vec::new(), Resampler::new(48_000, 8_000));
        let resampler = resampler.as_mut().expect("a resampler");
        resampler.push(&samples, &mut resampled);
        resampler.finish(&mut resampled);
        let expected = frames(&mut Front::new(0, 8_000).expect("one"), &resampled, 8000);
        assert_eq!(frames(&mut front, &samples, 128), expected);
        assert!(Front::new(0, 1).is_err());
        assert!(front.room(MOST_SAMPLES + 1).is_err());
    }
}
