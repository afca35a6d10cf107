"""Log-mel features of the digits model, in NumPy: the definition that the runtime's front end is checked against.

Samples: mono, 8,000 a second, −1 … 1. Frames of 256 samples (32 ms) every 128 (16 ms), no padding, periodic Hann window,
power spectrum of a 256-point FFT, 32 triangular HTK mel filters from 60 to 3,800 Hz (peak 1, no area normalisation), and
ln(1 + 10⁶ · energy), so that silence is 0. A window of 61 frames is 7,936 samples, 0.992 s.
"""

import numpy as np

RATE = 8000
WINDOW, HOP = 256, 128
BANDS, LOWEST, HIGHEST = 32, 60.0, 3800.0
FRAMES = 61
SAMPLES = WINDOW + (FRAMES - 1) * HOP
GAIN = 1e6


def mel_filters(stretch=1.0):
    """Filter bank, float64 [BANDS, WINDOW / 2 + 1]; `stretch` moves the edges up or down the spectrum (training only)."""
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    edges = 700 * (10 ** (np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2) / 2595) - 1) * stretch
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)))


FILTERS = mel_filters()
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


def energies(samples):
    """Mel energies, float64 [frames, BANDS], of float samples [≥ WINDOW]."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * HANN)
    return (spectrum.real**2 + spectrum.imag**2) @ FILTERS.T


def features(samples):
    """float32 [frames, BANDS]."""
    return np.log1p(GAIN * energies(samples)).astype(np.float32)
