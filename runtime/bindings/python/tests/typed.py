"""Uses the package's types as a program does: checked by `mypy --strict`, never run."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import redpoll


def samples() -> Iterator[np.ndarray]:
    yield np.zeros((1, 28, 28), np.float32)


def classify(folder: Path, picture: np.ndarray) -> int:
    report = redpoll.convert(folder / "model.onnx", folder, calibrate=samples(), evaluate=(samples(), [0]), int8_io=True)
    assert report["int8"]
    session = redpoll.Session(folder / "model.plan", threads=2, tier=redpoll.tiers()[0], memory_limit=1 << 20)
    info: redpoll.TensorInfo = session.inputs[0]
    dims: list[int] = info.shape
    outputs: dict[str, np.ndarray] = session.run({info.name: picture.reshape(dims)}, copy=False)
    return int(next(iter(outputs.values())).argmax())


def swapped(model: bytes, picture: np.ndarray) -> np.ndarray:
    options = redpoll.SessionOptions()
    options.intra_op_num_threads = 2
    session = redpoll.InferenceSession(model, options, providers=["CPUExecutionProvider"], dims={"N": 1})
    name: str = session.get_inputs()[0].name
    first: np.ndarray = session.run(None, {name: picture})[0]
    return first


def refused(session: redpoll.Session) -> None:
    redpoll.Session(1)  # type: ignore[arg-type]
    session.run([1, 2, 3])  # type: ignore[arg-type]
    session.inputs = []  # type: ignore[misc]
    redpoll.convert("model.onnx")  # type: ignore[call-arg]
