"""Train the chest X-ray model and write xray.onnx, calibrate.npz and test.npz beside this file.

    pip install -r models/xray/requirements.txt
    python models/xray/train.py --data pneumoniamnist.npz

A few minutes on one core. Seeds are fixed and nothing looks at the test images before the last line.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import onnx
import torch

import data
from measure import line, report
from model import NETWORK
from recipe import export, training

SEED = 5
PEAK_LEARNING_RATE = 0.1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="pneumoniamnist.npz")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write")
    parser.add_argument("--validate", action="store_true", help="measure on the validation images, write nothing")
    options = parser.parse_args()

    torch.set_num_threads(1)
    images, labels = (torch.from_numpy(a) for a in data.load(options.data, "train"))
    # Pneumonia is nine times as frequent among the training images as health is: both shall count the same.
    counts = torch.bincount(labels).float()
    print(f"{NETWORK.macs():,} MACs an image; {counts.tolist()} training images a class")
    epoch = lambda generator: (data.augmented(images, generator), labels)
    module = training.train(NETWORK, epoch, options.epochs, seed=SEED, peak=PEAK_LEARNING_RATE, weights=counts.sum() / (2 * counts))
    # Where to draw the line is read off the validation images: as many of the ill found as of the healthy let go.
    x, y = data.load(options.data, "val")
    logits = training.logits(module, torch.from_numpy(x)).numpy()
    module.fc.bias.data[1] -= line(logits, y)
    report("before the line is drawn, val", logits, y)
    part = "val" if options.validate else "test"
    x, y = data.load(options.data, part)
    if not options.validate:
        weights = {name: value.numpy() for name, value in module.state_dict().items()}
        onnx.save(export.build(NETWORK, weights), options.out / "xray.onnx")
        data.bundle(options.out, data.load(options.data, "train"), (x, y))
    report(part, training.logits(module, torch.from_numpy(x)).numpy(), y)


if __name__ == "__main__":
    main()
