//! Front ends that well-known models were trained with.

use crate::compress::Compression;
use crate::mel::{Mel, MelScale, Norm, Triangles};
use crate::spec::{Mfcc, Padding, Placement, Spec, Spectrum};
use crate::window::Window;

/// Kaldi's smallest energy: the f32 after 1, less 1.
const KALDI_FLOOR: f32 = f32::EPSILON;

impl Spec {
    /// Whisper's log-mel at 16 kHz: 25 ms windows every 10 ms, 80 or 128 bands, log10.
    ///
    /// Whisper leaves out the last frame and normalises over the whole clip: [`whisper_normalize`].
    pub fn whisper(bands: usize) -> Self {
        Self {
            padding: Padding::Reflect,
            compression: Compression::Log10 {
                floor: 1e-10,
                scale: 1.0,
            },
            ..Self::librosa_mel(16_000, 400, 160, bands)
        }
    }

    /// librosa's `feature.melspectrogram` with its defaults: Hann, power, Slaney's scale and norm, half a frame of zeros
    /// at either end, no logarithm.
    pub fn librosa_mel(
        sample_rate: u32,
        fft_samples: usize,
        hop_samples: usize,
        bands: usize,
    ) -> Self {
        Self {
            sample_rate,
            gain: 1.0,
            window_samples: fft_samples,
            hop_samples,
            fft_samples,
            padding: Padding::Zeros,
            placement: Placement::Middle,
            remove_mean: false,
            emphasis: 0.0,
            window: Window::Hann,
            spectrum: Spectrum::Power,
            mel: Mel {
                bands,
                low_hz: 0.0,
                high_hz: f64::from(sample_rate) / 2.0,
                scale: MelScale::Slaney,
                triangles: Triangles::Hertz,
                norm: Norm::Area,
            },
            compression: Compression::None,
            mfcc: None,
        }
    }

    /// Kaldi's filter bank with its defaults, without dither: 25 ms every 10 ms, pre-emphasis 0.97, Povey window, from
    /// 20 Hz. The transform has the next power of two. Only whole frames (`snip-edges`).
    pub fn kaldi_fbank(sample_rate: u32, bands: usize) -> Self {
        let window_samples = (sample_rate / 40) as usize;
        Self {
            sample_rate,
            gain: 32768.0,
            window_samples,
            hop_samples: (sample_rate / 100) as usize,
            fft_samples: window_samples.next_power_of_two(),
            padding: Padding::None,
            placement: Placement::Start,
            remove_mean: true,
            emphasis: 0.97,
            window: Window::Povey,
            spectrum: Spectrum::Power,
            mel: Mel {
                bands,
                low_hz: 20.0,
                high_hz: f64::from(sample_rate) / 2.0,
                scale: MelScale::Htk,
                triangles: Triangles::Mel,
                norm: Norm::Peak,
            },
            compression: Compression::Ln { floor: KALDI_FLOOR },
            mfcc: None,
        }
    }

    /// Kaldi's cepstral coefficients with its defaults except `use-energy=false`: 13 of 23 bands, lifter 22.
    pub fn kaldi_mfcc(sample_rate: u32) -> Self {
        Self {
            mfcc: Some(Mfcc {
                coefficients: 13,
                lifter: 22.0,
            }),
            ..Self::kaldi_fbank(sample_rate, 23)
        }
    }

    /// HTK's way: Hamming, magnitude, mel triangles, natural logarithm; 25 ms every 10 ms.
    pub fn htk(sample_rate: u32, bands: usize) -> Self {
        Self {
            remove_mean: false,
            window: Window::Hamming,
            spectrum: Spectrum::Magnitude,
            mel: Mel {
                low_hz: 0.0,
                ..Self::kaldi_fbank(sample_rate, bands).mel
            },
            compression: Compression::Ln { floor: 1.0 },
            ..Self::kaldi_fbank(sample_rate, bands)
        }
    }

    /// MLPerf Tiny's keyword spotting at 16 kHz: 30 ms every 20 ms, 40 bands from 20 to 4000 Hz, 10 coefficients.
    ///
    /// Its recordings are divided by their largest sample first.
    pub fn speech_commands_mfcc() -> Self {
        Self {
            sample_rate: 16_000,
            gain: 1.0,
            window_samples: 480,
            hop_samples: 320,
            fft_samples: 512,
            remove_mean: false,
            emphasis: 0.0,
            window: Window::Hann,
            spectrum: Spectrum::Magnitude,
            mel: Mel {
                high_hz: 4000.0,
                ..Self::kaldi_fbank(16_000, 40).mel
            },
            compression: Compression::LnPlus { offset: 1e-6 },
            mfcc: Some(Mfcc {
                coefficients: 10,
                lifter: 0.0,
            }),
            ..Self::kaldi_fbank(16_000, 40)
        }
    }

    /// The front end of `models/digits`: 8 kHz, 32 ms every 16 ms, 32 bands from 60 to 3800 Hz, `ln(1 + 10⁶ · energy)`.
    pub fn digits() -> Self {
        Self {
            padding: Padding::None,
            mel: Mel {
                bands: 32,
                low_hz: 60.0,
                high_hz: 3800.0,
                scale: MelScale::Htk,
                triangles: Triangles::Hertz,
                norm: Norm::Peak,
            },
            compression: Compression::LnOnePlus { gain: 1e6 },
            ..Self::librosa_mel(8_000, 256, 128, 32)
        }
    }
}

/// What Whisper does with all frames of a clip: nothing lies more than 8 below the largest value, then `(x + 4) / 4`.
pub fn whisper_normalize(frames: &mut [f32]) {
    let largest = frames.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for x in frames {
        *x = (x.max(largest - 8.0) + 4.0) / 4.0;
    }
}
