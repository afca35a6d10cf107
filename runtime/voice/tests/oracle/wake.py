"""Wake words by openWakeWord: `redpoll listen` and the Python package on the same recordings, side by side.

python3 runtime/voice/tests/oracle/wake.py target/release/redpoll ../shared  (openwakeword 0.4.0, soundfile, NumPy)
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import openwakeword
import soundfile
from openwakeword.model import Model

REDPOLL, SHARED = sys.argv[1], Path(sys.argv[2])
DATA, MODELS = SHARED / "data", Path(openwakeword.__file__).parent / "resources/models"
HEAD, THRESHOLD, STEP = MODELS / "alexa_v0.1.onnx", 0.5, 1280


def package(path):
    """The largest probability, and how often it rises above the threshold."""
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 16000 and samples.ndim == 1, path
    samples = np.concatenate([samples, np.zeros(16000, np.int16)])
    model = Model(wakeword_model_paths=[str(HEAD)])
    scores = [model.predict(samples[at : at + STEP])[HEAD.stem] for at in range(0, len(samples) - STEP + 1, STEP)]
    above = np.array([0.0, *scores]) > THRESHOLD
    return scores, int((above[1:] & ~above[:-1]).sum())


def ours(path):
    command = [REDPOLL, "listen", path, "--task", "wake", "--model", HEAD, "--mel", MODELS / "melspectrogram.onnx"]
    command += ["--embedding", MODELS / "embedding_model.onnx", "--probabilities", "--time", "--json"]
    told = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    scores = [e["probability"] for e in told if e["event"] == "probability"]
    return scores, sum(e["event"] == "wake" for e in told), told[-1]


def decodes(path):
    try:
        soundfile.read(path)
        return True
    except RuntimeError:
        return False


words = [p for p in sorted((DATA / "wake/alexa").iterdir()) if decodes(p)]
others = sorted((DATA / "librispeech40").glob("*.flac")) + sorted((DATA / "noise").glob("*.wav"))
heard, false, busy, length, worst = [0, 0], [0, 0], 0.0, 0.0, []
for path in words + others:
    (theirs, count), (own, found, time) = package(path), ours(path)
    if path in words:
        heard = [heard[0] + (found > 0), heard[1] + (count > 0)]
    else:
        false = [false[0] + found, false[1] + count]
        busy, length = busy + time["seconds"], length + time["audio_seconds"]
        # Two seconds in, nothing is left of what the buffers held before the sound.
        n = min(len(own), len(theirs))
        worst.append(np.abs(np.array(own[25:n]) - np.array(theirs[25:n])).max())
print(f"redpoll: {heard[0]} of {len(words)} heard, {false[0]} false in {length / 60:.1f} minutes, {busy / length:.4f} of real time")
print(f"openwakeword: {heard[1]} of {len(words)} heard, {false[1]} false; largest difference of a probability {max(worst):.1e}")
