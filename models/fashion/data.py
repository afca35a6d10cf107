"""Fashion-MNIST as the Debian package dataset-fashion-mnist installs it (MIT licence), and the samples bundled here."""

import gzip
from pathlib import Path

import numpy as np

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CALIBRATION_SAMPLES = 128
TEST_SAMPLES = 1000


def load(part, folder=FOLDER):
    """Images float32 [N, 1, 28, 28] in 0..1 and labels int64 [N]; `part` is "train" (60,000) or "t10k" (10,000)."""

    def read(kind, header):
        path = folder / f"{part}-{kind}-ubyte.gz"
        if not path.exists():
            raise SystemExit(f"{path} is missing: apt-get install dataset-fashion-mnist, or name its folder with --data")
        return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)

    images = read("images-idx3", 16).reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    return images, read("labels-idx1", 8).astype(np.int64)


def spread(count, taken):
    """`taken` positions evenly spread over 0..count: the same on every machine, no chance in it."""
    return [i * count // taken for i in range(taken)]


def bundle(folder, train, test):
    """Write calibrate.npz (from the training images) and test.npz (from the test images) beside the model."""
    x, y = train
    at = spread(len(x), CALIBRATION_SAMPLES)
    np.savez_compressed(folder / "calibrate.npz", x=x[at], y=y[at])
    x, y = test
    at = spread(len(x), TEST_SAMPLES)
    np.savez_compressed(folder / "test.npz", x=x[at], y=y[at])
