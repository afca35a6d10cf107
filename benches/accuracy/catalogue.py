"""The models of the accuracy bench: which file, which input, and how many samples calibrate.

`prepare.py` writes the samples of each, `ort_baseline.py` measures ONNX Runtime's quantiser on them; both look here,
so that a model is described once.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Model:
    """One model of the bench.

    name:       the folder of its samples, DIR/name
    path:       the float ONNX; relative to the shared folder, or to the repository where `own` is set
    calibrate:  how many samples choose the ranges; all the others of the source are for evaluation
    """

    name: str
    path: str
    calibrate: int
    own: bool = False

    def file(self, shared: Path, repository: Path) -> Path:
        """Where the float ONNX lies."""
        return (repository if self.own else shared) / self.path


MODELS = [
    Model("tiny_kws", "models/kws/tiny_kws_f32.onnx", calibrate=100),
    Model("tiny_ic_resnet8", "models/vision/tiny_ic_resnet8_f32.onnx", calibrate=128),
    Model("tiny_vww", "models/vision/tiny_vww_f32.onnx", calibrate=96),
    Model("mobilenet_v2", "models/vision/mobilenet_v2_f32.onnx", calibrate=128),
    Model("efficientnet_lite0", "models/vision/efficientnet_lite0_f32.onnx", calibrate=128),
    Model("mobilenet_v1_025", "models/vision/mobilenet_v1_025_f32.onnx", calibrate=128),
    Model("fashion", "models/fashion/fashion.onnx", calibrate=128, own=True),
]

REPOSITORY = Path(__file__).resolve().parents[2]


def chosen(names):
    """The models named, in the order of the catalogue; all of them for an empty list."""
    unknown = set(names) - {m.name for m in MODELS}
    if unknown:
        raise SystemExit(f"no such model: {', '.join(sorted(unknown))}; known: {', '.join(m.name for m in MODELS)}")
    return [m for m in MODELS if not names or m.name in names]
