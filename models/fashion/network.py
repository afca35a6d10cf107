"""The network, written down once as data: `train.py` builds the PyTorch module from it, `export.py` the ONNX graph.

Input `image`: float32 [N, 1, 28, 28], pixels / 255. No mean is taken off: the first BatchNormalization learns it.
Output `logits`: float32 [N, 10]; the larger, the likelier; softmax is left to whoever wants probabilities.

| stage  | size     | what                                                                        |
|--------|----------|-----------------------------------------------------------------------------|
| stem   | 28×28×16 | 3×3 convolution                                                             |
| down1  | 14×14×32 | 3×3 convolution, stride 2                                                   |
| light  | 14×14×32 | residual: depthwise 3×3, 1×1, depthwise 3×3, 1×1                            |
| down2  | 7×7×48   | 3×3 convolution, stride 2                                                   |
| full   | 7×7×48   | residual: 3×3 convolution, 3×3 convolution                                  |
| widen  | 7×7×96   | 1×1 convolution                                                             |
| pool   | 96       | global average                                                              |
| fc     | 10       | dense                                                                       |

Each convolution is followed by BatchNormalization and ReLU; the last of a residual stage adds the stage's input before its ReLU.
"""

from dataclasses import dataclass

SIDE = 28
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
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

    def macs(self, side):
        """Multiply-accumulates for an input of side×side pixels, and the side of the output."""
        side = (side + 2 * self.padding - self.kernel) // self.stride + 1
        return side * side * self.outputs * (self.inputs // self.groups) * self.kernel**2, side


@dataclass(frozen=True)
class Stage:
    """Convolutions in a row; `residual` adds the input of the first to the output of the last."""

    convs: tuple
    residual: bool = False


STAGES = (
    Stage((Conv("stem", 1, 16),)),
    Stage((Conv("down1", 16, 32, stride=2),)),
    Stage(
        (
            Conv("light_a_depth", 32, 32, depthwise=True),
            Conv("light_a_point", 32, 32, kernel=1),
            Conv("light_b_depth", 32, 32, depthwise=True),
            Conv("light_b_point", 32, 32, kernel=1),
        ),
        residual=True,
    ),
    Stage((Conv("down2", 32, 48, stride=2),)),
    Stage((Conv("full_a", 48, 48), Conv("full_b", 48, 48)), residual=True),
    Stage((Conv("widen", 48, 96, kernel=1),)),
)
FEATURES = STAGES[-1].convs[-1].outputs


def macs():
    """Multiply-accumulates of one image."""
    total, side = FEATURES * len(CLASSES), SIDE
    for stage in STAGES:
        for conv in stage.convs:
            more, side = conv.macs(side)
            total += more
    return total
