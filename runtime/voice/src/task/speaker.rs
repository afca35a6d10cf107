//! Who speaks: embeddings of voices by resemblyzer's model.

use redpoll_session::{DType, Session};

use super::TaskError;
use super::error::misfit;
use super::net::Net;
use crate::front_end::FrontEnd;
use crate::spec::Spec;

const RATE: u32 = 16_000;
/// Mel bands.
const BANDS: usize = 40;
/// Frames from one window to the next: 0.77 s.
const STRIDE: usize = 77;
/// The least share of a last window that must be there for it to count, unless it is the only one.
const COVERAGE: f32 = 0.75;
/// Root mean square that quieter recordings are raised to: −30 dB.
const LEVEL: f32 = 0.031_622_78;

/// The voice of a recording of 16 kHz as a vector of length 1: those of one speaker point the same way.
pub struct Speaker {
    net: Net,
    front: FrontEnd,
    /// Frames of a window.
    window: usize,
}

impl Speaker {
    /// With a plan of resemblyzer's model: frames of 40 mel bands to a vector.
    ///
    /// # Errors
    ///
    /// [`TaskError::Model`] for another model.
    pub fn new(session: Session) -> Result<Self, TaskError> {
        let wanted = "float [1, frames, 40] to [1, values] (resemblyzer)";
        let window = match (session.inputs(), session.outputs()) {
            ([x], [y]) if x.dtype == DType::F32 && y.dtype == DType::F32 => match x.shape[..] {
                [1, frames, BANDS] if y.len() > 1 => frames,
                _ => 0,
            },
            _ => 0,
        };
        if window == 0 {
            return Err(misfit("speakers", wanted, &session));
        }
        Ok(Self {
            net: Net::new(session).map_err(|s| misfit("speakers", wanted, &s))?,
            front: FrontEnd::new(&Spec::librosa_mel(RATE, 400, 160, BANDS))?,
            window,
        })
    }

    /// Samples a second that it wants.
    pub fn sample_rate(&self) -> u32 {
        RATE
    }

    /// The voice in a whole recording, of at least 1.6 s of speech if it is to say much.
    ///
    /// # Errors
    ///
    /// When the model cannot run.
    pub fn embed(&mut self, samples: &[f32]) -> Result<Vec<f32>, TaskError> {
        let power = samples.iter().map(|x| f64::from(x * x)).sum::<f64>();
        let rms = libm::sqrt(power / samples.len().max(1) as f64) as f32;
        let gain = if rms > 0.0 && rms < LEVEL {
            LEVEL / rms
        } else {
            1.0
        };
        let mut frames = Vec::new();
        self.front.reset();
        let mut piece = [0.0; 1600];
        for part in samples.chunks(piece.len()) {
            let scaled = piece.iter_mut().zip(part);
            scaled.for_each(|(y, x)| *y = x * gain);
            self.front.push(&piece[..part.len()], |frame| {
                frames.extend_from_slice(frame)
            });
        }
        self.front.finish(|frame| frames.extend_from_slice(frame));
        let values = self.net.session().outputs()[0].len();
        let (mut sum, mut count, mut at) = (vec![0.0; values], 0, 0);
        let total = frames.len() / BANDS;
        while at < total || count == 0 {
            let there = total.saturating_sub(at).min(self.window);
            if count > 0 && (there as f32) < COVERAGE * self.window as f32 {
                break;
            }
            let mut window = vec![0.0; self.window * BANDS];
            let part = &frames[(at * BANDS).min(frames.len())..][..there * BANDS];
            window[..part.len()].copy_from_slice(part);
            for (y, x) in sum.iter_mut().zip(self.net.run(&window)?) {
                *y += x;
            }
            (count, at) = (count + 1, at + STRIDE);
        }
        let length = libm::sqrtf(sum.iter().map(|x| x * x).sum());
        if length > 0.0 {
            sum.iter_mut().for_each(|x| *x /= length);
        }
        Ok(sum)
    }
}

/// Cosine of the angle between two voices: 1 for the same; 0 for vectors of other lengths.
pub fn similarity(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return 0.0;
    }
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let lengths = libm::sqrtf(dot(a, a) * dot(b, b));
    if lengths > 0.0 {
        dot(a, b) / lengths
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::similarity;

    #[test]
    fn similarity_is_a_cosine() {
        assert!((similarity(&[3.0, 4.0], &[6.0, 8.0]) - 1.0).abs() < 1e-6);
        assert!(similarity(&[1.0, 0.0], &[0.0, 2.0]).abs() < 1e-6);
        assert_eq!(similarity(&[1.0], &[1.0, 2.0]), 0.0);
        assert_eq!(similarity(&[0.0, 0.0], &[1.0, 2.0]), 0.0);
    }
}
