"""The network. Input `image`: float32 [N, 1, 28, 28], pixels / 255. No mean is taken off: the first BatchNormalization learns it.

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
"""

from recipe.network import Conv, Network, Stage, light

SIDE = 28
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
NETWORK = Network(
    "fashion",
    "image",
    (SIDE, SIDE),
    (
        Stage((Conv("stem", 1, 16),)),
        Stage((Conv("down1", 16, 32, stride=2),)),
        light("light", 32),
        Stage((Conv("down2", 32, 48, stride=2),)),
        Stage((Conv("full_a", 48, 48), Conv("full_b", 48, 48)), residual=True),
        Stage((Conv("widen", 48, 96, kernel=1),)),
    ),
    CLASSES,
)
