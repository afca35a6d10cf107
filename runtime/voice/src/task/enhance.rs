//! Speech enhancement by NSNet2: a gain for each frequency of each 10 ms.

use redpoll_session::Session;

use super::TaskError;
use super::error::misfit;
use super::net::Net;
use crate::fft::Complex;
use crate::stft::Stft;
use crate::window::Window;

const RATE: u32 = 16_000;
/// Samples of a window, and of the transform.
const WINDOW: usize = 320;
const HOP: usize = 160;
const BINS: usize = WINDOW / 2 + 1;
/// Least power whose logarithm is taken.
const LEAST_POWER: f32 = 1e-12;
/// Least gain: −80 dB.
const LEAST_GAIN: f32 = 1e-4;

/// Takes noise out of speech, in a stream of 16 kHz; sample `n` of the result stands for sample `n` of the stream, and
/// comes 10 to 20 ms after it.
pub struct Enhance {
    net: Net,
    stft: Stft,
    /// Logarithms of the powers of a spectrum.
    features: Vec<f32>,
}

impl Enhance {
    /// With a plan of NSNet2 for 16 kHz, one frame a run: 161 values to 161 gains, its states inside the plan or as
    /// further inputs and outputs.
    ///
    /// # Errors
    ///
    /// [`TaskError::Model`] for another model.
    pub fn new(session: Session) -> Result<Self, TaskError> {
        let wanted =
            "161 logarithms of powers (float) to 161 gains, a frame a run (NSNet2, 16 kHz)";
        let one = |tensors: &[redpoll_session::TensorInfo]| {
            tensors.first().is_some_and(|t| t.len() == BINS)
        };
        if !one(session.inputs()) || !one(session.outputs()) {
            return Err(misfit("enhancement", wanted, &session));
        }
        let net = Net::new(session).map_err(|s| misfit("enhancement", wanted, &s))?;
        let mut window = [0.0; WINDOW];
        Window::HannSymmetric.fill(&mut window);
        window.iter_mut().for_each(|w| *w = libm::sqrtf(*w));
        let Some(stft) = Stft::new(&window, HOP) else {
            return Err(misfit("enhancement", wanted, net.session()));
        };
        Ok(Self {
            net,
            stft,
            features: vec![0.0; BINS],
        })
    }

    /// Samples a second that it wants and gives.
    pub fn sample_rate(&self) -> u32 {
        RATE
    }

    /// Takes samples in −1..1 and adds those that are ready to `out`.
    ///
    /// # Errors
    ///
    /// When the model cannot run.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), TaskError> {
        let (net, features) = (&mut self.net, &mut self.features);
        let change = |spectrum: &mut [Complex]| gains(net, features, spectrum);
        self.stft
            .push(samples, change, |ready| out.extend_from_slice(ready))
    }

    /// The stream ends: adds the rest to `out`, as many samples as were taken in all; the next samples are a new stream.
    ///
    /// # Errors
    ///
    /// As [`Self::push`].
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), TaskError> {
        let (net, features) = (&mut self.net, &mut self.features);
        let change = |spectrum: &mut [Complex]| gains(net, features, spectrum);
        self.stft
            .finish(change, |ready| out.extend_from_slice(ready))?;
        self.net.reset()
    }
}

fn gains(net: &mut Net, features: &mut [f32], spectrum: &mut [Complex]) -> Result<(), TaskError> {
    for (x, z) in features.iter_mut().zip(&*spectrum) {
        *x = libm::log10f(z.power().max(LEAST_POWER));
    }
    let gains = net.run(features)?;
    for (z, gain) in spectrum.iter_mut().zip(gains) {
        let gain = gain.clamp(LEAST_GAIN, 1.0);
        *z = Complex::new(z.re * gain, z.im * gain);
    }
    Ok(())
}
