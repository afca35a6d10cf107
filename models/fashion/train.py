"""Train the Fashion-MNIST model and write fashion.onnx, calibrate.npz and test.npz beside this file.

    apt-get install dataset-fashion-mnist
    pip install -r models/fashion/requirements.txt
    python models/fashion/train.py

About ten minutes on one core. Seeds are fixed and nothing looks at the test images before the last line; another
version of PyTorch, or another CPU, sums in another order and lands a few hundredths of a point elsewhere.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np
import onnx
import torch
from torch.nn import functional as F

import data
from model import NETWORK
from recipe import export, training

SEED = 20
PEAK_LEARNING_RATE = 0.2
SHIFT = 2  # pixels, each way


def augmented(images, generator):
    """Each image shifted by up to SHIFT pixels each way (black comes in) and mirrored half of the time."""
    count, side = len(images), images.shape[-1]
    padded = F.pad(images[:, 0], (SHIFT,) * 4)
    rows = torch.randint(2 * SHIFT + 1, (count, 1), generator=generator) + torch.arange(side)
    columns = torch.randint(2 * SHIFT + 1, (count, 1), generator=generator) + torch.arange(side)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    at = torch.arange(count)[:, None, None]
    return padded[at, rows[:, :, None], columns[:, None, :]][:, None]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data.FOLDER, help="folder of the Debian package's four files")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write")
    options = parser.parse_args()

    torch.set_num_threads(1)
    train_set, test_set = data.load("train", options.data), data.load("t10k", options.data)
    data.bundle(options.out, train_set, test_set)
    print(f"{NETWORK.macs():,} MACs an image")
    images, labels = (torch.from_numpy(np.array(a)) for a in train_set)
    epoch = lambda generator: (torch.cat([augmented(part, generator) for part in images.split(1000)]), labels)
    module = training.train(NETWORK, epoch, options.epochs, seed=SEED, peak=PEAK_LEARNING_RATE)
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    onnx.save(export.build(NETWORK, weights), options.out / "fashion.onnx")
    print(f"test accuracy {100 * training.accuracy(module, *(torch.from_numpy(np.array(a)) for a in test_set)):.2f} %")


if __name__ == "__main__":
    main()
