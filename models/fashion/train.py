"""Train the Fashion-MNIST model and write fashion.onnx, calibrate.npz and test.npz beside this file.

    apt-get install dataset-fashion-mnist
    pip install -r models/fashion/requirements.txt
    python models/fashion/train.py

About ten minutes on one core. Seeds are fixed and nothing looks at the test images before the last line; another
version of PyTorch, or another CPU, sums in another order and lands a few hundredths of a point elsewhere.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

import data
import export
from network import BATCH_NORM_EPSILON, CLASSES, FEATURES, STAGES, macs

SEED = 20
BATCH = 128
PEAK_LEARNING_RATE = 0.2
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
LABEL_SMOOTHING = 0.05
SHIFT = 2  # pixels, each way


class ConvNorm(nn.Module):
    """A convolution and its BatchNormalization; the ReLU is applied outside, after the residual if there is one."""

    def __init__(self, conv):
        super().__init__()
        self.conv = nn.Conv2d(conv.inputs, conv.outputs, conv.kernel, conv.stride, conv.padding, groups=conv.groups, bias=False)
        self.norm = nn.BatchNorm2d(conv.outputs, eps=BATCH_NORM_EPSILON)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.norm(self.conv(x))


class Network(nn.Module):
    """`network.STAGES` as a PyTorch module: [N, 1, 28, 28] → [N, 10]."""

    def __init__(self):
        super().__init__()
        for stage in STAGES:
            for conv in stage.convs:
                self.add_module(conv.name, ConvNorm(conv))
        self.fc = nn.Linear(FEATURES, len(CLASSES))

    def forward(self, x):
        for stage in STAGES:
            entry = x
            for conv in stage.convs:
                x = getattr(self, conv.name)(x)
                if stage.residual and conv is stage.convs[-1]:
                    x = x + entry
                x = F.relu(x)
        return self.fc(x.mean((2, 3)))


def augment(images, generator):
    """Each image shifted by up to SHIFT pixels each way (black comes in) and mirrored half of the time."""
    count, side = len(images), images.shape[-1]
    padded = F.pad(images[:, 0], (SHIFT,) * 4)
    rows = torch.randint(2 * SHIFT + 1, (count, 1), generator=generator) + torch.arange(side)
    columns = torch.randint(2 * SHIFT + 1, (count, 1), generator=generator) + torch.arange(side)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    at = torch.arange(count)[:, None, None]
    return padded[at, rows[:, :, None], columns[:, None, :]][:, None]


def accuracy(network, images, labels):
    """Part of the images whose largest logit is the right one."""
    network.eval()
    with torch.no_grad():
        right = sum((network(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    network.train()
    return right / len(labels)


def train(images, labels, epochs):
    """SGD with Nesterov momentum and a one-cycle learning rate; the network after the last step, no picking of epochs."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    network = Network()
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=PEAK_LEARNING_RATE, momentum=MOMENTUM, nesterov=True)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, total_steps=epochs * steps, pct_start=0.25, cycle_momentum=False)
    for epoch in range(epochs):
        start, losses = time.time(), 0.0
        order = torch.randperm(len(images), generator=generator)
        for step in range(steps):
            at = order[step * BATCH : (step + 1) * BATCH]
            loss = F.cross_entropy(network(augment(images[at], generator)), labels[at], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {losses / steps:.4f}, {time.time() - start:.0f} s", flush=True)
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data.FOLDER, help="folder of the Debian package's four files")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, help="folder to write")
    options = parser.parse_args()

    torch.set_num_threads(1)
    train_set, test_set = data.load("train", options.data), data.load("t10k", options.data)
    data.bundle(options.out, train_set, test_set)
    print(f"{macs():,} MACs an image")
    network = train(*(torch.from_numpy(np.array(a)) for a in train_set), options.epochs)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    onnx.save(export.build(weights), options.out / "fashion.onnx")
    print(f"test accuracy {100 * accuracy(network, *(torch.from_numpy(np.array(a)) for a in test_set)):.2f} %")


if __name__ == "__main__":
    main()
