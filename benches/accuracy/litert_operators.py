"""Makes models of one operator each, and runs them in Redpoll and in LiteRT's reference kernels on the same inputs.

    python benches/accuracy/litert_operators.py --build target/release

Floats must agree to 1e-5 of the largest value, integers and truth values exactly, quantised results to one step.
"""

import argparse
import ctypes
import pathlib
import subprocess
import sys
import tempfile

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from against_litert import Redpoll

TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9}
CHANCE = np.random.default_rng(11)


def f(*shape):
    """A float input."""
    return ("in", CHANCE.uniform(-2, 2, shape).astype(np.float32))


def positive(*shape):
    return ("in", CHANCE.uniform(0.1, 3, shape).astype(np.float32))


def i(*shape):
    return ("in", CHANCE.integers(-9, 9, shape).astype(np.int32))


def b(*shape):
    return ("in", CHANCE.integers(0, 2, shape).astype(bool))


def c(values, dtype=np.int32):
    """A constant."""
    return ("const", np.asarray(values, dtype))


def memory(*shape):
    """What the operator changes in place and finds again in the next run."""
    return ("memory", np.zeros(shape, np.float32))


LEFT_OUT = ("none", None)


def w(*shape):
    """Constant floats."""
    return ("const", CHANCE.uniform(-1, 1, shape).astype(np.float32))


def options(kind, **fields):
    table = getattr(schema, kind + "T")()
    for name, value in fields.items():
        setattr(table, name, value)
    return getattr(schema.BuiltinOptions, kind), table


def window(kind, padding, stride=(1, 1), **more):
    return options(kind, padding=padding, strideH=stride[0], strideW=stride[1], **more)


UNARY = "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LOGISTIC NEG RELU RELU6 RELU_N1_TO_1 ROUND SIGN SIN TANH SQUARE LOG_SOFTMAX".split()
CONV, DEEP, POOL, UP = "Conv2DOptions", "DepthwiseConv2DOptions", "Pool2DOptions", "TransposeConvOptions"


