"""The chest X-ray network. Input `image`: float32 [N, 1, 28, 28], pixels / 255. Output `logits`: float32 [N, 2], `normal` and `pneumonia`."""

from recipe.network import Conv, Network, Stage, light

SIDE = 28
CLASSES = ("normal", "pneumonia")
NETWORK = Network(
    "xray",
    "image",
    (SIDE, SIDE),
    (
        Stage((Conv("stem", 1, 24),)),
        Stage((Conv("down1", 24, 32, stride=2),)),
        light("light1", 32),
        Stage((Conv("down2", 32, 64, stride=2),)),
        light("light2", 64),
        Stage((Conv("down3_depth", 64, 64, stride=2, depthwise=True), Conv("down3_point", 64, 96, kernel=1))),
    ),
    CLASSES,
)
