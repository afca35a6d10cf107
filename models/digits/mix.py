"""Clips to windows of the front end: placed, mixed with noise, made louder or softer; and the augmentation of training."""

import numpy as np

from frontend import BANDS, GAIN, HANN, HOP, SAMPLES, WINDOW, mel_filters
from model import NOISE, UNKNOWN

# Vocal tracts differ in length: what one person says at 1,000 Hz another says at 900 or 1,150.
TRACTS = [mel_filters(stretch) for stretch in np.geomspace(0.86, 1.16, 9)]


def warp(clip, factor):
    """Played `factor` times as fast: pitch and formants move with it, as if another person spoke."""
    return np.interp(np.arange(0, len(clip) - 1, factor), np.arange(len(clip)), clip)


def cut(random, samples):
    """A part of the length of a window; a shorter clip is laid anywhere into silence."""
    out = np.zeros(SAMPLES)
    spare = len(samples) - SAMPLES
    if spare >= 0:
        start = random.integers(spare + 1)
        return np.array(samples[start : start + SAMPLES], np.float64)
    start = random.integers(1 - spare)
    out[start : start + len(samples)] = samples
    return out


def whole(random, clip, label):
    """A digit stays whole in its window where it can; of longer speech any part is taken, a digit's loudest."""
    if label < UNKNOWN and len(clip) > SAMPLES:
        power = np.cumsum(np.square(clip))
        start = int(np.argmax(power[SAMPLES - 1 :] - np.concatenate(([0], power[: len(power) - SAMPLES]))))
        return np.array(clip[start : start + SAMPLES], np.float64)
    return cut(random, clip)


def level(samples, rms):
    """Scaled to a root mean square over its louder half; silence stays."""
    now = np.sqrt(np.mean(np.square(samples[np.abs(samples) > 1e-4]))) if np.any(np.abs(samples) > 1e-4) else 0
    return samples * (rms / now) if now > 0 else samples


def window(random, clip, label, noises, lowest_snr, chance=0.8):
    """One window of samples: the clip at a level of −40 … −12 dB, with noise `lowest_snr` … 30 dB below it by `chance`."""
    rms = 10 ** (random.uniform(-40, -12) / 20)
    if label == NOISE:
        out = level(cut(random, clip), rms * 10 ** (-random.uniform(0, 20) / 20))
    else:
        out = level(whole(random, clip, label), rms)
        if random.random() < chance:
            out = out + level(cut(random, noises[random.integers(len(noises))]), rms * 10 ** (-random.uniform(lowest_snr, 30) / 20))
    return np.clip(out, -1, 1)


def augmented(random, samples):
    """Features of a window with what people, microphones and rooms do: another vocal tract, a tilt and a bend of the spectrum, hidden bands and moments."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * HANN)
    at = np.linspace(-1, 1, WINDOW // 2 + 1)
    colour = random.uniform(-6, 6) * at + random.uniform(-4, 4) * np.cos(np.pi * (at + random.uniform(-1, 1)))
    energy = ((spectrum.real**2 + spectrum.imag**2) * 10 ** (colour / 10)) @ TRACTS[random.integers(len(TRACTS))].T
    out = np.log1p(GAIN * energy).astype(np.float32)
    if random.random() < 0.5:
        start, width = random.integers(BANDS - 4), random.integers(1, 5)
        out[:, start : start + width] = out.mean()
    if random.random() < 0.5:
        start, width = random.integers(len(out) - 6), random.integers(1, 7)
        out[start : start + width] = out.mean()
    return out
