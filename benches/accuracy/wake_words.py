"""Hears the clips of a wake word, and speech and noise without it, with `redpoll listen` and with pymicro-wakeword, and compares.

    cargo build --release -p redpoll-cli
    python benches/accuracy/wake_words.py --shared ../shared [--redpoll target/release/redpoll] [--json FILE]

Needs pymicro-wakeword 2.5.0 and soundfile. Both get the same 16-bit samples of 16 kHz; the model is the one that pymicro-wakeword
carries, which is the shared folder's. Clips that libsndfile cannot decode are counted and left out.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import soundfile
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

STEP = 320  # bytes of 10 ms


def theirs(samples):
    """Places, in seconds, where pymicro-wakeword hears the word."""
    word, features = MicroWakeWord.from_builtin(Model.ALEXA), MicroWakeWordFeatures()
    raw, heard = samples.tobytes(), []
    for at in range(0, len(raw) - STEP + 1, STEP):
        for found in features.process_streaming(raw[at : at + STEP]):
            if word.process_streaming(found):
                heard.append((at + STEP) / 32000)
    word.close()
    return heard


def ours(redpoll, model, wav):
    """Places where `redpoll listen` hears it."""
    command = [redpoll, "listen", str(wav), "--task", "wake", "--model", str(model), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [e["t"] for e in events if e["event"] == "wake"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    parser.add_argument("--redpoll", default="target/release/redpoll")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    data = args.shared / "data"
    model = args.shared / "models/wake/mww_alexa_int8.tflite"
    sets = {
        "the word": sorted((data / "wake/alexa").iterdir()),
        "speech and noise": sorted((data / "librispeech40").glob("*.flac")) + sorted((data / "noise").glob("*.wav")),
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        wav = pathlib.Path(folder) / "clip.wav"
        for kind, files in sets.items():
            row = {"clips": kind, "files": len(files), "decoded": 0, "redpoll": 0, "pymicro_wakeword": 0, "the_same": 0, "seconds_apart": 0.0, "heard": [], "not_decoded": []}
            for file in files:
                try:
                    samples, rate = soundfile.read(file, dtype="int16")
                except soundfile.LibsndfileError:
                    row["not_decoded"].append(file.name)
                    continue
                if rate != 16000 or samples.ndim != 1:
                    continue
                soundfile.write(wav, samples, rate, subtype="PCM_16")
                a, b = ours(args.redpoll, model, wav), theirs(samples)
                row["decoded"] += 1
                row["redpoll"] += bool(a)
                row["pymicro_wakeword"] += bool(b)
                row["heard"] += [file.name] * bool(b)
                row["the_same"] += bool(a) == bool(b)
                if a and b:
                    row["seconds_apart"] = max(row["seconds_apart"], round(abs(a[0] - b[0]), 3))
            rows.append(row)
            print({k: v for k, v in row.items() if k != "heard"}, flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
