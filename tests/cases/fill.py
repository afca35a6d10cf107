#!/usr/bin/env python3
"""Writes the expected outputs of the cases in this folder: python tests/cases/fill.py [FILE…] (needs onnx, onnxruntime, numpy).

A case without `output` gets what ONNX's reference evaluator computes, or ONNX Runtime for operators of its own domain
and where `by = "onnxruntime"` says so. Outputs that are there stay as they are: delete them to make them anew. Where
both can run a case, the second opinion is printed when it differs.
"""

import pathlib
import re
import sys
import tomllib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper, parser
from onnx.reference import ReferenceEvaluator

HERE = pathlib.Path(__file__).parent
TYPES = {n.lower(): v for n, v in TensorProto.DataType.items()}


def count(shape):
    return int(np.prod(shape, dtype=np.int64))


def tensor(text):
    """`TYPE [DIMS] numbers`, or `TYPE [DIMS] seq START STEP MODULUS`: element i is START + STEP · (7 i mod MODULUS)."""
    kind, dims, rest = re.fullmatch(r"(\w+) \[([\d,]*)\] ?(.*)", text).groups()
    shape = [int(d) for d in dims.split(",") if d]
    words = rest.split()
    if words[:1] == ["seq"]:
        start, step, modulus = float(words[1]), float(words[2]), int(words[3])
        values = [start + step * (7 * i % modulus) for i in range(count(shape))]
    elif "float" in kind or kind == "double":
        values = [float(w) for w in words]
    else:
        values = [int(w) for w in words]
    assert len(values) == count(shape), text
    if "float" not in kind and kind != "double":
        values = [int(v) for v in values]
    return helper.make_tensor("", TYPES[kind], shape, values)


def text(array, kind):
    """The other way round."""
    def number(v):
        if kind == "bool":
            return str(int(v))
        if "float" not in kind and kind != "double":
            return str(int(v))
        v = float(v)
        if v == int(v) if np.isfinite(v) else False:
            return str(int(v)) if v or not np.signbit(v) else "-0.0"
        return str(np.float32(v))
    numbers = " ".join(number(v) for v in np.asarray(array).reshape(-1))
    dims = ",".join(str(d) for d in array.shape)
    return f"{kind} [{dims}] {numbers}".rstrip()


def names_of(case):
    """Outputs of the graph: those of its nodes that no other reads."""
    made, read = [], set()
    for line in case["graph"].strip().splitlines():
        left, right = line.split("=", 1)
        made += [n.strip() for n in left.split(",") if n.strip()]
        read |= set(re.split(r"[ ,()]+", right[right.rindex("("):]))
    return [n for n in made if n not in read]


def model(case):
    opset = case.get("opset", 17)
    nodes = [parser.parse_node(line) for line in case["graph"].strip().splitlines()]
    inputs = {n: tensor(t) for n, t in case.get("input", {}).items()}
    constants = []
    for n, t in case.get("constant", {}).items():
        t = tensor(t)
        t.name = n
        constants.append(t)
    infos = [helper.make_tensor_value_info(n, t.data_type, list(t.dims)) for n, t in inputs.items()]
    outputs = [onnx.ValueInfoProto(name=n) for n in names_of(case)]
    graph = helper.make_graph(nodes, "case", infos, outputs, constants)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=10 if opset < 23 else 11)
    return made, {n: numpy_helper.to_array(t) for n, t in inputs.items()}


def typed(made):
    """The model with the types of its outputs, which ONNX Runtime must be told."""
    return onnx.shape_inference.infer_shapes(made)


def by_reference(made, inputs):
    return ReferenceEvaluator(made).run(None, inputs)


def by_runtime(made, inputs):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(typed(made).SerializeToString(), options).run(None, inputs)


def attempt(function, *arguments):
    try:
        return function(*arguments), None
    except Exception as e:  # any engine, any failure
        return None, str(e).strip().splitlines()[0][:150]


def kind_of(array, case, made, name):
    names = {"float32": "float", "float64": "double"}
    kind = str(array.dtype)
    return names.get(kind, kind)


def fill(path):
    cases = tomllib.loads(path.read_text())["case"]
    lines = path.read_text().split("\n[[case]]\n")
    done = [lines[0].rstrip("\n")]
    for case, block in zip(cases, lines[1:], strict=True):
        block = block.rstrip("\n")
        by = case.get("by", "")
        made, inputs = model(case)
        own = "com.microsoft" in case["graph"] or by.startswith("onnxruntime")
        first, second = (by_runtime, by_reference) if own else (by_reference, by_runtime)
        outputs, why = (None, by) if "output" in case else attempt(first, made, inputs)
        if "output" in case:
            outputs = [numpy_helper.to_array(tensor(case["output"][n])) for n in names_of(case)]
        elif outputs is None:
            print(f"{path.name}: {case['name']}: NOT MADE: {why}")
        if outputs is not None:
            other, why = attempt(second, made, inputs)
            others = [("second", other, why)]
            if "output" in case:
                others.append(("first", *attempt(first, made, inputs)))
            for label, other, why in others:
                if other is None:
                    if "is unknown" not in why:  # the other knows no such operator
                        print(f"{path.name}: {case['name']}: {label} opinion: {why}")
                    continue
                for n, a, b in zip(names_of(case), outputs, other):
                    a, b = np.asarray(a), np.asarray(b)
                    if a.shape != b.shape or a.dtype != b.dtype or not np.allclose(
                            a.astype(np.float64), b.astype(np.float64), 1e-5, 1e-6, equal_nan=True):
                        print(f"{path.name}: {case['name']}: {label} opinion on {n}: {a.dtype} {a.tolist()} / {b.dtype} {b.tolist()}")
            if "output" not in case:
                for n, array in zip(names_of(case), outputs):
                    array = np.asarray(array)
                    block += f'\noutput.{n} = "{text(array, kind_of(array, case, made, n))}"'
        done.append(block)
    path.write_text("\n\n[[case]]\n".join(done) + "\n")


if __name__ == "__main__":
    files = [pathlib.Path(a) for a in sys.argv[1:]] or sorted(HERE.glob("*.toml"))
    for file in files:
        fill(file)