def cases():
    """Name, operator, options, operands, types of the results."""
    for op in UNARY:
        yield op, op, None, [f(2, 3, 5)], ["float32"]
    for op in ["LOG", "SQRT", "RSQRT"]:
        yield op, op, None, [positive(2, 7)], ["float32"]
    for op, kind in [("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("DIV", "DivOptions")]:
        for act in range(4):
            yield f"{op} activation {act}", op, options(kind, fusedActivationFunction=act), [f(2, 3, 4), positive(3, 1)], ["float32"]
    yield "ADD int32", "ADD", options("AddOptions"), [i(3), i(2, 3)], ["int32"]
    for op in ["MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD"]:
        yield op, op, None, [f(2, 3), positive(2, 3)], ["float32"]
    yield "FLOOR_MOD int32", "FLOOR_MOD", None, [i(9), c([3] * 9)], ["int32"]
    yield "POW", "POW", None, [positive(5), f(5)], ["float32"]
    for op in ["EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"]:
        yield op, op, None, [i(4, 9), i(4, 9)], ["bool"]
    for op in ["LOGICAL_AND", "LOGICAL_OR"]:
        yield op, op, None, [b(9), b(9)], ["bool"]
    yield "LOGICAL_NOT", "LOGICAL_NOT", None, [b(9)], ["bool"]
    yield "ADD_N", "ADD_N", None, [f(3), f(3), f(3)], ["float32"]
    yield "SELECT", "SELECT", None, [b(2, 4), f(2, 4), f(2, 4)], ["float32"]
    yield "SELECT_V2", "SELECT_V2", None, [b(2, 1), f(2, 4), f(4)], ["float32"]
    yield "PRELU", "PRELU", None, [f(1, 3, 4, 5), w(1, 1, 5)], ["float32"]
    yield "LEAKY_RELU", "LEAKY_RELU", options("LeakyReluOptions", alpha=0.2), [f(9)], ["float32"]
    for approximate in [False, True]:
        yield f"GELU {approximate}", "GELU", options("GeluOptions", approximate=approximate), [f(99)], ["float32"]
    yield "SOFTMAX beta", "SOFTMAX", options("SoftmaxOptions", beta=0.7), [f(2, 9)], ["float32"]
    yield "L2_NORMALIZATION", "L2_NORMALIZATION", options("L2NormOptions"), [f(3, 9)], ["float32"]
    yield "LOCAL_RESPONSE_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION", options(
        "LocalResponseNormalizationOptions", radius=2, bias=1.5, alpha=0.3, beta=0.6), [f(1, 2, 3, 9)], ["float32"]
    for padding in [0, 1]:
        for stride in [(1, 1), (2, 3)]:
            name = f"padding {padding} stride {stride}"
            yield f"CONV_2D {name}", "CONV_2D", window(CONV, padding, stride, fusedActivationFunction=1), [f(1, 7, 9, 3), w(4, 3, 2, 3), w(4)], ["float32"]
            yield f"DEPTHWISE_CONV_2D {name}", "DEPTHWISE_CONV_2D", window(DEEP, padding, (stride[0],) * 2, depthMultiplier=2), [f(1, 7, 9, 3), w(1, 3, 2, 6), w(6)], ["float32"]
            for pool in ["AVERAGE_POOL_2D", "MAX_POOL_2D"]:
                yield f"{pool} {name}", pool, window(POOL, padding, stride, filterHeight=3, filterWidth=2), [f(1, 7, 9, 3)], ["float32"]
    yield "CONV_2D dilation", "CONV_2D", window(CONV, 0, dilationHFactor=2, dilationWFactor=3), [f(1, 8, 9, 3), w(4, 3, 2, 3), w(4)], ["float32"]
    yield "CONV_2D groups", "CONV_2D", window(CONV, 1), [f(1, 5, 5, 4), w(6, 3, 3, 2), w(6)], ["float32"]
    yield "TRANSPOSE_CONV same", "TRANSPOSE_CONV", window(UP, 0, (2, 2)), [c([1, 8, 10, 3]), w(3, 3, 3, 2), f(1, 4, 5, 2)], ["float32"]
    yield "TRANSPOSE_CONV odd", "TRANSPOSE_CONV", window(UP, 0, (2, 2)), [c([1, 7, 9, 3]), w(3, 3, 3, 2), f(1, 4, 5, 2)], ["float32"]
    yield "TRANSPOSE_CONV valid", "TRANSPOSE_CONV", window(UP, 1, (2, 3)), [c([1, 9, 14, 3]), w(3, 3, 2, 2), f(1, 4, 5, 2)], ["float32"]
    yield "FULLY_CONNECTED", "FULLY_CONNECTED", options("FullyConnectedOptions", fusedActivationFunction=3), [f(2, 3, 4), w(5, 12), w(5)], ["float32"]
    yield "FULLY_CONNECTED keeps", "FULLY_CONNECTED", options("FullyConnectedOptions", keepNumDims=True), [f(2, 3, 4), w(5, 4), w(5)], ["float32"]
    for x, y in [(False, False), (True, False), (False, True)]:
        shape = (2, 4, 3) if x else (2, 3, 4), (2, 5, 4) if y else (2, 4, 5)
        yield f"BATCH_MATMUL {x} {y}", "BATCH_MATMUL", options("BatchMatMulOptions", adjX=x, adjY=y), [f(*shape[0]), f(*shape[1])], ["float32"]
    yield "RESHAPE", "RESHAPE", None, [f(2, 6), c([3, -1])], ["float32"]
    yield "SQUEEZE", "SQUEEZE", options("SqueezeOptions", squeezeDims=[0, -1]), [f(1, 3, 1, 2, 1)], ["float32"]
    yield "EXPAND_DIMS", "EXPAND_DIMS", None, [f(2, 3), c(-1)], ["float32"]
    yield "TRANSPOSE", "TRANSPOSE", None, [f(2, 3, 4), c([2, 0, 1])], ["float32"]
    yield "PAD", "PAD", None, [f(2, 3), c([[1, 0], [2, 3]])], ["float32"]
    yield "PADV2", "PADV2", None, [f(2, 3), c([[1, 0], [2, 3]]), c(7.5, np.float32)], ["float32"]
    yield "MIRROR_PAD", "MIRROR_PAD", options("MirrorPadOptions", mode=0), [f(3, 4), c([[1, 2], [3, 0]])], ["float32"]
    yield "SLICE", "SLICE", None, [f(4, 5), c([1, 2]), c([2, -1])], ["float32"]
    strided = lambda **masks: options("StridedSliceOptions", **masks)
    yield "STRIDED_SLICE", "STRIDED_SLICE", strided(beginMask=2, endMask=1), [f(5, 6), c([1, 3]), c([2, 6]), c([2, 1])], ["float32"]
    yield "STRIDED_SLICE back", "STRIDED_SLICE", strided(beginMask=1, endMask=3), [f(5, 6), c([0, -1]), c([0, 0]), c([-1, -2])], ["float32"]
    yield "STRIDED_SLICE shrink", "STRIDED_SLICE", strided(shrinkAxisMask=1), [f(5, 6), c([-1, 1]), c([0, 4]), c([1, 1])], ["float32"]
    yield "CONCATENATION", "CONCATENATION", options("ConcatenationOptions", axis=-1), [f(2, 3), f(2, 1)], ["float32"]
    yield "SPLIT", "SPLIT", options("SplitOptions", numSplits=3), [c(1), f(2, 6)], ["float32"] * 3
    yield "SPLIT_V", "SPLIT_V", options("SplitVOptions", numSplits=3), [f(2, 7), c([2, -1, 1]), c(1)], ["float32"] * 3
    yield "PACK", "PACK", options("PackOptions", valuesCount=2, axis=1), [f(2, 3), f(2, 3)], ["float32"]
    yield "UNPACK", "UNPACK", options("UnpackOptions", num=3, axis=1), [f(2, 3, 4)], ["float32"] * 3
    yield "TILE", "TILE", None, [f(2, 3), c([2, 3])], ["float32"]
    yield "BROADCAST_TO", "BROADCAST_TO", None, [f(3, 1), c([2, 3, 4])], ["float32"]
    yield "FILL", "FILL", None, [c([2, 3]), ("in", np.float32(4.5).reshape(()))], ["float32"]
    yield "SPACE_TO_DEPTH", "SPACE_TO_DEPTH", options("SpaceToDepthOptions", blockSize=2), [f(1, 4, 6, 3)], ["float32"]
    yield "DEPTH_TO_SPACE", "DEPTH_TO_SPACE", options("DepthToSpaceOptions", blockSize=2), [f(1, 2, 3, 12)], ["float32"]
    yield "SPACE_TO_BATCH_ND", "SPACE_TO_BATCH_ND", None, [f(1, 5, 6, 3), c([2, 3]), c([[1, 2], [0, 3]])], ["float32"]
    yield "BATCH_TO_SPACE_ND", "BATCH_TO_SPACE_ND", None, [f(6, 4, 3, 3), c([2, 3]), c([[1, 2], [0, 3]])], ["float32"]
    yield "GATHER", "GATHER", options("GatherOptions", axis=1), [f(2, 5, 3), c([[4, 0], [1, 1]])], ["float32"]
    yield "GATHER_ND", "GATHER_ND", None, [f(2, 5, 3), c([[1, 4], [0, 2]])], ["float32"]
    yield "EMBEDDING_LOOKUP", "EMBEDDING_LOOKUP", None, [c([2, 0, 2]), f(4, 3)], ["float32"]
    yield "ARG_MAX", "ARG_MAX", options("ArgMaxOptions", outputType=2), [f(3, 7), c(-1)], ["int32"]
    yield "ARG_MIN", "ARG_MIN", options("ArgMinOptions", outputType=4), [f(3, 7), c(0)], ["int64"]
    yield "TOPK_V2", "TOPK_V2", None, [f(3, 7), c(4)], ["float32", "int32"]
    yield "ONE_HOT", "ONE_HOT", options("OneHotOptions", axis=-1), [c([0, 3, 1]), c(4), ("in", np.float32(2.5).reshape(())), c(-1.0, np.float32)], ["float32"]
    yield "RANGE", "RANGE", None, [c(1), c(12), c(3)], ["int32"]
    yield "CUMSUM", "CUMSUM", options("CumsumOptions", exclusive=True, reverse=True), [f(3, 7), c(1)], ["float32"]
    yield "REVERSE_V2", "REVERSE_V2", None, [f(3, 7), c([1])], ["float32"]
    yield "SHAPE", "SHAPE", options("ShapeOptions", outType=2), [f(3, 7)], ["int32"]
    yield "RANK", "RANK", None, [f(3, 7)], ["int32"]
    yield "ZEROS_LIKE", "ZEROS_LIKE", None, [f(3, 7)], ["float32"]
    yield "CAST", "CAST", options("CastOptions", inDataType=0, outDataType=2), [f(3, 7)], ["int32"]
    for keep in [False, True]:
        for op in ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"]:
            yield f"{op} {keep}", op, options("ReducerOptions", keepDims=keep), [f(2, 3, 4), c([0, -1])], ["float32"]
        for op in ["REDUCE_ANY", "REDUCE_ALL"]:
            yield f"{op} {keep}", op, options("ReducerOptions", keepDims=keep), [b(5, 3), c([1])], ["bool"]
    for align, half in [(False, False), (True, False), (False, True)]:
        how = dict(alignCorners=align, halfPixelCenters=half)
        for size in [(7, 9), (2, 3)]:
            yield f"RESIZE_BILINEAR {how} {size}", "RESIZE_BILINEAR", options("ResizeBilinearOptions", **how), [f(1, 4, 5, 2), c(size)], ["float32"]
            yield f"RESIZE_NEAREST_NEIGHBOR {how} {size}", "RESIZE_NEAREST_NEIGHBOR", options("ResizeNearestNeighborOptions", **how), [f(1, 4, 5, 2), c(size)], ["float32"]


def lstm_parts(inputs, hidden, peepholes, coupled):
    """The weights of one direction: of x, recurrent, peepholes, biases, and no projection."""
    gates = lambda *shape: [LEFT_OUT if coupled and i == 0 else w(*shape) for i in range(4)]
    watched = [LEFT_OUT if not peepholes else w(hidden)] * 3
    return gates(hidden, inputs) + gates(hidden, hidden) + watched + gates(hidden) + [LEFT_OUT] * 2


def recurrent():
    """Layers with memory: each runs twice."""
    one, both = "UnidirectionalSequenceLSTMOptions", "BidirectionalSequenceLSTMOptions"
    for major, peepholes, coupled in [(True, False, False), (False, True, False), (False, False, True)]:
        # The reference kernel asks for at least one peephole to be there, or none.
        operands = [f(5, 2, 3) if major else f(2, 5, 3), *lstm_parts(3, 4, peepholes, coupled), memory(2, 4), memory(2, 4)] + [LEFT_OUT] * 4
        name = f"UNIDIRECTIONAL_SEQUENCE_LSTM {major} {peepholes} {coupled}"
        yield name, "UNIDIRECTIONAL_SEQUENCE_LSTM", options(one, fusedActivationFunction=4, timeMajor=major), operands, ["float32"]
    operands = [f(2, 3), *lstm_parts(3, 4, False, False), memory(2, 4), memory(2, 4)]
    yield "LSTM", "LSTM", options("LSTMOptions", fusedActivationFunction=4), operands, ["float32"]
    for merge in [False, True]:
        parts = lstm_parts(3, 4, False, False)
        operands = [f(2, 5, 3), *parts, *lstm_parts(3, 4, False, False), *[memory(2, 4) for _ in range(4)]] + [LEFT_OUT] * 9
        opts = options(both, fusedActivationFunction=4, timeMajor=False, mergeOutputs=merge)
        yield f"BIDIRECTIONAL_SEQUENCE_LSTM {merge}", "BIDIRECTIONAL_SEQUENCE_LSTM", opts, operands, ["float32"] * (1 if merge else 2)
    cell = lambda: [w(4, 3), w(4, 4), w(4), memory(2, 4)]
    yield "RNN", "RNN", options("RNNOptions", fusedActivationFunction=1), [f(2, 3), *cell()], ["float32"]
    for major in [True, False]:
        x = f(5, 2, 3) if major else f(2, 5, 3)
        opts = options("SequenceRNNOptions", fusedActivationFunction=4, timeMajor=major)
        yield f"UNIDIRECTIONAL_SEQUENCE_RNN {major}", "UNIDIRECTIONAL_SEQUENCE_RNN", opts, [x, *cell()], ["float32"]
        opts = options("BidirectionalSequenceRNNOptions", fusedActivationFunction=4, timeMajor=major, mergeOutputs=major)
        operands = [x, *cell(), *cell()] + [LEFT_OUT] * 3
        yield f"BIDIRECTIONAL_SEQUENCE_RNN {major}", "BIDIRECTIONAL_SEQUENCE_RNN", opts, operands, ["float32"] * (1 if major else 2)
    for rank in [1, 2]:
        operands = [f(2, 3), w(4, 3), w(4, 6), w(4 // rank), memory(2, 24)]
        yield f"SVDF {rank}", "SVDF", options("SVDFOptions", rank=rank, fusedActivationFunction=1), operands, ["float32"]


def control():
    """IF with both branches, and WHILE of five rounds: name, model, inputs."""

    def make(graphs):
        m = schema.ModelT()
        m.version, m.buffers, m.subgraphs, m.description, m.operatorCodes = 3, [schema.BufferT()], [], b"control", []
        codes = {}

        def graph(tensors, inputs, outputs, operators):
            g = schema.SubGraphT()
            g.tensors, g.inputs, g.outputs, g.operators, g.name = [], inputs, outputs, [], f"graph{len(m.subgraphs)}".encode()
            for n, (dtype, shape, data) in enumerate(tensors):
                t = schema.TensorT()
                t.name, t.type, t.shape, t.buffer = f"t{n}".encode(), TYPES[dtype], list(shape), 0
                if data is not None:
                    buffer = schema.BufferT()
                    buffer.data = np.frombuffer(np.asarray(data, dtype).tobytes(), np.uint8)
                    m.buffers.append(buffer)
                    t.buffer = len(m.buffers) - 1
                g.tensors.append(t)
            for name, ins, outs, opts in operators:
                if name not in codes:
                    code = schema.OperatorCodeT()
                    number = getattr(schema.BuiltinOperator, name)
                    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
                    codes[name] = len(m.operatorCodes)
                    m.operatorCodes.append(code)
                o = schema.OperatorT()
                o.opcodeIndex, o.inputs, o.outputs = codes[name], ins, outs
                if opts:
                    o.builtinOptionsType, o.builtinOptions = opts
                g.operators.append(o)
            m.subgraphs.append(g)

        for g in graphs:
            graph(*g)
        builder = flatbuffers.Builder(1024)
        builder.Finish(m.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    x = ("float32", [2, 3], None)
    number = lambda v: ("float32", [], v)
    add, mul = options("AddOptions"), options("MulOptions")
    for value in [True, False]:
        # y = condition ? x · 3 + 1 : x · 5
        graphs = [
            ([("bool", [], None), x, x], [0, 1], [2], [("IF", [0, 1], [2], options("IfOptions", thenSubgraphIndex=1, elseSubgraphIndex=2))]),
            ([x, number(3), x, number(1), x], [0], [4], [("MUL", [0, 1], [2], mul), ("ADD", [2, 3], [4], add)]),
            ([x, number(5), x], [0], [2], [("MUL", [0, 1], [2], mul)]),
        ]
        raw = make(graphs)
        yield f"IF {value}", raw, [np.array(value), CHANCE.uniform(-2, 2, (2, 3)).astype(np.float32)]
    # while i < 5: x, i = x · 1.5 + 1, i + 1; counts from a constant.
    i, whole = ("int32", [], None), lambda v: ("int32", [], v)
    graphs = [
        ([x, whole(0), x, i], [0], [2, 3], [("WHILE", [0, 1], [2, 3], options("WhileOptions", condSubgraphIndex=1, bodySubgraphIndex=2))]),
        ([x, i, whole(5), ("bool", [], None)], [0, 1], [3], [("LESS", [1, 2], [3], None)]),
        ([x, i, number(1.5), x, number(1), x, whole(1), i], [0, 1], [5, 7], [("MUL", [0, 2], [3], mul), ("ADD", [3, 4], [5], add), ("ADD", [1, 6], [7], add)]),
    ]
    yield "WHILE", make(graphs), [CHANCE.uniform(-2, 2, (2, 3)).astype(np.float32)]


# Activations between two scales: input, result.
QUANTIZED = [("ABS", 0.02, 0.02), ("HARD_SWISH", 0.04, 0.03), ("LOGISTIC", 0.05, 1 / 256), ("TANH", 0.03, 1 / 128), ("RELU", 0.02, 0.02), ("SOFTMAX", 0.1, 1 / 256), ("QUANTIZE", 0.02, 0.05)]


def model(op, opts, operands, results, shapes, scales=None):
    m, graph = schema.ModelT(), schema.SubGraphT()
    m.version, m.buffers, m.subgraphs, m.description = 3, [schema.BufferT()], [graph], b"one operator"
    graph.tensors, graph.inputs, graph.name = [], [], b"main"
    code = schema.OperatorCodeT()
    number = getattr(schema.BuiltinOperator, op)
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
    code.version = {"FULLY_CONNECTED": 5, "BROADCAST_TO": 2}.get(op, 1)
    m.operatorCodes = [code]

    def tensor(name, dtype, shape, data=None, scale=None):
        t = schema.TensorT()
        t.name, t.type, t.shape, t.buffer = name.encode(), TYPES[str(dtype)], list(shape), 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            m.buffers.append(buffer)
            t.buffer = len(m.buffers) - 1
        if scale is not None:
            q = schema.QuantizationParametersT()
            q.scale, q.zeroPoint = [scale[0]], [scale[1]]
            t.quantization = q
        graph.tensors.append(t)
        return len(graph.tensors) - 1

    node = schema.OperatorT()
    node.inputs = []
    for n, (kind, value) in enumerate(operands):
        if kind == "none":
            node.inputs.append(-1)
            continue
        at = tensor(f"operand{n}", value.dtype, value.shape, value if kind == "const" else None, scales and scales[0])
        node.inputs.append(at)
        graph.tensors[at].isVariable = kind == "memory"
        if kind == "in":
            graph.inputs.append(at)
    node.outputs = [tensor(f"result{n}", d, s, None, scales and scales[1]) for n, (d, s) in enumerate(zip(results, shapes))]
    graph.outputs = list(node.outputs)
    if opts:
        node.builtinOptionsType, node.builtinOptions = opts
    graph.operators = [node]
    builder = flatbuffers.Builder(1024)
    builder.Finish(m.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def litert(op, raw, values, runs=1):
    # The reference kernel leaves the last channel of each window out; the optimised one does not, nor does TensorFlow.
    kernels = [OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES][op == "LOCAL_RESPONSE_NORMALIZATION" :]
    try:
        it = Interpreter(model_content=raw, experimental_op_resolver_type=kernels[0])
    except ValueError:
        # Some operators have no reference kernel.
        it = Interpreter(model_content=raw, experimental_op_resolver_type=kernels[-1])
    it.allocate_tensors()
    for detail, value in zip(it.get_input_details(), values):
        it.set_tensor(detail["index"], value)
    for _ in range(runs):
        it.invoke()
    return [it.get_tensor(d["index"]) for d in it.get_output_details()]


def redpoll(args, library, raw, values, folder, runs=1):
    path = folder / "one.tflite"
    path.write_bytes(raw)
    done = subprocess.run([str(args.build / "redpoll"), "convert", str(path), "-o", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip())
    session = Redpoll(library, folder / "model.plan")
    for _ in range(runs):
        found = session.run_all(values)
    session.close()
    return found


def differs(args, library, raw, values, theirs, scales, folder, runs):
    """How Redpoll's results differ from LiteRT's by more than they may; empty where they do not."""
    try:
        ours = redpoll(args, library, raw, values, pathlib.Path(folder), runs)
        for p, q in zip(ours, theirs, strict=True):
            if list(p.shape) != list(q.shape):
                return f"shape {p.shape}, not {q.shape}"
            off = np.abs(p.astype(np.float64) - q.astype(np.float64)).max(initial=0)
            bound = 1e-5 * np.abs(q).max(initial=1e-30) if q.dtype == np.float32 else (1 if scales else 0)
            if off > bound:
                return f"off by {off}"
    except RuntimeError as e:
        return str(e)
    return ""


def keep(folder, name, raw, values, results):
    """Writes a model, what it reads and what LiteRT gives in the second run, for the test `tflite`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name.lower().replace(" ", "_")
    path.with_suffix(".tflite").write_bytes(raw)
    arrays = {f"in{i}": v for i, v in enumerate(values)} | {f"out{i}": v for i, v in enumerate(results)}
    np.savez(path.with_suffix(".npz"), **arrays)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("target/release"), help="folder with redpoll and libredpoll.so")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the models with memory, their inputs and LiteRT's results")
    args = parser.parse_args()
    library = ctypes.CDLL(str(next(args.build.glob("libredpoll*.so"))))
    everything = [(n, o, p, x, r, None) for n, o, p, x, r in [*cases(), *recurrent()]]
    for op, before, after in QUANTIZED:
        x = ("in", np.arange(-128, 128, dtype=np.int8).reshape(1, 256) if op != "SOFTMAX" else CHANCE.integers(-60, 60, (4, 9)).astype(np.int8))
        zero = -128 if op in ("LOGISTIC", "SOFTMAX") else 0
        opts = options("SoftmaxOptions", beta=1.0) if op == "SOFTMAX" else None
        everything.append((f"{op} int8", op, opts, [x], ["int8"], ((before, 3 if op != "ABS" and op != "RELU" else 0), (after, zero))))
    wide = lambda *shape: ("in", CHANCE.integers(-30000, 30000, shape).astype(np.int16))
    everything.append(("ADD int16", "ADD", options("AddOptions", potScaleInt16=True), [wide(3, 7), wide(3, 7)], ["int16"], ((2.0**-12, 0), (2.0**-12, 0))))
    everything.append(("AVERAGE_POOL_2D int16", "AVERAGE_POOL_2D", window(POOL, 1, filterHeight=3, filterWidth=2), [wide(1, 7, 9, 3)], ["int16"], ((0.01, 0), (0.01, 0))))
    good = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, op, opts, operands, results, scales in everything:
            if args.only not in name:
                continue
            values = [v for kind, v in operands if kind == "in"]
            runs = 2 if any(kind == "memory" for kind, _ in operands) else 1
            try:
                raw = model(op, opts, operands, results, [[]] * len(results), scales)
                theirs = litert(op, raw, values, runs)
            except (RuntimeError, ValueError) as e:
                print(f"LiteRT refuses {name}: {str(e).splitlines()[0]}")
                continue
            raw = model(op, opts, operands, results, [t.shape for t in theirs], scales)
            if args.keep and runs > 1:
                keep(args.keep, name, raw, values, theirs)
            why = differs(args, library, raw, values, theirs, scales, folder, runs)
            good, bad = good + (not why), bad + bool(why)
            if why:
                print(f"{name}: {why[:300]}")
        for name, raw, values in control():
            if args.only not in name:
                continue
            theirs = litert("", raw, values)
            if args.keep:
                keep(args.keep / "control", name, raw, values, theirs)
            why = differs(args, library, raw, values, theirs, None, folder, 1)
            good, bad = good + (not why), bad + bool(why)
            if why:
                print(f"{name}: {why[:300]}")
    print(f"{good} of {good + bad} cases agree")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
