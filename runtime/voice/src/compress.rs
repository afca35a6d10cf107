//! From energies to what a model sees: logarithms, or normalisation per channel.

use alloc::vec;
use alloc::vec::Vec;

/// What happens to the energy of each band.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Compression {
    /// Nothing.
    None,
    /// `ln(max(x, floor))`: Kaldi has the floor 1.1920929e-7.
    Ln {
        /// Smallest energy.
        floor: f32,
    },
    /// `ln(x + offset)`: TensorFlow's examples with 1e-6.
    LnPlus {
        /// What is added.
        offset: f32,
    },
    /// `ln(1 + gain · x)`: silence is 0.
    LnOnePlus {
        /// What energies are multiplied by.
        gain: f32,
    },
    /// `scale · log10(max(x, floor))`: Whisper has the scale 1, decibels have 10.
    Log10 {
        /// Smallest energy.
        floor: f32,
        /// Multiplier.
        scale: f32,
    },
    /// Per-channel energy normalisation.
    Pcen(Pcen),
}

/// Per-channel energy normalisation (Wang et al., 2017):
/// `m[t] = (1 − s) · m[t − 1] + s · x[t]`, `y[t] = (x[t] / (ε + m[t])^gain + bias)^power − bias^power`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pcen {
    /// Coefficient `s` of the smoother.
    pub smoothing: f32,
    /// Exponent of the smoothed energy.
    pub gain: f32,
    /// What is added before the root.
    pub bias: f32,
    /// Exponent of the root.
    pub power: f32,
    /// Keeps the divisor above 0.
    pub epsilon: f32,
    /// The smoother before the first frame, as if so much energy had been there for ever. librosa begins with 1.
    pub before: f32,
}

impl Pcen {
    /// librosa's defaults for a number of frames a second and a time constant in seconds (0.4 there).
    pub fn with_time_constant(frames_per_second: f64, seconds: f64) -> Self {
        let t = seconds * frames_per_second;
        Self {
            smoothing: ((libm::sqrt(1.0 + 4.0 * t * t) - 1.0) / (2.0 * t * t)) as f32,
            gain: 0.98,
            bias: 2.0,
            power: 0.5,
            epsilon: 1e-6,
            before: 1.0,
        }
    }
}

/// A compression and what it remembers of the stream.
#[derive(Clone, Debug)]
pub(crate) struct Compressor {
    kind: Compression,
    smoothed: Vec<f32>,
}

impl Compressor {
    pub(crate) fn new(kind: Compression, bands: usize) -> Self {
        let smoothed = match kind {
            Compression::Pcen(pcen) => vec![pcen.before; bands],
            _ => Vec::new(),
        };
        Self { kind, smoothed }
    }

    pub(crate) fn reset(&mut self) {
        if let Compression::Pcen(pcen) = self.kind {
            self.smoothed.fill(pcen.before);
        }
    }

    pub(crate) fn apply(&mut self, energies: &mut [f32]) {
        match self.kind {
            Compression::None => {}
            Compression::Ln { floor } => {
                each(energies, |x| libm::logf(x.max(floor)));
            }
            Compression::LnPlus { offset } => each(energies, |x| libm::logf(x + offset)),
            Compression::LnOnePlus { gain } => each(energies, |x| libm::log1pf(gain * x)),
            Compression::Log10 { floor, scale } => {
                each(energies, |x| scale * libm::log10f(x.max(floor)));
            }
            Compression::Pcen(p) => {
                let low = libm::powf(p.bias, p.power);
                for (x, m) in energies.iter_mut().zip(&mut self.smoothed) {
                    *m = (1.0 - p.smoothing) * *m + p.smoothing * *x;
                    let smooth = libm::powf(p.epsilon + *m, -p.gain);
                    *x = libm::powf(*x * smooth + p.bias, p.power) - low;
                }
            }
        }
    }
}

fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
    for x in values {
        *x = f(*x);
    }
}
