"""Measure xray.onnx with ONNX Runtime on the bundled test images.

    pip install numpy onnxruntime
    python models/xray/evaluate.py [FILE.onnx]
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

from measure import report

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "xray.onnx"
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    test = np.load(HERE / "test.npz")
    report(path.name, session.run(None, {session.get_inputs()[0].name: test["x"]})[0], test["y"])
