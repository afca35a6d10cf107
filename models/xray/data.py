"""PneumoniaMNIST (MedMNIST, CC BY 4.0) from its .npz, the augmentation of training, and the samples bundled here."""

import numpy as np
import torch
from torch.nn import functional as F

CALIBRATION_SAMPLES = 128
SHIFT = 0.08  # of the width, each way
ANGLE = 8  # degrees
SCALE = 0.08


def load(path, part):
    """Images float32 [N, 1, 28, 28] in 0..1 and labels int64 [N] (1: pneumonia); `part` is "train", "val" or "test"."""
    with np.load(path) as arrays:
        return arrays[f"{part}_images"][:, None].astype(np.float32) / np.float32(255), arrays[f"{part}_labels"][:, 0].astype(np.int64)


def augmented(images, generator):
    """Each image shifted, turned and scaled a little, and its exposure changed. Not mirrored: hearts are on the left."""
    count = len(images)
    draw = lambda width: (2 * torch.rand(count, generator=generator) - 1) * width
    angle, scale = draw(ANGLE * np.pi / 180), 1 + draw(SCALE)
    across, down = 2 * draw(SHIFT), 2 * draw(SHIFT)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    grid = F.affine_grid(torch.stack([cos, -sin, across, sin, cos, down], 1).view(-1, 2, 3), images.shape, align_corners=False)
    moved = F.grid_sample(images, grid, align_corners=False)
    gamma, gain = (1 + draw(0.25))[:, None, None, None], (1 + draw(0.15))[:, None, None, None]
    return (moved.clamp(0, 1) ** gamma * gain).clamp(0, 1)


def bundle(folder, train, test):
    """Write calibrate.npz (128 training images, evenly spread) and test.npz (all 624 test images) beside the model."""
    x, y = train
    at = [i * len(x) // CALIBRATION_SAMPLES for i in range(CALIBRATION_SAMPLES)]
    np.savez_compressed(folder / "calibrate.npz", x=x[at], y=y[at])
    np.savez_compressed(folder / "test.npz", x=test[0], y=test[1])
