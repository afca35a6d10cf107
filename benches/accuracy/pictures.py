"""Top-1 of a classifier over a folder of JPEG files named CLASS_….jpg, by Pillow and ONNX Runtime.

    python pictures.py MODEL.onnx FOLDER imagenet|half

The preparation is that of `redpoll see --preset imagenet|half`: short side to 256, the centre 224×224, bilinear.
"""
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

model, folder, preset = sys.argv[1:]
mean, std = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) if preset == "imagenet" else ((0.5,) * 3, (0.5,) * 3)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options)
name = session.get_inputs()[0].name
right, files = 0, sorted(pathlib.Path(folder).glob("*.jpg"))
for file in files:
    image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    w, h = image.size
    w, h = (256, 256 * h // w) if w <= h else (256 * w // h, 256)
    image = image.resize((w, h), Image.BILINEAR)
    x, y = round((w - 224) / 2), round((h - 224) / 2)
    pixels = np.asarray(image.crop((x, y, x + 224, y + 224)), np.float32) * np.float32(1 / 255)
    values = ((pixels - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)[None]
    right += int(session.run(None, {name: values})[0].argmax() == int(file.name.split("_")[0]))
print(f"top-1 {right / len(files) * 100:.2f} % ({right} of {len(files)})")
