"""A small convolutional network written down once as data: `training.py` builds the PyTorch module from it, `export.py` the ONNX graph.

Each convolution is followed by BatchNormalization and ReLU; the last of a residual stage adds the stage's input before its ReLU.
Then the global average over both axes, and a dense layer to the classes: logits, no softmax.
"""

from dataclasses import dataclass

BATCH_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Conv:
    """A convolution without bias, its BatchNormalization, and (unless it ends a residual stage) its ReLU."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    depthwise: bool = False

    @property
    def groups(self):
        return self.inputs if self.depthwise else 1

    @property
    def padding(self):
        return self.kernel // 2

    def size(self, side):
        """Length of the output along an axis of `side` values."""
        return (side + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class Stage:
    """Convolutions in a row; `residual` adds the input of the first to the output of the last."""

    convs: tuple
    residual: bool = False


def light(name, channels):
    """A residual stage of two depthwise-separable convolutions."""
    parts = ((f"{name}_{half}_{part}", part) for half in "ab" for part in ("depth", "point"))
    return Stage(tuple(Conv(n, channels, channels, depthwise=p == "depth", kernel=3 if p == "depth" else 1) for n, p in parts), residual=True)


@dataclass(frozen=True)
class Network:
    """`input`: the name; `shape`: (height, width), one channel; float32 [N, 1, height, width] → `logits` [N, classes]."""

    name: str
    input: str
    shape: tuple
    stages: tuple
    classes: tuple

    @property
    def features(self):
        return self.stages[-1].convs[-1].outputs

    def macs(self):
        """Multiply-accumulates of one sample."""
        total, (height, width) = self.features * len(self.classes), self.shape
        for stage in self.stages:
            for conv in stage.convs:
                height, width = conv.size(height), conv.size(width)
                total += height * width * conv.outputs * (conv.inputs // conv.groups) * conv.kernel**2
        return total
