"""Which rounding of TFLite's makes tiny_ic answer otherwise: the model in NumPy, with one rule exchanged at a time.

    python benches/accuracy/rounding.py --shared ../shared

"twice" is LiteRT's reference rule (a 31-bit product rounded, shifted, rounded again), which gives LiteRT's outputs bit for bit here;
"once" is Redpoll's; "lifted" is once with the bias greater by one, as Redpoll imports convolutions whose results are never below zero.
Prints, for each mixture: right answers of 1,000, elements and answers that differ from LiteRT's, pictures that only one of
both has right, and the chance of at least so uneven a split (sign test). Then the share of results a step off, layer by layer.
"""

import argparse
import math
import pathlib

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
RELU = 1


class Net:
    """The graph with its constants."""

    def __init__(self, raw):
        self.model = schema.ModelT.InitFromPackedBuf(raw, 0)
        self.graph = self.model.subgraphs[0]

    def kind(self, op):
        code = self.model.operatorCodes[op.opcodeIndex]
        return NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def constant(self, i):
        t = self.graph.tensors[i]
        kinds = {2: np.int32, 9: np.int8}
        return np.frombuffer(bytes(self.model.buffers[t.buffer].data), kinds[t.type]).reshape(t.shape).astype(np.int64)

    def scales(self, i):
        q = self.graph.tensors[i].quantization
        return np.asarray(q.scale, np.float32), int(q.zeroPoint[0])


