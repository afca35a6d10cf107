"""The native half of the package."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

import numpy as np

__version__: str

class RedpollError(RuntimeError):
    """A model or plan that cannot be used, or a run that failed."""

class TensorInfo:
    """An input or output."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> list[int]: ...
    @property
    def scale(self) -> float: ...
    @property
    def zero_point(self) -> int: ...

class Session:
    """A loaded plan. Threads may share it: runs wait for one another with the interpreter released."""

    def __init__(
        self,
        plan: Union[str, bytes, os.PathLike[str]],
        *,
        threads: int = 1,
        tier: Optional[str] = None,
        memory_limit: Optional[int] = None,
    ) -> None: ...
    @property
    def inputs(self) -> list[TensorInfo]: ...
    @property
    def outputs(self) -> list[TensorInfo]: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def tier(self) -> str: ...
    @property
    def threads(self) -> int: ...
    def run(self, inputs: dict[str, np.ndarray], *, copy: bool = True) -> dict[str, np.ndarray]:
        """Runs once. With ``copy=False`` the arrays are the session's own memory, read-only, valid until its next run."""

def tiers() -> list[str]: ...
def compile(model: Union[str, os.PathLike[str]], *, dims: Optional[dict[str, int]] = None) -> bytes: ...
def convert(
    model: os.PathLike[str],
    output: os.PathLike[str],
    *,
    calibrate: Optional[os.PathLike[str]] = None,
    evaluate: Optional[os.PathLike[str]] = None,
    dims: Optional[dict[str, int]] = None,
    keep_float: Optional[Sequence[str]] = None,
    int8_io: bool = False,
    progress: Optional[Callable[[str, int, int], Any]] = None,
) -> str: ...
