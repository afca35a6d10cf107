"""ONNX Runtime's names over a Redpoll session: what means the same is called the same."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from . import _native

_TYPES = {
    "float32": "tensor(float)",
    "float16": "tensor(float16)",
    "int8": "tensor(int8)",
    "uint8": "tensor(uint8)",
    "int32": "tensor(int32)",
    "int64": "tensor(int64)",
    "bool": "tensor(bool)",
}
_PROVIDER = "CPUExecutionProvider"
# What a plan's bytes begin with.
_PLAN = b"RedPoll\0"


def get_available_providers() -> list[str]:
    """What can compute here."""
    return [_PROVIDER]


class SessionOptions:
    """Choices for a session."""

    def __init__(self) -> None:
        #: Threads that compute; 0 means 1.
        self.intra_op_num_threads = 1


class NodeArg:
    """An input or output: ``name``, ``shape`` and ``type``."""

    def __init__(self, info: _native.TensorInfo) -> None:
        self.name: str = info.name
        self.shape: list[int] = list(info.shape)
        self.type: str = _TYPES[info.dtype]

    def __repr__(self) -> str:
        return f"NodeArg(name={self.name!r}, type={self.type!r}, shape={self.shape})"


class InferenceSession:
    """A plan, or an ONNX or TFLite file that is compiled when it is opened (a float model stays float). Bytes are a plan's or an
    ONNX file's.

    ``dims`` gives sizes of symbolic dimensions of a model.
    """

    def __init__(
        self,
        path_or_bytes: Union[str, bytes, "os.PathLike[str]"],
        sess_options: Optional[SessionOptions] = None,
        providers: Optional[Sequence[Any]] = None,
        *,
        dims: Optional[Mapping[str, int]] = None,
    ) -> None:
        for provider in providers or ():
            name = provider[0] if isinstance(provider, tuple) else provider
            if name != _PROVIDER:
                raise ValueError(f"there is no provider {name!r}; there is: {_PROVIDER}")
        threads = max(1, sess_options.intra_op_num_threads) if sess_options else 1
        self._session = _native.Session(_plan(path_or_bytes, dims), threads=threads)

    def get_inputs(self) -> list[NodeArg]:
        """The inputs, in the model's order."""
        return [NodeArg(info) for info in self._session.inputs]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, in the model's order."""
        return [NodeArg(info) for info in self._session.outputs]

    def get_providers(self) -> list[str]:
        """What computes."""
        return [_PROVIDER]

    def run(
        self,
        output_names: Optional[Sequence[str]],
        input_feed: Mapping[str, np.ndarray],
        run_options: None = None,
    ) -> list[np.ndarray]:
        """Runs once; returns the outputs named, or all of them."""
        del run_options
        outputs = self._session.run({k: np.ascontiguousarray(v) for k, v in input_feed.items()})
        if not output_names:
            return list(outputs.values())
        missing = [name for name in output_names if name not in outputs]
        if missing:
            raise ValueError(f"there is no output {missing[0]!r}; there are: {', '.join(outputs)}")
        return [outputs[name] for name in output_names]


def _plan(
    model: Union[str, bytes, "os.PathLike[str]"], dims: Optional[Mapping[str, int]]
) -> Union[str, bytes, "os.PathLike[str]"]:
    """A plan as it is; a model compiled."""
    sizes = dict(dims) if dims else None
    if isinstance(model, bytes):
        if model.startswith(_PLAN):
            return model
        with tempfile.TemporaryDirectory(prefix="redpoll-") as folder:
            file = os.path.join(folder, "model.onnx")
            with open(file, "wb") as out:
                out.write(model)
            try:
                return _native.compile(file, dims=sizes)
            except OSError as e:
                why = str(e).replace(file, "the bytes are neither a plan nor an ONNX file")
                raise _native.RedpollError(why) from None
    if os.fspath(model).endswith((".onnx", ".tflite")):
        return _native.compile(model, dims=sizes)
    return model
