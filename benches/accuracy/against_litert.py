"""Runs every .tflite of the shared models in Redpoll and in LiteRT's reference kernels on the same inputs, and prints a table.

    cargo build --release -p redpoll-cli -p redpoll-c
    python benches/accuracy/against_litert.py --shared ../shared --build target/release

LiteRT (PyPI ai-edge-litert) is asked for its reference kernels: the optimised ones are farther from them than we are.
"""

import argparse
import ctypes
import json
import pathlib
import subprocess
import tempfile

import flatbuffers
import numpy as np
from PIL import Image
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {0: np.float32, 2: np.int8, 3: np.uint8, 4: np.int32, 5: np.int64, 6: np.bool_}


class Info(ctypes.Structure):
    """redpoll_tensor_info of include/redpoll.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_size_t),
        ("dims", ctypes.POINTER(ctypes.c_size_t)),
        ("bytes", ctypes.c_size_t),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
    ]


class Redpoll:
    """A plan in the C library. Its state goes on from run to run."""

    def __init__(self, library, plan):
        self.lib = library
        self.lib.redpoll_last_error.restype = ctypes.c_char_p
        self.session = ctypes.c_void_p()
        self.check(self.lib.redpoll_open(str(plan).encode(), None, ctypes.byref(self.session)))
        self.lib.redpoll_output_count.restype = ctypes.c_size_t
        self.outputs = self.lib.redpoll_output_count(self.session)

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.lib.redpoll_last_error().decode())

    def run(self, x):
        return self.run_all([x])

    def run_all(self, inputs):
        for i, x in enumerate(inputs):
            info = Info()
            self.check(self.lib.redpoll_input_info(self.session, ctypes.c_size_t(i), ctypes.byref(info)))
            # 16 bits are held in 32.
            x = np.ascontiguousarray(x, TYPES[info.dtype])
            self.check(self.lib.redpoll_set_input(self.session, ctypes.c_size_t(i), x.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(x.nbytes)))
        self.check(self.lib.redpoll_run(self.session))
        found = []
        for i in range(self.outputs):
            info, data, size = Info(), ctypes.c_void_p(), ctypes.c_size_t()
            self.check(self.lib.redpoll_output_info(self.session, ctypes.c_size_t(i), ctypes.byref(info)))
            self.check(self.lib.redpoll_output_data(self.session, ctypes.c_size_t(i), ctypes.byref(data), ctypes.byref(size)))
            raw = ctypes.string_at(data, size.value)
            shape = [info.dims[d] for d in range(info.rank)]
            found.append(np.frombuffer(raw, TYPES[info.dtype]).reshape(shape))
        return found

    def close(self):
        self.lib.redpoll_close(self.session)


def known(path):
    """The model, with MediaPipe's transposed convolution as the operator that LiteRT has for it."""
    raw = path.read_bytes()
    if b"Convolution2DTransposeBias" not in raw:
        return raw
    model = schema.ModelT.InitFromPackedBuf(raw, 0)
    graph = model.subgraphs[0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
    code.version = 3
    model.operatorCodes.append(code)
    for op in graph.operators:
        if model.operatorCodes[op.opcodeIndex].customCode != b"Convolution2DTransposeBias":
            continue
        padding, across, down = np.frombuffer(bytes(op.customOptions), np.int32)
        options = schema.TransposeConvOptionsT()
        options.padding, options.strideW, options.strideH = int(padding) - 1, int(across), int(down)
        data = schema.BufferT()
        data.data = np.asarray(graph.tensors[op.outputs[0]].shape, np.int32).view(np.uint8)
        model.buffers.append(data)
        shape = schema.TensorT()
        shape.name, shape.shape, shape.type = b"up", [4], schema.TensorType.INT32
        shape.buffer = len(model.buffers) - 1
        graph.tensors.append(shape)
        x, w, bias = op.inputs
        op.inputs = [len(graph.tensors) - 1, w, x, bias]
        op.opcodeIndex = len(model.operatorCodes) - 1
        op.builtinOptionsType, op.builtinOptions = schema.BuiltinOptions.TransposeConvOptions, options
        op.customOptions = None
    builder = flatbuffers.Builder(len(raw))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class LiteRt:
    """A model in LiteRT's reference kernels, or others. Its variables go on from run to run."""

    def __init__(self, path, kernels=OpResolverType.BUILTIN_REF):
        self.it = Interpreter(model_content=known(path), experimental_op_resolver_type=kernels)
        self.it.allocate_tensors()
        self.input = self.it.get_input_details()[0]
        self.places = [d["index"] for d in self.it.get_output_details()]

    def run(self, x):
        self.it.set_tensor(self.input["index"], x.astype(self.input["dtype"]).reshape(self.input["shape"]))
        self.it.invoke()
        return [self.it.get_tensor(i).copy() for i in self.places]


def square(path, side, part=1.0):
    """The central square of a picture, `part` of its short side, as uint8."""
    image = Image.open(path).convert("RGB")
    edge = int(min(image.size) * part)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return np.asarray(image.crop((left, top, left + edge, top + edge)).resize((side, side), Image.BILINEAR))


def stretched(path, side):
    return np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR))


