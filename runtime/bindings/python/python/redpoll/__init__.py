"""On-device inference: the same bits everywhere, memory known before it runs.

>>> import redpoll
>>> session = redpoll.Session("model.plan")
>>> scores = session.run({"image": image})["logits"]

``convert`` turns a trained ONNX model into int8 and a plan. ``InferenceSession`` has the names of ONNX Runtime's class, for
programs that already use that one.
"""

from ._convert import convert
from ._native import RedpollError, Session, TensorInfo, __version__, compile, tiers
from ._onnxruntime import InferenceSession, NodeArg, SessionOptions, get_available_providers

__all__ = [
    "InferenceSession",
    "NodeArg",
    "RedpollError",
    "Session",
    "SessionOptions",
    "TensorInfo",
    "__version__",
    "compile",
    "convert",
    "get_available_providers",
    "tiers",
]
