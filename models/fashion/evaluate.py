"""Measure fashion.onnx with ONNX Runtime: on the bundled test samples and, where installed, on all 10,000 test images.

    pip install numpy onnxruntime
    python models/fashion/evaluate.py [FILE.onnx]
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

import data

HERE = Path(__file__).resolve().parent


def accuracy(session, x, y):
    """Part of the images, in percent, whose largest logit is the right one."""
    name, parts = session.get_inputs()[0].name, range(0, len(x), 250)
    logits = np.concatenate([session.run(None, {name: x[i : i + 250]})[0] for i in parts])
    return 100 * float(np.mean(logits.argmax(1) == y))


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "fashion.onnx"
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    bundled = np.load(HERE / "test.npz")
    print(f"{accuracy(session, bundled['x'], bundled['y']):.2f} % of the {len(bundled['y']):,} bundled test images")
    if data.FOLDER.exists():
        x, y = data.load("t10k")
        print(f"{accuracy(session, x, y):.2f} % of all {len(y):,} test images")


if __name__ == "__main__":
    main()
