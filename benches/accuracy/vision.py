"""Prints the figures of docs/results.md about pictures: `redpoll see` beside the same work in Python.

    python benches/accuracy/vision.py [--redpoll target/release/redpoll] [--shared ../shared] [PART …]

Parts: float, int8, decoder (classifiers on 500 JPEG files), persons, faces, text, segment, pose, times; all of them without. Needs
numpy, pillow and onnxruntime; opencv-python and scikit-image for faces and text, rapidocr-onnxruntime for text, ai-edge-litert for
segment and pose. --pose names pose_landmark_full.tflite, which is in the package mediapipe 0.10.14 (modules/pose_landmark).
"""

import argparse
import difflib
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

PRESETS = {
    "mobilenet_v2": ("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "efficientnet_lite0": ("half", (0.5,) * 3, (0.5,) * 3),
}
TOML = """size = [224, 224]
resize = "shorter"
shorter = 256
scale = {scale}
mean = {mean}
std = {std}
task = "classify"
"""

parser = argparse.ArgumentParser()
parser.add_argument("--redpoll", default="target/release/redpoll")
parser.add_argument("--shared", default="../shared", type=pathlib.Path)
parser.add_argument("--pose", type=pathlib.Path)
parser.add_argument("parts", nargs="*")
args = parser.parse_args()
models, data = args.shared / "models", args.shared / "data"
files = sorted((data / "imagenet500").glob("*.jpg"))
out = pathlib.Path(tempfile.mkdtemp(prefix="redpoll-vision-"))


def redpoll(*words):
    done = subprocess.run([args.redpoll, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def see(source, model, task, *more):
    """What was found in each picture, and the mean times with top-1."""
    lines = redpoll("see", source, "--model", model, "--task", task, "--json", *more).splitlines()
    *pictures, total = map(json.loads, lines)
    return pictures, total


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options)


def crop(image):
    """Short side to 256, the centre 224×224, bilinear: torchvision's."""
    w, h = image.size
    w, h = (256, 256 * h // w) if w <= h else (256 * w // h, 256)
    image = image.resize((w, h), Image.BILINEAR)
    x, y = round((w - 224) / 2), round((h - 224) / 2)
    return np.asarray(image.crop((x, y, x + 224, y + 224)))


def classes(model, crops, mean, std):
    """The best class of every crop, and by how much it is better than the second."""
    run, found = session(model), []
    name = run.get_inputs()[0].name
    for pixels in crops:
        values = pixels.astype(np.float32) * np.float32(1 / 255)
        values = ((values - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)[None]
        scores = run.run(None, {name: values})[0][0]
        second, best = np.sort(scores)[-2:]
        found.append((int(scores.argmax()), float(best - second)))
    return found


def pillow(file):
    return ImageOps.exif_transpose(Image.open(file)).convert("RGB")


def share(found):
    right = sum(best == int(f.name.split("_")[0]) for (best, _), f in zip(found, files))
    return f"{right / len(files):.2%} ({right} of {len(files)})"


def classifiers():
    """Top-1 from JPEG files, float and int8, and what the decoder of JPEG changes."""
    ours = out / "decoded"
    if "decoder" in parts:
        # No class is told, so nothing is drawn: the pictures as they were decoded.
        preset = PRESETS["mobilenet_v2"][0]
        see(data / "imagenet500", models / "vision/mobilenet_v2_f32.onnx", "classify", "--preset", preset, "--top", 0, "--draw", ours)
        bytes_, crops_ = np.zeros(256, int), np.zeros(256, int)
        decoded = [Image.open(ours / f"{f.stem}.png").convert("RGB") for f in files]
        for file, image in zip(files, decoded):
            theirs = pillow(file)
            off = np.abs(np.asarray(theirs).astype(int) - np.asarray(image))
            bytes_ += np.bincount(off.ravel(), minlength=256)
            off = np.abs(crop(theirs).astype(int) - crop(image))
            crops_ += np.bincount(off.ravel(), minlength=256)
        for what, counts in ("decoded", bytes_), ("resized", crops_):
            shares = ", ".join(f"{n} by {i}" for i, n in enumerate(f"{c / counts.sum():.4%}" for c in counts) if counts[i])
            print(f"decoder: {what} bytes that differ from Pillow's: {shares}")
    crops = [crop(pillow(f)) for f in files]
    for name, (preset, mean, std) in PRESETS.items():
        model = models / f"vision/{name}_f32.onnx"
        if "float" in parts:
            total = see(data / "imagenet500", model, "classify", "--preset", preset, "--labels")[1]
            print(f"float: {name}: redpoll see {total['top1']:.2f} %, Pillow and ONNX Runtime {share(classes(model, crops, mean, std))}")
        if "decoder" in parts:
            theirs, mixed = classes(model, crops, mean, std), classes(model, [crop(i) for i in decoded], mean, std)
            turned = [f"{f.name} (ahead by {a[1]:.4f})" for f, a, b in zip(files, theirs, mixed) if a[0] != b[0]]
            print(f"decoder: {name}: Redpoll's decoder, then Pillow and ONNX Runtime {share(mixed)}; other classes: {', '.join(turned)}")
        if "int8" in parts:
            file, folder = out / f"{name}.toml", out / name
            file.write_text(TOML.format(scale=1 / 255, mean=list(mean), std=list(std)))
            redpoll("convert", model, "--calibrate", data / "coco64/images", "--preprocess", file, "-o", folder)
            total = see(data / "imagenet500", folder / "model.plan", "classify", "--labels")[1]
            print(f"int8: {name}: redpoll see {total['top1']:.2f} %, Pillow and ONNX Runtime on the exported model "
                  f"{share(classes(folder / 'model.int8.onnx', crops, mean, std))}")


def persons():
    """Is there a person: ssd_mobilenet_v1 against the labels of COCO."""
    model = models / "vision/ssd_mobilenet_v1_coco_uint8.tflite"
    pictures, _ = see(data / "coco64/images", model, "detect")
    right, wrong = 0, []
    for picture in pictures:
        file = pathlib.Path(picture["file"])
        labels = data / "coco64/labels" / f"{file.stem}.txt"
        there = labels.exists() and any(line.startswith("0 ") for line in labels.read_text().splitlines())
        right += there == any(d["class"] == 0 for d in picture["found"])
        if there != any(d["class"] == 0 for d in picture["found"]):
            wrong.append(f"{file.name} ({'missed' if there else 'false'})")
    print(f"persons: {right} of {len(pictures)} pictures right; {', '.join(wrong)}")


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    area = lambda r: (r[2] - r[0]) * (r[3] - r[1])
    return both / (area(a) + area(b) - both)


def faces():
    """YuNet on scikit-image's pictures, beside OpenCV's FaceDetectorYN with the same model and the same size."""
    import cv2
    import skimage

    model = models / "vision/yunet_n_320_f32.onnx"
    folder = pathlib.Path(skimage.__file__).parent / "data"
    for name in ["astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "text.png"]:
        image = cv2.imread(str(folder / name))
        h, w = image.shape[:2]
        scale = min(320 / w, 320 / h)
        rw, rh = round(w * scale), round(h * scale)
        left, top = (320 - rw) // 2, (320 - rh) // 2
        box = np.zeros((320, 320, 3), np.uint8)
        box[top : top + rh, left : left + rw] = cv2.resize(image, (rw, rh))
        detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), 0.6, 0.3)
        theirs = detector.detect(box)[1]
        theirs = [] if theirs is None else theirs
        boxes = [((r[0] - left) * w / rw, (r[1] - top) * h / rh, (r[0] + r[2] - left) * w / rw, (r[1] + r[3] - top) * h / rh) for r in theirs]
        found = see(folder / name, model, "faces")[0][0]["found"]
        near = [max((iou(d["box"], b) for b in boxes), default=0) for d in found]
        scores = ", ".join(f"{d['score']:.3f}" for d in found)
        print(f"faces: {name}: {len(found)} ({scores}); OpenCV {len(theirs)} ({', '.join(f'{r[14]:.3f}' for r in theirs)}); overlap {', '.join(f'{n:.3f}' for n in near)}")


def text():
    """PP-OCR v4 on scikit-image's pages, beside rapidocr-onnxruntime with the same models."""
    import rapidocr_onnxruntime
    import skimage

    weights = pathlib.Path(rapidocr_onnxruntime.__file__).parent / "models"
    detector, recogniser = weights / "ch_PP-OCRv4_det_infer.onnx", weights / "ch_PP-OCRv4_rec_infer.onnx"
    reader = rapidocr_onnxruntime.RapidOCR()
    for name in ["page.png", "text.png"]:
        file = pathlib.Path(skimage.__file__).parent / "data" / name
        found, total = see(file, detector, "text", "--rec", recogniser)
        ours = [d["text"] for d in found[0]["found"]]
        lines = reader(str(file), use_cls=False)[0] or []
        theirs = [line[1] for line in lines]
        same = sum(a == b for a, b in zip(ours, theirs)) if len(ours) == len(theirs) else "-"
        alike = difflib.SequenceMatcher(None, "\n".join(ours), "\n".join(theirs), autojunk=False).ratio()
        print(f"text: {name}: {len(ours)} lines, rapidocr {len(theirs)}; the same {same}; characters alike {alike:.2%}; ms {total['ms']}")
        for a, b in zip(ours, theirs):
            print(f"  {'=' if a == b else '≠'} {a}" + ("" if a == b else f"   |   {b}"))


def litert(model, image, letterbox):
    """The outputs of a model of 256×256 in float, by name, and the way back to the picture."""
    from ai_edge_litert.interpreter import Interpreter

    w, h = image.size
    scale = min(256 / w, 256 / h)
    rw, rh = (round(w * scale), round(h * scale)) if letterbox else (256, 256)
    left, top = (256 - rw) // 2, (256 - rh) // 2
    pixels = np.zeros((1, 256, 256, 3), np.float32)
    pixels[0, top : top + rh, left : left + rw] = np.asarray(image.resize((rw, rh), Image.BILINEAR), np.float32) * np.float32(1 / 255)
    run = Interpreter(str(model), num_threads=1)
    run.allocate_tensors()
    run.set_tensor(run.get_input_details()[0]["index"], pixels)
    run.invoke()
    outputs = {d["name"]: run.get_tensor(d["index"]) for d in run.get_output_details()}
    return outputs, lambda x, y: ((x - left) * w / rw, (y - top) * h / rh)


def description(name, more=""):
    file = out / f"{name}.toml"
    file.write_text(f'size = [256, 256]\nlayout = "nhwc"\nscale = {1 / 255}\n{more}')
    return file


def decoded():
    """COCO's pictures as Redpoll decodes them, so that nothing but the model and its reading differs."""
    folder = out / "coco"
    see(data / "coco64/images", models / "vision/mobilenet_v2_f32.onnx", "classify", "--preset", "imagenet", "--top", 0, "--draw", folder)
    return sorted(folder.glob("*.png"))


def segment():
    """The share of persons in every picture, beside LiteRT."""
    model = models / "vision/selfie_segmentation_f32.tflite"
    off = []
    images = decoded()
    pictures, _ = see(images[0].parent, model, "segment", "--preprocess", description("selfie"))
    for image, picture in zip(images, pictures):
        outputs, _ = litert(model, Image.open(image).convert("RGB"), False)
        theirs = (next(iter(outputs.values())) >= 0.5).mean()
        off.append(abs(sum(c["share"] for c in picture["found"] if c["class"] == 1) - theirs))
    print(f"segment: share of persons in {len(off)} pictures: at most {max(off) * 65536:.0f} of 65536 cells differ from LiteRT")


def pose():
    """The points of a body in every picture where there is one, beside LiteRT."""
    if not args.pose:
        print("pose: skipped: no --pose")
        return
    images, off, there, theirs_there = decoded(), [], 0, 0
    pictures, total = see(images[0].parent, args.pose, "pose", "--preprocess", description("pose", 'resize = "letterbox"'))
    for image, picture in zip(images, pictures):
        outputs, back = litert(args.pose, Image.open(image).convert("RGB"), True)
        values, presence = outputs["Identity"][0], outputs["Identity_1"].item()
        theirs_there += presence >= 0.5
        there += len(picture["found"])
        if picture["found"] and presence >= 0.5:
            points = np.array([back(*p[:2]) for p in values.reshape(39, 5)[:33]])
            off.append(np.abs(points - np.array(picture["found"][0]["points"])).max())
    print(f"pose: a body in {there} of {len(images)} pictures, LiteRT {theirs_there}; points differ by at most {max(off):.4f} pixels; ms {total['ms']}")


def times():
    """Where the time of a frame goes, one thread, the mean of 64 COCO pictures of about 640×480."""
    for task, model, more in [
        ("classify", "mobilenet_v2_f32.onnx", ["--preset", "imagenet"]),
        ("detect", "ssd_mobilenet_v1_coco_uint8.tflite", []),
        ("faces", "yunet_n_320_f32.onnx", []),
        ("segment", "selfie_segmentation_f32.tflite", ["--preprocess", description("selfie")]),
    ]:
        ms = see(data / "coco64/images", models / "vision" / model, task, *more)[1]["ms"]
        print(f"times: {task}, {model}: " + ", ".join(f"{part} {ms[part]:.2f}" for part in ["decode", "pre", "model", "post"]) + " ms")


PARTS = {"float": classifiers, "int8": classifiers, "decoder": classifiers, "persons": persons, "faces": faces, "text": text, "segment": segment, "pose": pose, "times": times}
parts = args.parts or list(PARTS)
for part in dict.fromkeys(PARTS[p] for p in parts):
    part()
