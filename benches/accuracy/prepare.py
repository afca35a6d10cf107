"""Write the calibration and evaluation samples of every model of the accuracy bench as .npz files.

Every quantiser under comparison reads these very files, so none sees other samples or other preprocessing:

    python benches/accuracy/prepare.py --shared ../shared --out out/acc
    redpoll convert MODEL.onnx --calibrate out/acc/NAME/calibrate.npz --evaluate out/acc/NAME/evaluate.npz -o OUT

Each DIR/NAME/{calibrate,evaluate}.npz holds `x`, float32 in the layout and range that the model takes, samples first,
and `y`, int64, the index of the right output (calibrate.npz of tiny_vww has none: its images carry no such label).
Which sample went where is decided by position alone, without chance, and written to DIR/splits.json.

The files are plain, not compressed: floats do not shrink, and they load at the speed of the disk.
About 1 GB in all, nearly all of it the three ImageNet models.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from catalogue import REPOSITORY, chosen

# Scale and zero point of the input of shared/models/kws/tiny_kws_int8.tflite (tensor input_1): the features were
# published as the int8 numbers which that model takes, and the float model wants the real ones.
KWS_SCALE = np.float32(0.5847029089927673)
KWS_ZERO_POINT = 83

VWW_SIDE = 96
# A person counts where one box covers more of the image than this, as in the data set's own definition.
VWW_PERSON_AREA = 0.005

IMAGENET_SIDE = 224
IMAGENET_KEPT = 0.875  # side of the central square that becomes the input, as a part of the short side
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


def spread(count, taken):
    """`taken` positions evenly spread over 0..count, and the positions left: sources sorted by class stay mixed."""
    inside = [i * count // taken for i in range(taken)]
    return inside, sorted(set(range(count)) - set(inside))


def image_files(folder):
    return sorted(folder.glob("*.jpg"))


def central_square(path):
    """The central 87.5 % square of an image as 224×224×3 numbers 0..255, bilinear with antialiasing."""
    image = Image.open(path).convert("RGB")
    width, height = image.size
    side = min(width, height) * IMAGENET_KEPT
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    image = image.resize((IMAGENET_SIDE, IMAGENET_SIDE), Image.Resampling.BILINEAR, box=box)
    return np.asarray(image, np.float32)


def stretched(path, side):
    """A whole image as side×side×3 numbers 0..255, bilinear with antialiasing, its shape not kept."""
    image = Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def shows_person(labels):
    """Whether a YOLO label file (class cx cy w h, parts of the image) has a person large enough to count."""
    for line in labels.read_text().splitlines() if labels.exists() else []:
        kind, _, _, width, height = line.split()[:5]
        if kind == "0" and float(width) * float(height) > VWW_PERSON_AREA:
            return 1
    return 0


def one_source(x, y, names, count):
    """Split one labelled source into the two parts: (part → arrays), (part → names)."""
    inside, outside = spread(len(x), count)
    parts = {"calibrate": inside, "evaluate": outside}
    arrays = {part: {"x": x[at], "y": np.asarray(y, np.int64)[at]} for part, at in parts.items()}
    return arrays, {part: [names[i] for i in at] for part, at in parts.items()}


def tiny_kws(shared, count):
    source = np.load(shared / "data/mlperf_tiny_kws_500.npz")
    x = (source["x"].astype(np.float32) - np.float32(KWS_ZERO_POINT)) * KWS_SCALE
    return one_source(x, source["y"], [str(n) for n in source["name"]], count)


def tiny_ic_resnet8(shared, count):
    source = np.load(shared / "data/cifar10_jpeg_1000.npz")
    return one_source(source["x"].astype(np.float32), source["y"], list(range(len(source["y"]))), count)


def tiny_vww(shared, count):
    pictures = image_files(shared / "data/imagenet500")
    inside, _ = spread(len(pictures), count)
    calibrate = [pictures[i] for i in inside]
    evaluate = image_files(shared / "data/coco64/images")
    labels = [shows_person(shared / "data/coco64/labels" / f"{p.stem}.txt") for p in evaluate]
    as_input = lambda paths: np.stack([stretched(p, VWW_SIDE) for p in paths]) / np.float32(255)
    arrays = {
        "calibrate": {"x": as_input(calibrate)},
        "evaluate": {"x": as_input(evaluate), "y": np.array(labels, np.int64)},
    }
    return arrays, {"calibrate": [p.name for p in calibrate], "evaluate": [p.name for p in evaluate]}


def imagenet(shared, count, normalise, background=0):
    """The ImageNet pictures; `background` is 1 for models whose output 0 means none of the classes."""
    paths = image_files(shared / "data/imagenet500")
    x = np.stack([normalise(central_square(p)) for p in paths])
    y = [int(p.name.split("_")[0]) + background for p in paths]
    return one_source(x, y, [p.name for p in paths], count)


def mobilenet_v2(shared, count):
    to_input = lambda p: ((p / np.float32(255) - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1)
    return imagenet(shared, count, to_input)


def efficientnet_lite0(shared, count):
    to_input = lambda p: ((p / np.float32(255) - np.float32(0.5)) / np.float32(0.5)).transpose(2, 0, 1)
    return imagenet(shared, count, to_input)


def mobilenet_v1_025(shared, count):
    return imagenet(shared, count, lambda p: p / np.float32(127.5) - np.float32(1), background=1)


SOURCES = {f.__name__: f for f in (tiny_kws, tiny_ic_resnet8, tiny_vww, mobilenet_v2, efficientnet_lite0, mobilenet_v1_025)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared", help="folder with models/ and data/")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, a subfolder a model")
    parser.add_argument("models", nargs="*", help="names of models (default: all)")
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    record = options.out / "splits.json"
    splits = json.loads(record.read_text()) if record.exists() else {}
    for model in chosen(options.models):
        folder = options.out / model.name
        folder.mkdir(exist_ok=True)
        if model.own:
            # Our own models bring their samples along: the same ones that `index.toml` names.
            bundled = model.file(options.shared, REPOSITORY).parent
            shutil.copyfile(bundled / "calibrate.npz", folder / "calibrate.npz")
            shutil.copyfile(bundled / "test.npz", folder / "evaluate.npz")
            splits[model.name] = f"as bundled in {model.path.rsplit('/', 1)[0]}"
        else:
            arrays, splits[model.name] = SOURCES[model.name](options.shared, model.calibrate)
            for part, content in arrays.items():
                np.savez(folder / f"{part}.npz", **{k: np.ascontiguousarray(v) for k, v in content.items()})
        shapes = {p: np.load(folder / f"{p}.npz")["x"].shape for p in ("calibrate", "evaluate")}
        print(f"{model.name:20} calibrate {shapes['calibrate']}  evaluate {shapes['evaluate']}", flush=True)
        record.write_text(json.dumps(splits, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
