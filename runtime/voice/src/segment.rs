//! From probabilities of speech to stretches of speech.

/// Choices for [`Segmenter`]. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentOptions {
    /// Speech begins at this probability.
    pub threshold: f32,
    /// Speech ends below this one: lower, so that a stretch does not flicker.
    pub release: f32,
    /// Shorter stretches are no speech.
    pub min_speech_ms: u32,
    /// Shorter pauses do not end a stretch.
    pub min_silence_ms: u32,
    /// Added on either side of a stretch.
    pub pad_ms: u32,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            release: 0.35,
            min_speech_ms: 96,
            min_silence_ms: 300,
            pad_ms: 32,
        }
    }
}

/// An edge of speech, in samples from the beginning of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Speech begins here.
    Start(u64),
    /// Speech ended here.
    End(u64),
}

/// Finds stretches of speech; no heap.
///
/// An edge is told as soon as it is sure: the beginning `min_speech_ms` after it, the end `min_silence_ms` after it.
#[derive(Clone, Debug)]
pub struct Segmenter {
    threshold: f32,
    release: f32,
    min_speech: u64,
    min_silence: u64,
    pad: u64,
    now: u64,
    /// Where the end of the last stretch was told.
    last_end: u64,
    /// Where the stretch began that is not long enough yet, or that goes on.
    began: Option<u64>,
    told: bool,
    /// Where the pause began.
    quiet: Option<u64>,
}

impl Segmenter {
    /// For a stream at the beginning.
    pub fn new(options: &SegmentOptions, sample_rate: u32) -> Self {
        let samples = |ms: u32| u64::from(ms) * u64::from(sample_rate) / 1000;
        Self {
            threshold: options.threshold,
            release: options.release.min(options.threshold),
            min_speech: samples(options.min_speech_ms),
            min_silence: samples(options.min_silence_ms),
            pad: samples(options.pad_ms),
            now: 0,
            last_end: 0,
            began: None,
            told: false,
            quiet: None,
        }
    }

    /// True between a start that was told and its end.
    pub fn speaking(&self) -> bool {
        self.told
    }

    /// Takes the probability of the next `samples` samples.
    pub fn push(&mut self, probability: f32, samples: u64) -> Option<Edge> {
        let from = self.now;
        self.now += samples;
        if probability >= self.threshold {
            self.quiet = None;
            let began = *self.began.get_or_insert(from);
            if !self.told && self.now - began >= self.min_speech {
                self.told = true;
                return Some(Edge::Start(
                    began.saturating_sub(self.pad).max(self.last_end),
                ));
            }
        } else if probability < self.release && self.began.is_some() {
            let quiet = *self.quiet.get_or_insert(from);
            if !self.told {
                // Not long enough: it was no speech.
                self.began = None;
                self.quiet = None;
            } else if self.now - quiet >= self.min_silence {
                return Some(self.end(quiet));
            }
        }
        None
    }

    /// The stream ends: so does a stretch that goes on.
    pub fn finish(&mut self) -> Option<Edge> {
        let edge = self.told.then(|| self.end(self.quiet.unwrap_or(self.now)));
        (self.now, self.last_end, self.began, self.quiet) = (0, 0, None, None);
        edge
    }

    fn end(&mut self, at: u64) -> Edge {
        self.told = false;
        self.began = None;
        self.quiet = None;
        self.last_end = (at + self.pad).min(self.now);
        Edge::End(self.last_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(probabilities: &[f32]) -> ([Option<Edge>; 8], usize) {
        let options = SegmentOptions {
            min_speech_ms: 20,
            min_silence_ms: 30,
            pad_ms: 5,
            ..SegmentOptions::default()
        };
        let mut segmenter = Segmenter::new(&options, 1000);
        let (mut out, mut n) = ([None; 8], 0);
        let pushed = probabilities.iter().map(|p| segmenter.push(*p, 10));
        let mut found: [Option<Edge>; 32] = [None; 32];
        for (slot, edge) in found.iter_mut().zip(pushed.flatten()) {
            *slot = Some(edge);
        }
        for edge in found.into_iter().flatten().chain(segmenter.finish()) {
            out[n] = Some(edge);
            n += 1;
        }
        (out, n)
    }

    #[test]
    fn hysteresis_padding_and_least_lengths() {
        use Edge::{End, Start};
        // Ten samples a value. One loud frame is no speech.
        assert_eq!(edges(&[0.0, 0.9, 0.0, 0.0]).1, 0);
        // Between release and threshold speech goes on; a pause of 20 does not end it, one of 30 does.
        let (e, n) = edges(&[0.0, 0.6, 0.4, 0.6, 0.1, 0.1, 0.7, 0.1, 0.2, 0.3, 0.0]);
        assert_eq!(e[..n], [Some(Start(5)), Some(End(75))]);
        // Padding does not reach back into the stretch before; the end of the stream ends speech.
        let (e, n) = edges(&[0.9, 0.9, 0.0, 0.0, 0.0, 0.9, 0.9, 0.9]);
        assert_eq!(
            e[..n],
            [
                Some(Start(0)),
                Some(End(25)),
                Some(Start(45)),
                Some(End(80))
            ]
        );
    }
}
