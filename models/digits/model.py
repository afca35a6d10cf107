"""The network of spoken digits. Input `log_mel`: float32 [N, 1, 61, 32], log-mel of `frontend.py`, time first.

Output `logits`: float32 [N, 12]: the ten digits, `unknown` (speech that is no digit) and `noise` (no speech).
"""

import frontend
from recipe.network import Conv, Network, Stage, light

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CLASSES = (*DIGITS, "unknown", "noise")
UNKNOWN, NOISE = 10, 11

NETWORK = Network(
    "digits",
    "log_mel",
    (frontend.FRAMES, frontend.BANDS),
    (
        Stage((Conv("stem", 1, 32, stride=2),)),
        light("light1", 32),
        Stage((Conv("down2", 32, 64, stride=2),)),
        light("light2", 64),
        Stage((Conv("down3_depth", 64, 64, stride=2, depthwise=True), Conv("down3_point", 64, 96, kernel=1))),
        light("light3", 96),
    ),
    CLASSES,
)
