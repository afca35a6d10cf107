"""Makes converters/cli/tests/listen/open_wake_testset-audio-03.f32: probabilities of a head with known weights over openWakeWord's features, by ONNX Runtime.

python3 runtime/voice/tests/oracle/open_wake.py ../shared  (numpy, onnxruntime, soundfile)
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import soundfile

SHARED = Path(sys.argv[1])
OUT = Path(__file__).resolve().parents[4] / "converters/cli/tests/listen/open_wake_testset-audio-03.f32"


def session(name):
    model = ort.InferenceSession(SHARED / "models/wake" / name, providers=["CPUExecutionProvider"])
    return lambda x: model.run(None, {model.get_inputs()[0].name: x.astype(np.float32)})[0]


mel_model, embedding_model = session("melspectrogram_f32.onnx"), session("speech_embedding_f32.onnx")
weights = (np.sin(np.arange(1536)) * 0.03).astype(np.float32)
samples, rate = soundfile.read(SHARED / "data/vad15/testset-audio-03.wav", dtype="int16")
assert rate == 16000


def mel(x):
    return mel_model(x[None]).reshape(-1, 32) / 10 + 2


# Before the stream: silence in all buffers. The last second is the silence that the end of a stream is followed by.
heard = np.concatenate([np.zeros(480), samples.astype(np.float32), np.zeros(16000)])
frames = np.tile(mel(np.zeros(1760)), (10, 1))[-76:]
embeddings = np.tile(embedding_model(frames[None, :, :, None]).reshape(1, 96), (16, 1))
out = []
for at in range(0, len(heard) - 1760 + 1, 1280):
    frames = np.vstack([frames, mel(heard[at : at + 1760])])[-76:]
    embeddings = np.vstack([embeddings, embedding_model(frames[None, :, :, None]).reshape(1, 96)])[-16:]
    logit = embeddings.reshape(-1).astype(np.float32) @ weights
    out.append(0.0 if len(out) < 5 else 1 / (1 + np.exp(-logit)))
out = np.array(out[: len(samples) // 1280], "<f4")
OUT.write_bytes(out.tobytes())
print(f"{len(out)} probabilities from {out.min():.3f} to {out.max():.3f}")