def parts(real):
    """A multiplier of 31 bits and a shift."""
    fraction, shift = np.frexp(np.float64(real))
    whole = int(np.floor(fraction * 2**31 + 0.5))
    return (whole // 2, int(shift) + 1) if whole == 2**31 else (whole, int(shift))


def twice(x, real):
    """LiteRT's MultiplyByQuantizedMultiplier."""
    whole, shift = parts(real)
    product = x * (1 << max(shift, 0)) * whole
    v = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    v = np.sign(v) * (np.abs(v) >> 31)
    right = max(-shift, 0)
    if right == 0:
        return v
    mask = (1 << right) - 1
    return (v >> right) + ((v & mask) > (mask >> 1) + (v < 0))


def accumulators(net, x, op):
    w, bias, o = net.constant(op.inputs[1]).astype(np.float64), net.constant(op.inputs[2]), op.builtinOptions
    (kh, kw), (sh, sw), (n, h, width, c) = w.shape[1:3], (o.strideH, o.strideW), x.shape
    oh, ow = -(-h // sh), -(-width // sw)
    ph, pw = max((oh - 1) * sh + kh - h, 0), max((ow - 1) * sw + kw - width, 0)
    padded = np.zeros((n, h + ph, width + pw, c))
    padded[:, ph // 2 : ph // 2 + h, pw // 2 : pw // 2 + width] = x.astype(np.float64) - net.scales(op.inputs[0])[1]
    total = np.zeros((n, oh, ow, w.shape[0]))
    for i in range(kh):
        for j in range(kw):
            total += padded[:, i : i + sh * (oh - 1) + 1 : sh, j : j + sw * (ow - 1) + 1 : sw] @ w[:, i, j].T
    return total.astype(np.int64) + bias


def bounded(net, y, op):
    zero = net.scales(op.outputs[0])[1]
    return np.clip(y + zero, zero if op.builtinOptions.fusedActivationFunction == RELU else -128, 127).astype(np.int8)


def conv(net, x, op, rule):
    acc = accumulators(net, x, op)
    (sx, _), (sw, _), (sy, _) = (net.scales(i) for i in (op.inputs[0], op.inputs[1], op.outputs[0]))
    if rule == "twice":
        y = np.stack([twice(acc[..., c], float(sx[0]) * float(s) / float(sy[0])) for c, s in enumerate(sw)], -1)
    else:
        acc = acc + (rule == "lifted" and op.builtinOptions.fusedActivationFunction == RELU)
        y = np.rint(acc.astype(np.float32) * (sx[0] * sw / sy[0])).astype(np.int64)
    return bounded(net, y, op)


def add(net, a, b, op):
    (sa, za), (sb, zb), (sy, _) = (net.scales(i) for i in (*op.inputs, *op.outputs))
    most = 2 * max(float(sa[0]), float(sb[0]))
    total = twice((a.astype(np.int64) - za) << 20, float(sa[0]) / most) + twice((b.astype(np.int64) - zb) << 20, float(sb[0]) / most)
    return bounded(net, twice(total, most / ((1 << 20) * float(sy[0]))), op)


def run(net, x, rule):
    """All tensors; `rule(op)` names the rounding of a convolution."""
    t = {net.graph.inputs[0]: x}
    for op in net.graph.operators:
        kind, v = net.kind(op), t[op.inputs[0]]
        if kind == "CONV_2D":
            y = conv(net, v, op, rule(op))
        elif kind == "ADD":
            y = add(net, v, t[op.inputs[1]], op)
        elif kind == "AVERAGE_POOL_2D":
            n, total = v.shape[1] * v.shape[2], v.astype(np.int64).sum((1, 2), keepdims=True)
            y = (np.sign(total) * ((np.abs(total) + n // 2) // n)).astype(np.int8)
        elif kind == "RESHAPE":
            y = v.reshape(len(x), -1)
        elif kind == "FULLY_CONNECTED":
            (sx, zx), (sw, _), (sy, zy) = (net.scales(i) for i in (op.inputs[0], op.inputs[1], op.outputs[0]))
            acc = (v.astype(np.int64) - zx) @ net.constant(op.inputs[1]).T + net.constant(op.inputs[2])
            y = np.clip(np.rint(acc * (float(sx[0]) * float(sw[0]) / float(sy[0]))) + zy, -128, 127).astype(np.int8)
        elif kind == "SOFTMAX":
            e = v.astype(np.float64) * net.scales(op.inputs[0])[0][0]
            e = np.exp(e - e.max(1, keepdims=True))
            y = np.clip(np.rint(e / e.sum(1, keepdims=True) * 256) - 128, -128, 127).astype(np.int8)
        t[op.outputs[0]] = y
    return t


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    args = parser.parse_args()
    raw = (args.shared / "models/vision/tiny_ic_resnet8_int8.tflite").read_bytes()
    net, z = Net(raw), np.load(args.shared / "data/cifar10_jpeg_1000.npz")
    x, classes = (z["x"].astype(np.int16) - 128).astype(np.int8), z["y"].reshape(-1)
    it = Interpreter(model_content=raw, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    it.allocate_tensors()
    theirs = []
    for picture in x:
        it.set_tensor(net.graph.inputs[0], picture[None])
        it.invoke()
        theirs.append(it.get_tensor(net.graph.outputs[0])[0].copy())
    theirs = np.array(theirs)
    right = theirs.argmax(1) == classes
    print(f"LiteRT has {right.sum()} right\n\n| results never below 0 | others | right | elements that differ | answers that differ | right only here, only there | chance |")
    print("|---|---|---|---|---|---|---|")
    exact = None
    for relu, other in [("twice", "twice"), ("once", "twice"), ("twice", "once"), ("once", "once"), ("lifted", "twice"), ("lifted", "once")]:
        t = run(net, x, lambda op: relu if op.builtinOptions.fusedActivationFunction == RELU else other)
        exact = exact or t
        out = t[net.graph.outputs[0]]
        ours = out.argmax(1) == classes
        here, there = int((ours & ~right).sum()), int((~ours & right).sum())
        n = here + there
        chance = min(1.0, 2 * sum(math.comb(n, k) for k in range(min(here, there) + 1)) / 2**n)
        answers = int((out.argmax(1) != theirs.argmax(1)).sum())
        print(f"| {relu} | {other} | {ours.sum()} | {(out != theirs).sum()} | {answers} | {here}, {there} | {chance:.2f} |", flush=True)
    print("\nResults a step off on LiteRT's operands: layer, once, lifted")
    for op in net.graph.operators:
        if net.kind(op) == "CONV_2D":
            want = exact[op.outputs[0]]
            off = [100 * float((conv(net, exact[op.inputs[0]], op, rule) != want).mean()) for rule in ("once", "lifted")]
            print(net.graph.tensors[op.outputs[0]].name.decode()[:40], *(f"{o:.3f} %" for o in off))


if __name__ == "__main__":
    main()
