//! Samples to frames of features.

use alloc::vec;
use alloc::vec::Vec;

use crate::compress::Compressor;
use crate::dct::Dct;
use crate::fft::{Complex, RealFft};
use crate::framer::Framer;
use crate::mel::MelBank;
use crate::spec::{Placement, Spec, SpecError, Spectrum};

/// A stream of samples in, frames of features out.
///
/// ```
/// use redpoll_voice::{FrontEnd, Spec};
///
/// # fn main() -> Result<(), redpoll_voice::SpecError> {
/// let mut front = FrontEnd::new(&Spec::kaldi_fbank(16_000, 80))?;
/// let mut frames = 0;
/// for piece in vec![0.0f32; 16_000].chunks(700) {
///     front.push(piece, |features| {
///         assert_eq!(features.len(), 80);
///         frames += 1;
///     });
/// }
/// front.finish(|_| frames += 1); // the padded end, where the description has one
/// assert_eq!(frames, 98);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FrontEnd {
    spec: Spec,
    framer: Framer,
    work: Work,
}

/// All but the framer: what happens to one frame.
#[derive(Clone, Debug)]
struct Work {
    gain: f32,
    remove_mean: bool,
    emphasis: f32,
    spectrum: Spectrum,
    window: Vec<f32>,
    fft: RealFft,
    bank: MelBank,
    compressor: Compressor,
    dct: Option<Dct>,
    frame: Vec<f32>,
    bins: Vec<Complex>,
    energies: Vec<f32>,
    bands: Vec<f32>,
    features: Vec<f32>,
}

impl FrontEnd {
    /// A front end at the beginning of a stream. Everything is allocated here.
    ///
    /// # Errors
    ///
    /// A description that makes no sense.
    pub fn new(spec: &Spec) -> Result<Self, SpecError> {
        spec.check()?;
        let fft = RealFft::new(spec.fft_samples).ok_or(SpecError::FftLength)?;
        let length = spec.frame_samples();
        let mut window = vec![0.0; length];
        let from = match spec.placement {
            Placement::Start => 0,
            Placement::Middle => (length - spec.window_samples) / 2,
        };
        spec.window
            .fill(&mut window[from..from + spec.window_samples]);
        let bins = fft.bins();
        Ok(Self {
            spec: *spec,
            framer: Framer::new(length, spec.hop_samples, spec.padding),
            work: Work {
                gain: spec.gain,
                remove_mean: spec.remove_mean,
                emphasis: spec.emphasis,
                spectrum: spec.spectrum,
                window,
                bank: MelBank::new(&spec.mel, spec.sample_rate, bins),
                compressor: Compressor::new(spec.compression, spec.mel.bands),
                dct: spec.mfcc.map(|mfcc| Dct::new(&mfcc, spec.mel.bands)),
                frame: vec![0.0; length],
                bins: vec![Complex::default(); bins],
                energies: vec![0.0; bins],
                bands: vec![0.0; spec.mel.bands],
                features: vec![0.0; spec.features()],
                fft,
            },
        })
    }

    /// What it computes.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Values of a frame.
    pub fn features(&self) -> usize {
        self.spec.features()
    }

    /// Takes samples in −1..1 and hands each frame that is complete to `each`.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(&[f32])) {
        let work = &mut self.work;
        self.framer
            .push(samples, |frame| each(work.features(frame)));
    }

    /// Hands the frames of the padded end to `each`, and begins a new stream.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        let work = &mut self.work;
        self.framer.finish(|frame| each(work.features(frame)));
        work.compressor.reset();
    }

    /// Begins a new stream.
    pub fn reset(&mut self) {
        self.framer.reset();
        self.work.compressor.reset();
    }
}

impl Work {
    fn features(&mut self, samples: &[f32]) -> &[f32] {
        let frame = &mut self.frame;
        for (y, x) in frame.iter_mut().zip(samples) {
            *y = x * self.gain;
        }
        if self.remove_mean {
            let sum = frame.iter().fold(0.0f32, |sum, x| sum + x);
            let mean = sum / frame.len() as f32;
            frame.iter_mut().for_each(|x| *x -= mean);
        }
        if self.emphasis != 0.0 {
            for i in (1..frame.len()).rev() {
                frame[i] -= self.emphasis * frame[i - 1];
            }
            frame[0] -= self.emphasis * frame[0];
        }
        for (x, w) in frame.iter_mut().zip(&self.window) {
            *x *= w;
        }
        self.fft.forward(frame, &mut self.bins);
        for (y, z) in self.energies.iter_mut().zip(&self.bins) {
            *y = match self.spectrum {
                Spectrum::Power => z.power(),
                Spectrum::Magnitude => libm::sqrtf(z.power()),
            };
        }
        self.bank.apply(&self.energies, &mut self.bands);
        self.compressor.apply(&mut self.bands);
        match &self.dct {
            Some(dct) => dct.apply(&self.bands, &mut self.features),
            None => self.features.copy_from_slice(&self.bands),
        }
        &self.features
    }
}
