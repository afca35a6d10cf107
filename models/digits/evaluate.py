"""Measure digits.onnx with ONNX Runtime: on the bundled test windows and, where the recordings are given, on all of them.

    pip install numpy onnxruntime soundfile
    python models/digits/evaluate.py [FILE.onnx] [--fsdd FOLDER --shared FOLDER]
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np
import onnxruntime as ort

from model import UNKNOWN


def report(name, session, x, y):
    found = np.concatenate([session.run(None, {"log_mel": x[i : i + 100]})[0] for i in range(0, len(x), 100)]).argmax(1)
    right = lambda at: f"{100 * np.mean(found[at] == y[at]):.2f} % of {at.sum():,}"
    digits = y < UNKNOWN
    taken = 100 * np.mean(found[~digits] < UNKNOWN)
    print(f"{name}: {right(y >= 0)} right; digits {right(digits)}, other speech {right(y == UNKNOWN)}, noise {right(y > UNKNOWN)}; {taken:.2f} % of what is no digit is taken for one")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=HERE / "digits.onnx")
    parser.add_argument("--fsdd", type=Path)
    parser.add_argument("--shared", type=Path)
    options = parser.parse_args()
    session = ort.InferenceSession(str(options.model), providers=["CPUExecutionProvider"])
    bundled = np.load(HERE / "test.npz")
    report("bundled", session, bundled["x"], bundled["y"])
    if options.fsdd and options.shared:
        from data import test_set

        for noisy in (False, True):
            report("noisy" if noisy else "clean", session, *test_set(options.fsdd, options.shared, noisy))


if __name__ == "__main__":
    main()
