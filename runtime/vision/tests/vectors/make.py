"""Writes the vectors beside it: what Pillow and OpenCV make of pictures of noise,
and TensorFlow's definition in float32, held against ONNX Runtime.

    python make.py    (pillow, opencv-python-headless 4.11, onnx, onnxruntime, numpy)

A line of resize.txt: filter, channels, from, to (width x height), the bytes in hexadecimal; real values as f32.
A line of yuv.txt: format, width, height, hexadecimal bytes of the frame, of its RGB. A line of formats.txt: format, filter,
from, to, bytes of the frame, of the resized RGB, of the quantised input.
"""
import pathlib

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from PIL import Image

HERE = pathlib.Path(__file__).parent


def noise(n):
    """Bytes of the generator that the Rust test has too."""
    state, out = 12345, []
    for _ in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return np.array(out, np.uint8)


def picture(w, h, c):
    x = noise(w * h * c)
    return x.reshape(h, w, c) if c == 3 else x.reshape(h, w)


PIL = {"nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
CV = {"cv_nearest": cv2.INTER_NEAREST, "cv_linear": cv2.INTER_LINEAR, "cv_area": cv2.INTER_AREA}
TF = {"tf_bilinear": "half_pixel", "tf_bilinear_legacy": "asymmetric", "tf_bilinear_corners": "align_corners"}
SIZES = [((7, 5), (7, 5)), ((9, 7), (4, 3)), ((9, 7), (20, 11)), ((40, 30), (13, 9)), ((8, 6), (4, 3)), ((12, 12), (4, 3)), ((5, 31), (11, 2)), ((1, 1), (3, 2)), ((64, 3), (1, 1)), ((33, 21), (32, 20))]


def onnx_resize(mode, x, to):
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], mode="linear", coordinate_transformation_mode=mode)
    s = helper.make_tensor("s", TensorProto.INT64, [4], [1, 1, to[1], to[0]])
    g = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [s])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(m.SerializeToString())
    x = x.astype(np.float32)
    x = x.transpose(2, 0, 1)[:, None] if x.ndim == 3 else x[None, None]
    y = np.concatenate([session.run(None, {"x": p[None]})[0] for p in x])
    return y[:, 0].transpose(1, 2, 0)


def tf(mode, x, to):
    f = np.float32

    def axis(n, m):
        scale = f(n - 1) / f(m - 1) if mode == "align_corners" and m > 1 else f(n) / f(m)
        at = np.arange(m, dtype=f)
        at = (at + f(0.5)) * scale - f(0.5) if mode == "half_pixel" else at * scale
        low = np.floor(at)
        return np.clip(low, 0, n - 1).astype(int), np.clip(np.ceil(at), 0, n - 1).astype(int), at - low

    (x0, x1, fx), (y0, y1, fy) = axis(x.shape[1], to[0]), axis(x.shape[0], to[1])
    v = x.astype(f)
    rows = v[:, x0] + (v[:, x1] - v[:, x0]) * fx
    y = rows[y0] + (rows[y1] - rows[y0]) * fy[:, None]
    assert np.abs(y - onnx_resize(mode, x, to)[:, :, 0]).max() < 1e-3
    return y


lines = []
for (fw, fh), (tw, th) in SIZES:
    for c in (1, 3):
        x = picture(fw, fh, c)
        out = {n: np.asarray(Image.fromarray(x).resize((tw, th), f)) for n, f in PIL.items()}
        out |= {n: cv2.resize(x, (tw, th), interpolation=f) for n, f in CV.items()}
        if c == 1:
            out |= {n: tf(m, x, (tw, th)).astype("<f4") for n, m in TF.items()}
        for n, y in out.items():
            lines.append(f"{n} {c} {fw}x{fh} {tw}x{th} {np.ascontiguousarray(y).tobytes().hex()}")
(HERE / "resize.txt").write_text("\n".join(lines) + "\n")

lines = []
for w, h in ((4, 2), (8, 6)):
    data = noise(w * h * 2).tobytes()
    half = np.frombuffer(data[: w * h * 3 // 2], np.uint8).reshape(h * 3 // 2, w)
    yuyv = np.frombuffer(data, np.uint8).reshape(h, w, 2)
    for n, x, code in (("nv12", half, cv2.COLOR_YUV2RGB_NV12), ("i420", half, cv2.COLOR_YUV2RGB_I420), ("yuyv", yuyv, cv2.COLOR_YUV2RGB_YUYV)):
        lines.append(f"{n} {w} {h} {x.tobytes().hex()} {cv2.cvtColor(x, code).tobytes().hex()}")
(HERE / "yuv.txt").write_text("\n".join(lines) + "\n")

# The whole way from a camera's bytes to a quantised input: pixels by OpenCV, resized by Pillow and by OpenCV, normalised and quantised in float32.
TO_RGB = {
    "rgb": (3, None), "bgr": (3, cv2.COLOR_BGR2RGB), "rgba": (4, cv2.COLOR_RGBA2RGB), "bgra": (4, cv2.COLOR_BGRA2RGB), "gray": (1, cv2.COLOR_GRAY2RGB),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUYV), "nv12": (0, cv2.COLOR_YUV2RGB_NV12), "i420": (0, cv2.COLOR_YUV2RGB_I420),
}
MEAN, STD, STEP, ZERO = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225]), np.float32(0.0186), -14
lines = []
for (w, h), to in (((8, 6), (5, 4)), ((16, 12), (7, 9)), ((4, 4), (9, 6))):
    for n, (depth, code) in TO_RGB.items():
        x = noise(w * h * depth).reshape(h, w, depth) if depth else noise(w * h * 3 // 2).reshape(h * 3 // 2, w)
        rgb = x if code is None else cv2.cvtColor(x, code)
        for f, y in (("bilinear", np.asarray(Image.fromarray(rgb).resize(to, Image.BILINEAR))), ("cv_linear", cv2.resize(rgb, to, interpolation=cv2.INTER_LINEAR))):
            real = (y.astype(np.float32) * np.float32(1 / 255) - MEAN) / STD
            q = np.clip(np.rint(real / STEP) + ZERO, -128, 127).astype(np.int8)
            lines.append(f"{n} {f} {w}x{h} {to[0]}x{to[1]} {x.tobytes().hex()} {y.tobytes().hex()} {q.tobytes().hex()}")
(HERE / "formats.txt").write_text("\n".join(lines) + "\n")

# A picture of 3×2 squares for each EXIF orientation, and how Pillow's exif_transpose turns it.
colors = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255, 255, 0], [0, 255, 255], [255, 255, 255]]], np.uint8)
x = Image.fromarray(colors.repeat(8, 0).repeat(8, 1))
for n in (1, 3, 6, 7):
    exif = Image.Exif()
    exif[0x0112] = n
    x.save(HERE / f"exif{n}.jpg", exif=exif, quality=95, subsampling=0)
