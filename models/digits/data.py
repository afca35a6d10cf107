"""Training epochs and the test set, as features; and the samples that lie beside the model."""

import wave

import numpy as np
import torch

import mix
import sources
from frontend import features
from model import NOISE, UNKNOWN

# How often a clip comes in an epoch, so that no class drowns another.
DIGIT_WINDOWS, UNKNOWN_WINDOWS, NOISE_WINDOWS = 6000, 2400, 800
CALIBRATION_SAMPLES = 128
TEST_UNKNOWN, TEST_NOISE = 200, 100


class Training:
    """All training clips in memory; `epoch` mixes and augments them anew."""

    def __init__(self, fsdd, shared, seed, without=None):
        """`without`: a training speaker to hold out, for choosing among recipes without a look at the test speakers."""
        random = np.random.default_rng(seed)
        own = [clip for clip in sources.spoken(False, fsdd) if clip[2].split("_")[1] != without]
        self.held_out = [clip for clip in sources.spoken(False, fsdd) if clip[2].split("_")[1] == without]
        rest = [*sources.synthetic(random, 200, 8), *sources.prompts(), *sources.other_speech(False, shared)]
        clips = [(samples, label) for samples, label, _ in [*own, *rest] if len(samples)]
        self.real = [c for c in clips[: len(own)]]
        self.made = [c for c in clips[len(own) :] if c[1] < UNKNOWN]
        self.unknown = [c for c in clips if c[1] == UNKNOWN]
        self.noises = [samples for samples, _, _ in sources.noise(False, shared)]
        self.noises += [random.standard_normal(8 * sources.RATE), np.cumsum(random.standard_normal(8 * sources.RATE)) % 1 - 0.5, np.zeros(sources.RATE)]
        self.random = np.random.default_rng(seed + 1)
        print(f"{len(self.real)} recorded and {len(self.made)} synthesised digits, {len(self.unknown)} clips of other speech")

    def pick(self, clips):
        """A clip; longer ones as much oftener as they hold more windows."""
        return clips[self.random.integers(len(clips))]

    def unknown_clip(self):
        """Other speech, a digit's half, or two digits cut through: what a window sees when it comes too early or too late."""
        kind = self.random.random()
        if kind < 0.8:
            return self.pick(self.unknown)[0]
        samples, _ = self.pick(self.real)
        half = len(samples) // 3
        return samples[:half] if kind < 0.9 else samples[-half:]

    def epoch(self, _generator=None):
        """Features float32 [N, 1, frames, bands] and labels int64 [N], as tensors."""
        random, x, y = self.random, [], []
        for number in range(DIGIT_WINDOWS + UNKNOWN_WINDOWS + NOISE_WINDOWS):
            if number < DIGIT_WINDOWS:
                samples, label = self.pick(self.made if number % 3 == 0 else self.real)
            elif number < DIGIT_WINDOWS + UNKNOWN_WINDOWS:
                samples, label = self.unknown_clip(), UNKNOWN
            else:
                samples, label = self.pick(self.noises), NOISE
            if label != NOISE:
                samples = mix.warp(samples, random.uniform(0.8, 1.25))
            x.append(mix.augmented(random, mix.window(random, samples, label, self.noises, lowest_snr=0)))
            y.append(label)
        return torch.from_numpy(np.stack(x)[:, None]), torch.tensor(y)

    def plain(self, count):
        """Windows for calibration: mixed like the training's, not augmented; classes in turn."""
        random, x, y = np.random.default_rng(7), [], []
        for number in range(count):
            label = number % 12
            clips = self.noises if label == NOISE else [s for s, l in (self.unknown if label == UNKNOWN else self.real) if l == label]
            x.append(features(mix.window(random, clips[random.integers(len(clips))], label, self.noises, lowest_snr=5)))
            y.append(label)
        return np.stack(x)[:, None], np.array(y)


def windows(clips, noises, lowest_snr, chance, seed=3):
    """Features and labels of clips, one window each."""
    random = np.random.default_rng(seed)
    x = [features(mix.window(random, samples, label, noises, lowest_snr, chance)) for samples, label, _ in clips]
    return np.stack(x)[:, None], np.array([label for _, label, _ in clips])


def test_set(fsdd, shared, noisy):
    """1,000 digits of the two test speakers, 200 windows of other speech, 100 of noise; `noisy`: unseen noise 5 … 30 dB below."""
    noises = list(sources.noise(True, shared))
    digits, speech = list(sources.spoken(True, fsdd)), list(sources.other_speech(True, shared))
    repeat = lambda clips, count: [clips[i % len(clips)] for i in range(count)]
    clips = digits + repeat(speech, TEST_UNKNOWN) + repeat(noises, TEST_NOISE)
    return windows(clips, [samples for samples, _, _ in noises], 5, 1.0 if noisy else 0.0)


def rounded(x):
    """To sixteenths: a fifth of the int8 input's step, and the bundled files are a third of the size."""
    return np.round(x * 16) / np.float32(16)


def sample(fsdd, shared):
    """Four digits of a test speaker, a second apart, over soft unseen noise: int16 samples."""
    clips = {name: samples for samples, _, name in sources.spoken(True, fsdd)}
    out = sources.RATE // 2 * [0.0]
    for digit in (4, 2, 7, 0):
        out = np.concatenate([out, mix.level(clips[f"{digit}_theo_20"], 0.1), np.zeros(sources.RATE)])
    noise = next(samples for samples, _, name in sources.noise(True, shared) if name == sources.TEST_NOISE)
    out = np.clip(out + mix.level(noise[: len(out)], 0.003), -1, 1)
    return np.round(out * 32767).astype("<i2")


def bundle(folder, training, test, spoken):
    """Write calibrate.npz (training clips), test.npz (every fifth of the noisy test) and sample.wav beside the model."""
    with wave.open(str(folder / "sample.wav"), "wb") as file:
        file.setparams((1, 2, sources.RATE, 0, "NONE", ""))
        file.writeframes(spoken.tobytes())
    x, y = training.plain(CALIBRATION_SAMPLES)
    np.savez_compressed(folder / "calibrate.npz", x=rounded(x), y=y)
    x, y = test
    np.savez_compressed(folder / "test.npz", x=rounded(x[::5]), y=y[::5])