def person(path):
    """1 where a box of a person covers more than half a percent of the picture."""
    label = path.parent.parent / "labels" / (path.stem + ".txt")
    lines = label.read_text().split("\n") if label.exists() else []
    boxes = [line.split() for line in lines if line.strip()]
    return int(any(b[0] == "0" and float(b[3]) * float(b[4]) > 0.005 for b in boxes))


def made(shape, n, scale, zero):
    """Smooth noise over the whole range of int8: a walk, sample after sample."""
    chance = np.random.default_rng(7)
    walk = np.cumsum(chance.normal(0, 12, (n, *shape[1:])), axis=0)
    return [((np.abs(w) % 255) - 128).astype(np.int8).reshape(shape) for w in walk]


def inputs(name, data, shape, limit):
    """Samples, their classes if they have some, and what they are."""
    pictures = lambda folder, most: sorted((data / folder).glob("*.jpg"))[:: max(1, len(list((data / folder).glob("*.jpg"))) // most)][:most]
    if name == "tiny_kws_int8":
        z = np.load(data / "mlperf_tiny_kws_500.npz")
        return list(z["x"].reshape(-1, *shape)[: limit or 500]), list(z["y"]), "MLPerf Tiny features"
    if name == "tiny_ic_resnet8_int8":
        z = np.load(data / "cifar10_jpeg_1000.npz")
        x = (z["x"].astype(np.int16) - 128).astype(np.int8)
        return [i[None] for i in x[: limit or 500]], list(z["y"]), "CIFAR-10"
    if name == "tiny_vww_int8":
        paths = pictures("coco64/images", limit or 64)
        x = [(stretched(p, 96).astype(np.int16) - 128).astype(np.int8)[None] for p in paths]
        return x, [person(p) for p in paths], "COCO"
    if name.startswith("mobilenet"):
        paths = pictures("imagenet500", limit or (100 if "v1" in name else 40))
        return [square(p, 224, 0.875)[None] for p in paths], [int(p.name.split("_")[0]) + 1 for p in paths], "ImageNet"
    if name.startswith("ssd"):
        return [stretched(p, 300)[None] for p in pictures("coco64/images", limit or 8)], None, "COCO"
    if name.startswith("selfie"):
        return [(stretched(p, 256) / 255).astype(np.float32)[None] for p in pictures("coco64/images", limit or 8)], None, "COCO"
    return made(shape, limit or 500, 1, 0), None, "made"


def found_again(ours, theirs):
    """Boxes of `theirs` with a score of at least a half, and how many `ours` has: same class, overlap of at least 0.9."""
    boxes, classes, scores = (a[0] for a in theirs[:3])
    mine, my_classes = ours[0][0], ours[1][0]
    many = again = 0
    for box, kind, score in zip(boxes, classes, scores):
        if score < 0.5:
            continue
        many += 1
        low, high = np.maximum(mine[:, :2], box[:2]), np.minimum(mine[:, 2:], box[2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
        again += bool(((shared / (area(mine) + area(box) - shared) >= 0.9) & (my_classes == kind)).any())
    return many, again


def compare(name, path, args, library):
    out = pathlib.Path(args.out) / name
    subprocess.run([str(args.build / "redpoll"), "convert", str(path), "-o", str(out)], check=True, stdout=subprocess.DEVNULL)
    ours, theirs = Redpoll(library, out / "model.plan"), LiteRt(path)
    fast = LiteRt(path, OpResolverType.AUTO)
    samples, classes, kind = inputs(name, args.shared / "data", tuple(theirs.input["shape"]), args.limit)
    elements = differ = right = right_theirs = right_fast = only = only_theirs = same = same_fast = boxes = again = 0
    largest, scale = 0.0, 0.0
    histogram = {}
    for i, x in enumerate(samples):
        a, b, c = ours.run(x), theirs.run(x), fast.run(x)
        for p, q in zip(a, b):
            distance = np.abs(p.astype(np.float64) - q.astype(np.float64).reshape(p.shape))
            elements += distance.size
            differ += int((distance > 0).sum())
            largest = max(largest, float(distance.max()))
            scale = max(scale, float(np.abs(q).max()))
            if p.dtype != np.float32:
                for step, n in zip(*np.unique(distance, return_counts=True)):
                    histogram[int(step)] = histogram.get(int(step), 0) + int(n)
        p, q, r = (int(y[0].argmax()) for y in (a, b, c))
        same += p == q
        same_fast += p == r
        if len(a) == 4:
            many, found = found_again(a, b)
            boxes, again = boxes + many, again + found
        if classes is not None:
            right += p == classes[i]
            right_theirs += q == classes[i]
            right_fast += r == classes[i]
            only += p == classes[i] != q
            only_theirs += q == classes[i] != p
    ours.close()
    floats = a[0].dtype == np.float32
    n = len(samples)
    return {
        "model": name, "inputs": kind, "samples": n, "elements": elements, "differ": differ,
        "largest": largest / scale if floats else int(largest), "float": bool(floats), "histogram": histogram,
        "right": int(right) if classes is not None else None, "right_litert": int(right_theirs) if classes is not None else None,
        "right_xnnpack": int(right_fast) if classes is not None else None,
        "only_redpoll_right": int(only), "only_litert_right": int(only_theirs),
        "same_class": int(same), "same_class_xnnpack": int(same_fast), "boxes": boxes, "boxes_found": again,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=pathlib.Path, required=True, help="folder with models/ and data/")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("target/release"), help="folder with redpoll and libredpoll.so")
    parser.add_argument("--out", default=tempfile.gettempdir() + "/redpoll-litert")
    parser.add_argument("--only", default="", help="part of a model's name")
    parser.add_argument("--limit", type=int, help="samples of each model")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    library = ctypes.CDLL(str(next(args.build.glob("libredpoll*.so"))))
    rows = []
    print("| model | inputs | samples | elements that differ | largest difference | right: Redpoll, LiteRT, its XNNPACK |\n|---|---|---|---|---|---|")
    for path in sorted((args.shared / "models").rglob("*.tflite")):
        if args.only not in path.stem:
            continue
        r = compare(path.stem, path, args, library)
        rows.append(r)
        largest = f"{r['largest']:.1e} of the largest" if r["float"] else f"{r['largest']} steps"
        right = "" if r["right"] is None else f"{r['right']}, {r['right_litert']}, {r['right_xnnpack']}"
        if r["boxes"]:
            right = f"{r['boxes_found']} of {r['boxes']} boxes"
        share = f"{r['differ']} of {r['elements']}"
        print(f"| {path.parent.name}/{r['model']} | {r['inputs']} | {r['samples']} | {share} | {largest} | {right} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
