//! Mel filter banks in the conventions that models were trained with.

use alloc::vec::Vec;

/// From hertz to mel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MelScale {
    /// `1127 · ln(1 + f / 700)`: HTK, Kaldi, TensorFlow, librosa with `htk=True` (there the factor is 2595 / ln 10; it cancels).
    Htk,
    /// Linear below 1 kHz, logarithmic above: Slaney's auditory toolbox, librosa's default, Whisper.
    Slaney,
}

/// What the triangles are straight in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Triangles {
    /// Hertz: librosa, Whisper.
    Hertz,
    /// Mel: HTK, Kaldi, TensorFlow.
    Mel,
}

/// How triangles are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Norm {
    /// Peaks of 1.
    Peak,
    /// Areas of 1 in hertz: `2 / (high − low)`; librosa's default, Whisper.
    Area,
}

/// Description of a bank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mel {
    /// Number of bands.
    pub bands: usize,
    /// Lower end of the first triangle, Hz.
    pub low_hz: f64,
    /// Upper end of the last triangle, Hz.
    pub high_hz: f64,
    /// From hertz to mel.
    pub scale: MelScale,
    /// What the triangles are straight in.
    pub triangles: Triangles,
    /// How they are scaled.
    pub norm: Norm,
}

impl MelScale {
    /// Mel of a frequency in Hz.
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            Self::Htk => 1127.0 * libm::log1p(hz / 700.0),
            Self::Slaney if hz < 1000.0 => hz * 3.0 / 200.0,
            Self::Slaney => 15.0 + libm::log(hz / 1000.0) * 27.0 / libm::log(6.4),
        }
    }

    /// Frequency in Hz of a mel.
    pub fn hz(self, mel: f64) -> f64 {
        match self {
            Self::Htk => 700.0 * libm::expm1(mel / 1127.0),
            Self::Slaney if mel < 15.0 => mel * 200.0 / 3.0,
            Self::Slaney => 1000.0 * libm::exp((mel - 15.0) * libm::log(6.4) / 27.0),
        }
    }
}

/// Triangles over the bins of a spectrum, only their values above 0 kept.
#[derive(Clone, Debug)]
pub struct MelBank {
    /// First bin of each band, and where its weights end in `weights`.
    bands: Vec<(usize, usize)>,
    weights: Vec<f32>,
}

impl MelBank {
    /// The bank for spectra of `bins` values from 0 Hz to `sample_rate / 2`.
    pub fn new(mel: &Mel, sample_rate: u32, bins: usize) -> Self {
        let to = |hz| mel.scale.mel(hz);
        let (low, high) = (to(mel.low_hz), to(mel.high_hz));
        let corner = |i: usize| low + (high - low) * i as f64 / (mel.bands + 1) as f64;
        let step = f64::from(sample_rate) / 2.0 / bins.saturating_sub(1).max(1) as f64;
        let (mut bands, mut weights) = (Vec::new(), Vec::new());
        for band in 0..mel.bands {
            let mels = [band, band + 1, band + 2].map(corner);
            let hertz = mels.map(|m| mel.scale.hz(m));
            let scale = match mel.norm {
                Norm::Peak => 1.0,
                Norm::Area => 2.0 / (hertz[2] - hertz[0]),
            };
            let (mut first, start) = (0, weights.len());
            for bin in 0..bins {
                let hz = step * bin as f64;
                let (x, [left, middle, right]) = match mel.triangles {
                    Triangles::Hertz => (hz, hertz),
                    Triangles::Mel => (to(hz), mels),
                };
                let rising = (x - left) / (middle - left);
                let falling = (right - x) / (right - middle);
                let weight = rising.min(falling);
                if weight > 0.0 {
                    if weights.len() == start {
                        first = bin;
                    }
                    weights.push((weight * scale) as f32);
                }
            }
            bands.push((first, weights.len()));
        }
        Self { bands, weights }
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Sums `spectrum` under each triangle, in the order of the bins.
    ///
    /// # Panics
    ///
    /// When `spectrum` is shorter than the bank was made for.
    pub fn apply(&self, spectrum: &[f32], out: &mut [f32]) {
        let mut start = 0;
        for (y, &(first, end)) in out.iter_mut().zip(&self.bands) {
            let weights = &self.weights[start..end];
            let bins = &spectrum[first..first + weights.len()];
            *y = weights
                .iter()
                .zip(bins)
                .fold(0.0, |sum, (w, x)| sum + w * x);
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_turn_back() {
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hz in [0.0, 20.0, 440.0, 999.9, 1000.0, 4000.0, 8000.0] {
                assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-9);
            }
        }
        assert!((MelScale::Htk.mel(1000.0) - 999.9907).abs() < 1e-3);
        assert!((MelScale::Slaney.mel(6400.0) - 42.0).abs() < 1e-9);
    }
}
