"""Makes tests/reference: what other front ends give for a made signal, and hashes of what they give for real recordings.

python3 -m venv v && v/bin/pip install numpy librosa soundfile pymicro-features
v/bin/python runtime/voice/tests/oracle/make.py ../shared/data
"""

import sys
from pathlib import Path

import librosa
import numpy as np
import soundfile
from pymicro_features import MicroFrontend

HERE = Path(__file__).parent.parent / "reference"
DATA = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")


def signal(n):
    """A chirp and noise, loud and soft in turn, in whole numbers: tests/signal.rs makes the same."""
    out, state, phase, step = [], 1, 0, 1 << 24
    for t in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        noise = (state >> 16) - 32768
        phase = (phase + step) % 2**32
        step += 60_000
        triangle = abs((phase >> 16) - 32768) - 16384
        x = triangle + noise // 8
        out.append(x // 64 if t % 5000 < 1500 else x)
    return np.array(out, np.int16)


def micro(samples):
    """Frames of pymicro-features as whole numbers."""
    front, rows, data = MicroFrontend(), [], samples.astype("<i2").tobytes()
    i = 0
    while i + 320 <= len(data):
        result = front.process_samples(data[i : i + 320])
        if result.features:
            rows.append(np.round(np.array(result.features) / 0.0390625))
        i += result.samples_read * 2
    return np.array(rows).astype("<u2")


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 % 2**64
    return h


def frames(x, size, hop):
    n = 1 + (len(x) - size) // hop
    return np.stack([x[i * hop : i * hop + size] for i in range(n)])


def mel1127(hz):
    return 1127 * np.log1p(np.asarray(hz, np.float64) / 700)


def mel_triangles(bands, low, high, rate, bins):
    """Kaldi's and TensorFlow's: straight in mel."""
    corners = np.linspace(mel1127(low), mel1127(high), bands + 2)
    mel = mel1127(np.arange(bins) * (rate / 2 / (bins - 1)))
    rising = (mel[None] - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - mel[None]) / np.diff(corners)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


def dct(x, n):
    m = x.shape[1]
    basis = np.cos(np.pi / m * (np.arange(m) + 0.5)[:, None] * np.arange(n)[None]) * np.sqrt(2 / m)
    basis[:, 0] /= np.sqrt(2)
    return x @ basis



def kaldi(x, bands, low, window, mean=True, power=2, floor=np.finfo(np.float32).eps):
    f = frames(x * 32768.0, 400, 160)
    if mean:
        f = f - f.mean(1, keepdims=True)
    f = f - 0.97 * np.concatenate([f[:, :1], f[:, :-1]], 1)
    spectrum = np.abs(np.fft.rfft(f * window, 512)) ** power
    return np.log(np.maximum(spectrum @ mel_triangles(bands, low, 8000, 16000, 257).T, floor))


def main():
    HERE.mkdir(exist_ok=True)
    x16 = signal(6000)
    x = x16.astype(np.float64) / 32768
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480)
    symmetric = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)
    mel = dict(sr=16000, n_fft=400, hop_length=160)
    slaney = librosa.feature.melspectrogram(y=x, **mel, n_mels=40)
    whisper = librosa.feature.melspectrogram(y=x, **mel, n_mels=80, pad_mode="reflect")[:, :-1]
    whisper = np.log10(np.maximum(whisper, 1e-10))
    whisper = (np.maximum(whisper, whisper.max() - 8) + 4) / 4
    htk = librosa.feature.melspectrogram(y=x, **mel, n_mels=40, htk=True, norm=None, power=1, win_length=320)
    spectrum = np.abs(np.fft.rfft(frames(x, 480, 320) * hann, 512))
    tf = np.log(spectrum @ mel_triangles(40, 20, 4000, 16000, 257).T + 1e-6)
    fbank = kaldi(x, 80, 20, symmetric**0.85)
    lifter = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    results = {
        "librosa_slaney": slaney.T,
        "librosa_htk": htk.T,
        "whisper": whisper.T,
        "pcen": librosa.pcen(slaney * 2**31, sr=16000, hop_length=160).T,
        "kaldi_fbank": fbank,
        "kaldi_mfcc": dct(kaldi(x, 23, 20, symmetric**0.85), 13) * lifter,
        "htk": kaldi(x, 26, 0, 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 399), False, 1, 1.0),
        "speech_commands": dct(tf, 10),
    }
    for name, rows in results.items():
        (HERE / f"{name}.f32").write_bytes(np.ascontiguousarray(rows, "<f4").tobytes())
        print(name, rows.shape)
    (HERE / "micro.u16").write_bytes(micro(signal(16000)).tobytes())
    files = [*sorted((DATA / "librispeech40").iterdir())[:4], *sorted((DATA / "wake/alexa").iterdir()), *sorted((DATA / "noise").iterdir())[:2]]
    with open(HERE / "micro.txt", "w") as out:
        for file in files:
            try:
                samples, rate = soundfile.read(file, dtype="int16")
            except soundfile.LibsndfileError:
                continue
            assert rate == 16000 and samples.ndim == 1, file
            rows = micro(samples)
            print(file.relative_to(DATA), len(rows), f"{fnv(rows.tobytes()):016x}", file=out)


main()
