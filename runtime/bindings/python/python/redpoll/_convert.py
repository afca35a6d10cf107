"""The converter, with samples from files or from Python."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np

from . import _native

Sample = Union[np.ndarray, Mapping[str, np.ndarray]]
Samples = Union[str, "os.PathLike[str]", Iterable[Sample], tuple[Iterable[Sample], Iterable[int]]]
# Samples beyond this add nothing to a calibration; the converter picks at most 128.
_MOST_SAMPLES = 4096


def convert(
    model: Union[str, "os.PathLike[str]"],
    output: Union[str, "os.PathLike[str]"],
    *,
    calibrate: Optional[Samples] = None,
    evaluate: Optional[Samples] = None,
    dims: Optional[Mapping[str, int]] = None,
    keep_float: Iterable[str] = (),
    int8_io: bool = False,
    progress: Optional[Callable[[str, int, int], Any]] = None,
) -> dict[str, Any]:
    """Converts a trained ONNX model to int8 ONNX and a plan in the folder ``output``; returns the report.

    ``calibrate`` and ``evaluate`` are a path (``.npz``, folder of ``.npy``, folder of images), or an iterable of samples: each an array
    for a model of one input, or a mapping from input names to arrays, without a batch dimension of several samples.
    ``evaluate`` may also be ``(samples, labels)``. Without ``calibrate`` the plan stays as the model is.
    """
    with tempfile.TemporaryDirectory(prefix="redpoll-") as folder:
        report = _native.convert(
            Path(model),
            Path(output),
            calibrate=_path(calibrate, Path(folder, "calibrate.npz")),
            evaluate=_path(evaluate, Path(folder, "evaluate.npz")),
            dims=dict(dims) if dims else None,
            keep_float=list(keep_float),
            int8_io=int8_io,
            progress=progress,
        )
    told: dict[str, Any] = json.loads(report)
    return told


def _path(samples: Optional[Samples], file: Path) -> Optional[Path]:
    """A path as it is; samples written to ``file``."""
    if samples is None:
        return None
    if isinstance(samples, (str, os.PathLike)):
        return Path(samples)
    given: Iterable[Any] = samples
    labels: Any = None
    if isinstance(samples, tuple) and len(samples) == 2:
        given, labels = samples
    taken: list[dict[str, np.ndarray]] = []
    for sample in given:
        if len(taken) == _MOST_SAMPLES:
            raise ValueError(f"more than {_MOST_SAMPLES} samples: give a file instead")
        if not isinstance(sample, (np.ndarray, Mapping)):
            raise TypeError(f"a sample is an array or a mapping from names to arrays, not {type(sample).__name__}")
        taken.append({"x": sample} if isinstance(sample, np.ndarray) else dict(sample))
        if taken[-1].keys() != taken[0].keys():
            raise ValueError(f"sample {len(taken) - 1} has {list(taken[-1])}, sample 0 has {list(taken[0])}")
    if not taken:
        raise ValueError("no samples")
    arrays = {name: np.stack([_one(s[name]) for s in taken]) for name in taken[0]}
    if labels is not None:
        arrays["y"] = np.asarray(labels, dtype=np.int64)
        if len(arrays["y"]) != len(taken):
            raise ValueError(f"{len(taken)} samples but {len(arrays['y'])} labels")
    # Not np.savez, whose own arguments no input could be called.
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as out:
                np.lib.format.write_array(out, array, allow_pickle=False)
    return file


def _one(array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    return array.astype(np.float32) if array.dtype == np.float64 else array
