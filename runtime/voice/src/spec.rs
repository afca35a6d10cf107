//! Description of a front end.

use core::fmt;

use crate::compress::Compression;
use crate::mel::Mel;
use crate::window::Window;

/// What lies before the first sample and after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// Nothing: the first frame begins at the first sample (Kaldi, TensorFlow, streams).
    None,
    /// Half a frame of the mirrored signal at either end (librosa with `center=True, pad_mode="reflect"`, Whisper).
    Reflect,
    /// Half a frame of zeros at either end (librosa with `center=True` today).
    Zeros,
}

/// Where the window lies in a frame that is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// The frame is the window, followed by zeros up to the length of the transform (Kaldi, TensorFlow).
    Start,
    /// The frame is as long as the transform, the window lies in its middle (librosa).
    Middle,
}

/// What is summed under the triangles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spectrum {
    /// `|X|`
    Magnitude,
    /// `|X|²`
    Power,
}

/// Cepstral coefficients of log energies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mfcc {
    /// How many, the 0th included.
    pub coefficients: usize,
    /// `1 + L/2 · sin(πk / L)` multiplies coefficient k; 0 for none (Kaldi: 22).
    pub lifter: f64,
}

/// Description of a front end, in the order in which it works.
///
/// Begin with one of the presets ([`Spec::whisper`], [`Spec::kaldi_fbank`], [`Spec::librosa_mel`], [`Spec::htk`],
/// [`Spec::speech_commands_mfcc`]) and change its fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Samples a second.
    pub sample_rate: u32,
    /// What every sample is multiplied by: samples come in −1..1, Kaldi wants 16-bit values (32768).
    pub gain: f32,
    /// Samples of the window.
    pub window_samples: usize,
    /// Samples from one frame to the next.
    pub hop_samples: usize,
    /// Length of the Fourier transform: even, at least `window_samples`.
    pub fft_samples: usize,
    /// What is before and after the stream.
    pub padding: Padding,
    /// Where the window lies.
    pub placement: Placement,
    /// Subtracts the mean of each frame (Kaldi).
    pub remove_mean: bool,
    /// Pre-emphasis in each frame, whose sample before the first is taken as the first (Kaldi: 0.97); 0 for none.
    pub emphasis: f32,
    /// Shape of the window.
    pub window: Window,
    /// What is summed.
    pub spectrum: Spectrum,
    /// The filter bank.
    pub mel: Mel,
    /// Logarithm or normalisation.
    pub compression: Compression,
    /// Cepstral coefficients, if wanted.
    pub mfcc: Option<Mfcc>,
}

/// Why a description is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// The length of the transform is odd, 0 or above 65536.
    FftLength,
    /// The window is empty or longer than the transform.
    WindowLength,
    /// The hop is 0 or above 2^20.
    HopLength,
    /// No bands, or more than 4096.
    Bands,
    /// Not `0 ≤ low < high`, or the sample rate is 0.
    Range,
    /// No coefficients, or more than bands.
    Coefficients,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FftLength => "the length of the transform must be even and from 2 to 65536",
            Self::WindowLength => "the window must have from 1 sample to the transform's length",
            Self::HopLength => "the hop must be from 1 to 1048576 samples",
            Self::Bands => "there must be from 1 to 4096 bands",
            Self::Range => "the bands must lie between 0 Hz and a higher frequency",
            Self::Coefficients => "there must be from 1 coefficient to one a band",
        })
    }
}

impl core::error::Error for SpecError {}

impl Spec {
    /// Values of a frame of features.
    pub fn features(&self) -> usize {
        self.mfcc.map_or(self.mel.bands, |mfcc| mfcc.coefficients)
    }

    /// Samples of a frame: the window's, or the transform's where the window lies in its middle.
    pub fn frame_samples(&self) -> usize {
        match self.placement {
            Placement::Start => self.window_samples,
            Placement::Middle => self.fft_samples,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SpecError> {
        let fft = self.fft_samples;
        let mel = &self.mel;
        let ordered = mel.low_hz >= 0.0 && mel.low_hz < mel.high_hz && mel.high_hz.is_finite();
        if !fft.is_multiple_of(2) || !(2..=65536).contains(&fft) {
            Err(SpecError::FftLength)
        } else if !(1..=fft).contains(&self.window_samples) {
            Err(SpecError::WindowLength)
        } else if !(1..=1 << 20).contains(&self.hop_samples) {
            Err(SpecError::HopLength)
        } else if !(1..=4096).contains(&mel.bands) {
            Err(SpecError::Bands)
        } else if !ordered || self.sample_rate == 0 {
            Err(SpecError::Range)
        } else if !(1..=mel.bands).contains(&self.features()) {
            Err(SpecError::Coefficients)
        } else {
            Ok(())
        }
    }
}
