"""Makes onnx_cases.json: what ONNX Runtime computes for one operator at a time.

Run from this folder with onnx, onnxruntime and numpy installed: `python make_onnx_cases.py`.
Data is channels-last in the file; ONNX sees it channels-first.
"""
import json

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

rng = np.random.default_rng(7)
cases = []


def run(op, inputs, attrs, outputs=1, opset=20):
    names = [f"i{k}" if v is not None else "" for k, v in enumerate(inputs)]
    node = helper.make_node(op, names, ["y"], **attrs)
    infos = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for n, v in zip(names, inputs)
        if v is not None
    ]
    out = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph([node], "case", infos, [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    model = onnx.shape_inference.infer_shapes(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {n: v for n, v in zip(names, inputs) if v is not None})[0]


def pack(v):
    v = np.ascontiguousarray(v)
    name = {"float32": "f32", "int8": "i8", "uint8": "u8", "int32": "i32", "int64": "i64", "bool": "bool"}[v.dtype.name]
    flat = v.ravel()
    if name == "f32":
        data = [float(f"{x:.9g}") for x in flat.tolist()]
    else:
        data = [int(x) for x in flat.tolist()]
    return {"dtype": name, "shape": list(v.shape), "data": data}


def case(name, inputs, output):
    cases.append({"name": name, "inputs": [pack(v) for v in inputs], "output": pack(output)})


def last(v):
    """Channels-first to channels-last."""
    return np.moveaxis(v, 1, -1)


def f32(*shape, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def plain(name, op, inputs, given=None, opset=20, **attrs):
    given = inputs if given is None else given
    case(name, given, run(op, inputs, attrs, opset=opset))


def conv(name, x, w, b, **attrs):
    y = run("Conv", [x, w] + ([] if b is None else [b]), attrs)
    case(name, [last(x), last(w)] + ([] if b is None else [b]), last(y))


conv("conv_strided", f32(2, 3, 7, 6), f32(4, 3, 3, 2), f32(4), strides=[2, 1], pads=[1, 0, 1, 1])
conv("conv_dilated_groups", f32(1, 4, 8, 8), f32(6, 2, 3, 3), None, dilations=[2, 2], group=2, pads=[2, 2, 2, 2])
conv("conv_depthwise", f32(1, 5, 6, 6), f32(5, 1, 3, 3), f32(5), group=5, pads=[1, 1, 1, 1])
conv("conv_depthwise_multiplier", f32(1, 3, 5, 5), f32(6, 1, 3, 3), f32(6), group=3)
conv("conv_1d", f32(2, 4, 9), f32(3, 4, 3), f32(3), strides=[2], pads=[1, 1])

x, w, b = f32(3, 5), f32(4, 5), f32(4)
case("dense", [x, w, b], run("Gemm", [x, w, b], {"transB": 1}))
plain("matmul_broadcast", "MatMul", [f32(2, 1, 3, 4), f32(3, 4, 2)])
x = f32(2, 3, 4, 4)
scale, bias, mean, var = f32(3), f32(3), f32(3), np.abs(f32(3)) + np.float32(0.1)
y = run("BatchNormalization", [x, scale, bias, mean, var], {"epsilon": 1e-3}, opset=15)
case("batch_norm", [last(x), scale, bias, mean, var], last(y))

x = f32(1, 2, 7, 7)
for name, op, attrs in [
    ("max_pool", "MaxPool", dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1])),
    ("max_pool_dilated", "MaxPool", dict(kernel_shape=[2, 2], dilations=[2, 2])),
    ("average_pool", "AveragePool", dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
    ("average_pool_border", "AveragePool", dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)),
]:
    case(name, [last(x)], last(run(op, [x], attrs)))
x = f32(1, 3, 8)
case("average_pool_1d", [last(x)], last(run("AveragePool", [x], dict(kernel_shape=[2], strides=[2]))))

x = np.concatenate([f32(24, scale=3), np.array([0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, 20, -20], np.float32)])
for name, op, attrs in [
    ("leaky_relu", "LeakyRelu", dict(alpha=0.1)),
    ("elu", "Elu", dict(alpha=0.7)),
    ("sigmoid", "Sigmoid", {}),
    ("hard_sigmoid", "HardSigmoid", dict(alpha=0.25, beta=0.4)),
    ("hard_swish", "HardSwish", {}),
    ("tanh", "Tanh", {}),
    ("gelu", "Gelu", {}),
    ("gelu_tanh", "Gelu", dict(approximate="tanh")),
    ("softplus", "Softplus", {}),
    ("exp", "Exp", {}),
    ("erf", "Erf", {}),
    ("neg", "Neg", {}),
    ("abs", "Abs", {}),
    ("floor", "Floor", {}),
    ("ceil", "Ceil", {}),
    ("round", "Round", {}),
]:
    plain(name, op, [x], **attrs)
case("silu", [x], run("Mul", [x, run("Sigmoid", [x], {})], {}))
case("clip", [x], run("Clip", [x, np.array(-1, np.float32), np.array(2, np.float32)], {}))
positive = np.abs(x[:24]) + np.float32(0.01)
for name, op in [("log", "Log"), ("sqrt", "Sqrt"), ("reciprocal", "Reciprocal")]:
    plain(name, op, [positive])
plain("not", "Not", [np.array([True, False])])

a, b = f32(2, 3, 4), f32(3, 1)
for name, op in [("add", "Add"), ("sub", "Sub"), ("mul", "Mul"), ("div", "Div"), ("max", "Max"), ("min", "Min")]:
    plain(name, op, [a, b])
plain("pow", "Pow", [np.abs(a), b])
ia, ib = rng.integers(-3, 4, (3, 4)), rng.integers(-3, 4, (4,))
for name, op in [("equal_i64", "Equal"), ("less_i64", "Less"), ("greater_i64", "Greater")]:
    plain(name, op, [ia, ib])
for name, op in [("add_i64", "Add"), ("mul_i64", "Mul")]:
    plain(name, op, [ia, ib])
plain("div_i64", "Div", [ia, np.array([2, -2, 3, 1])])

x = f32(2, 3, 4, 5)
for kind in ["Sum", "Mean", "Max", "Min", "Prod"]:
    axes = np.array([1, 2])
    keep = 1 if kind in ("Mean", "Max") else 0
    y = run("Reduce" + kind, [x, axes], dict(keepdims=keep))
    case("reduce_" + kind.lower(), [x], y)
case("reduce_mean_last", [x], run("ReduceMean", [x, np.array([-1])], dict(keepdims=1)))
plain("softmax_last", "Softmax", [x], axis=-1)
plain("softmax_1", "Softmax", [x], axis=1)

plain("transpose", "Transpose", [x], perm=[0, 2, 3, 1])
plain("concat", "Concat", [f32(2, 1, 3), f32(2, 2, 3)], axis=1)
small = f32(4, 6)
case("slice", [small], run("Slice", [small, np.array([3, 0]), np.array([0, 6]), np.array([0, 1]), np.array([-2, 2])], {}))
for mode in ["constant", "edge", "reflect"]:
    inputs = [small, np.array([1, 2, 0, 1])] + ([np.array(0.5, np.float32)] if mode == "constant" else [])
    case("pad_" + mode, [small], run("Pad", inputs, dict(mode=mode)))
e = f32(3, 1)
case("expand", [e], run("Expand", [e, np.array([2, 3, 4])], {}))
plain("gather", "Gather", [small, np.array([[0, -1], [2, 1]])], axis=1)

x = f32(1, 2, 3, 4)


def resize(name, sizes, **attrs):
    y = run("Resize", [x, None, None, np.array([1, 2, *sizes])], attrs)
    case(name, [last(x)], last(y))


resize("resize_nearest_floor", [6, 8], mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric")
resize("resize_nearest_half_pixel", [5, 7], mode="nearest", nearest_mode="round_prefer_floor", coordinate_transformation_mode="half_pixel")
resize("resize_linear_half_pixel", [6, 7], mode="linear", coordinate_transformation_mode="half_pixel")
resize("resize_linear_align_corners", [5, 9], mode="linear", coordinate_transformation_mode="align_corners")
resize("resize_linear_down", [2, 1], mode="linear", coordinate_transformation_mode="pytorch_half_pixel")

x = np.concatenate([f32(40, scale=2), np.array([0.025, 0.075, -0.025, 100, -100], np.float32)])
s = np.array(0.05, np.float32)
case("quantize_i8", [x], run("QuantizeLinear", [x, s, np.array(-5, np.int8)], {}))
case("quantize_u8", [x], run("QuantizeLinear", [x, s, np.array(100, np.uint8)], {}))
q = rng.integers(-128, 128, (3, 4)).astype(np.int8)
case("dequantize_axis", [q], run("DequantizeLinear", [q, np.array([0.1, 0.02, 0.5], np.float32), np.array([0, 3, -7], np.int8)], dict(axis=0)))
x = np.array([1.9, -1.9, 0, 0.4, 3], np.float32)
case("cast_i32", [x], run("Cast", [x], dict(to=TensorProto.INT32)))
case("cast_bool", [x], run("Cast", [x], dict(to=TensorProto.BOOL)))

with open("onnx_cases.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(len(cases), "cases")
