"""Measures `redpoll listen` on the shared recordings and prints the rows of docs/results.md.

python3 runtime/voice/tests/oracle/figures.py target/release/redpoll ../shared  (Python 3.9, standard library only)
"""

import json
import subprocess
import sys
from pathlib import Path

REDPOLL, SHARED = sys.argv[1], Path(sys.argv[2])
DATA, MODELS = SHARED / "data", SHARED / "models"


def listen(file, task, model, *more):
    command = [REDPOLL, "listen", str(file), "--task", task, "--model", str(model), "--json", "--time", *more]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None
    return [json.loads(line) for line in done.stdout.splitlines()]


def auc(scores):
    """Of (score, label) pairs, ties count half."""
    scores = sorted(scores)
    below = rank_sum = i = 0
    positives = sum(label for _, label in scores)
    while i < len(scores):
        j = i
        while j < len(scores) and scores[j][0] == scores[i][0]:
            j += 1
        rank_sum += sum(label for _, label in scores[i:j]) * (i + 1 + j) / 2
        i = j
    negatives = len(scores) - positives
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def vad(model):
    scores, busy, length = [], 0, 0
    for wav in sorted((DATA / "vad15").glob("*.wav")):
        fields = wav.with_suffix(".scv").read_text().strip().split(",")[1:]
        parts = [(float(fields[i]), float(fields[i + 1]), int(fields[i + 2])) for i in range(0, len(fields) - 2, 3)]
        for event in listen(wav, "vad", model, "--probabilities"):
            if event["event"] == "probability":
                middle = event["t"] - 0.016
                label = [speech for start, end, speech in parts if start <= middle < end]
                scores += [(event["probability"], speech) for speech in label[:1]]
            elif event["event"] == "time":
                busy, length = busy + event["seconds"], length + event["audio_seconds"]
    print(f"| vad15: {len(scores)} labelled frames of 32 ms | {model.stem} | AUC {auc(scores):.4f}, {busy / length:.5f} of real time |")


def wake(model, words, others):
    heard = tried = skipped = false = 0
    busy = length = 0
    for file in words:
        events = listen(file, "wake", model)
        if events is None:
            skipped += 1
            continue
        tried += 1
        heard += any(e["event"] == "wake" for e in events)
    for file in others:
        events = listen(file, "wake", model)
        false += sum(e["event"] == "wake" for e in events)
        busy, length = busy + events[-1]["seconds"], length + events[-1]["audio_seconds"]
    print(f"| wake word: {tried} clips, {skipped} undecodable | {model.stem} | {heard} heard; {false} false in {length / 60:.1f} minutes of speech and noise; {busy / length:.5f} of real time |")


for name in ("silero_vad_16k_op15_f32", "silero_vad_16k_sequence_f32", "silero_vad_op18_f32"):
    vad(MODELS / "vad" / f"{name}.onnx")
others = sorted((DATA / "librispeech40").glob("*.flac")) + sorted((DATA / "noise").glob("*.wav"))
for word, name in (("alexa", "mww_alexa_int8"), ("jarvis", "mww_hey_jarvis_int8")):
    wake(MODELS / "wake" / f"{name}.tflite", sorted((DATA / "wake" / word).iterdir()), others)
