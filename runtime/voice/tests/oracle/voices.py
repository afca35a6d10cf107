"""Speakers of LibriSpeech by `redpoll listen --task speaker`, and the same by librosa and ONNX Runtime: prints the row of docs/results.md.

python3 runtime/voice/tests/oracle/voices.py target/release/redpoll ../shared  (numpy, librosa, onnxruntime, soundfile)
"""

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import librosa
import numpy as np
import onnxruntime as ort
import soundfile

REDPOLL, SHARED = sys.argv[1], Path(sys.argv[2])
MODEL = SHARED / "models/speaker/resemblyzer_f32.onnx"
WINDOW, STRIDE, COVERAGE = 160, 77, 0.75
session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])


def reference(path):
    """resemblyzer's embedding of an utterance, without its trimming of silence."""
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 16000
    rms = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
    samples = samples * max(1.0, 10 ** (-30 / 20) / rms)
    mel = librosa.feature.melspectrogram(y=samples, sr=16000, n_fft=400, hop_length=160, n_mels=40).T.astype(np.float32)
    windows = []
    for at in range(0, len(mel), STRIDE):
        part = mel[at : at + WINDOW]
        if windows and len(part) < COVERAGE * WINDOW:
            break
        windows.append(np.pad(part, ((0, WINDOW - len(part)), (0, 0))))
    mean = session.run(None, {"mel": np.stack(windows)})[0].sum(0)
    return mean / np.linalg.norm(mean)


def ours(path, folder):
    out = Path(folder) / "voice.json"
    command = [REDPOLL, "listen", path, "--task", "speaker", "--model", MODEL, "--enrol", out, "--time", "--json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return np.array(json.loads(out.read_text())["voice"]), json.loads(told.splitlines()[-1])


def equal_error(voices):
    """(equal error rate, threshold) over all pairs."""
    scores = [(float(a @ b), s == t) for (s, a), (t, b) in itertools.combinations(voices, 2)]
    same, other = (np.array([x for x, label in scores if label == wanted]) for wanted in (True, False))
    best = min(np.unique([x for x, _ in scores]), key=lambda t: abs((same < t).mean() - (other >= t).mean()))
    return ((same < best).mean() + (other >= best).mean()) / 2, best, same, other


files = sorted((SHARED / "data/librispeech40").glob("*.flac"))
with tempfile.TemporaryDirectory() as folder:
    told = [ours(path, folder) for path in files]
names = [path.stem.split("-")[0] for path in files]
references = [reference(path) for path in files]
busy, length = (sum(t[key] for _, t in told) for key in ("seconds", "audio_seconds"))
for name, voices in (("redpoll", [v for v, _ in told]), ("librosa and ONNX Runtime", references)):
    rate, at, same, other = equal_error(list(zip(names, voices)))
    print(f"{name}: equal error rate {100 * rate:.2f} % at {at:.3f}; same {same.min():.3f} to {same.max():.3f}, other {other.min():.3f} to {other.max():.3f}")
worst = max(np.abs(a - b).max() for (a, _), b in zip(told, references))
print(f"{len(files)} recordings of {len(set(names))} people, largest difference of a value {worst:.1e}, {busy / length:.5f} of real time")
at = {path.stem: i for i, path in enumerate(files)}
pick = [at[n] for n in ("1688-142285-0001", "1688-142285-0005", "1998-15444-0001")]
print("test:", *(f"{references[pick[0]] @ references[i]:.6f}" for i in pick[1:]))
