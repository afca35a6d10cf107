"""Train the spoken-digit model and write digits.onnx, calibrate.npz, test.npz and sample.wav beside this file.

    apt-get install espeak-ng flite asterisk-core-sounds-en-wav
    pip install -r models/digits/requirements.txt
    python models/digits/train.py --fsdd FOLDER --shared FOLDER

FSDD is the folder of recordings of the Free Spoken Digit Dataset; the other folder holds librispeech40, wake and noise (see card.md).
About ten minutes on one core. Seeds are fixed; nothing looks at the test speakers before the last lines.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import onnx
import torch

import data
from model import CLASSES, NETWORK, UNKNOWN
from recipe import export, training

SEED = 8
PEAK_LEARNING_RATE = 0.2


def tell(name, module, x, y):
    found = training.logits(module, torch.from_numpy(x)).argmax(1).numpy()
    parts = {"digits": y < UNKNOWN, "unknown": y == UNKNOWN, "noise": y > UNKNOWN}
    print(name, {k: f"{100 * (found[at] == y[at]).mean():.2f} % of {at.sum()}" for k, at in parts.items() if at.any()}, f"all {100 * (found == y).mean():.2f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fsdd", type=Path, required=True)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--without", help="hold a training speaker out and measure on it, write nothing")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write")
    options = parser.parse_args()

    torch.set_num_threads(1)
    clips = data.Training(options.fsdd, options.shared, SEED, options.without)
    print(f"{NETWORK.macs():,} MACs a window, classes {CLASSES}")
    module = training.train(NETWORK, clips.epoch, options.epochs, seed=SEED, peak=PEAK_LEARNING_RATE)
    if options.without:
        tell(options.without, module, *data.windows(clips.held_out, clips.noises, 5, 0.0))
        tell(f"{options.without}, noisy", module, *data.windows(clips.held_out, clips.noises, 5, 1.0))
        return
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    model = export.build(NETWORK, weights)
    # Programs name the classes by this: a line a class. The converter hands it on to int8 models and plans.
    onnx.helper.set_model_props(model, {"labels": "\n".join(CLASSES)})
    onnx.save(model, options.out / "digits.onnx")
    clean, noisy = (data.test_set(options.fsdd, options.shared, n) for n in (False, True))
    data.bundle(options.out, clips, noisy, data.sample(options.fsdd, options.shared))
    tell("test speakers", module, *clean)
    tell("test speakers, noisy", module, *noisy)


if __name__ == "__main__":
    main()
