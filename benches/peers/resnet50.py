#!/usr/bin/env python3
"""Builds ResNet50 (v1.5, 224 × 224) with random weights and quantises it with ONNX Runtime: right for speed, meaningless for accuracy.

    venv/bin/pip install onnx onnxruntime numpy
    venv/bin/python benches/peers/resnet50.py FOLDER      # writes FOLDER/resnet50_f32.onnx and FOLDER/resnet50.onnx (int8, QDQ)

Batch normalisation is folded into the convolutions, as every runtime does at load. Activations are uint8 per tensor, weights int8 per
channel, as in the other int8 files that side_by_side.py is run on.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Network:
    """Collects nodes and weights."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(0)

    def constant(self, name, value):
        self.weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(self, kind, inputs, **attributes):
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x, inputs, outputs, kernel, stride=1, gain=1.0):
        name = f"conv_{len(self.nodes)}"
        scale = gain * np.sqrt(2.0 / (inputs * kernel * kernel))
        weights = self.constant(name + ".weight", self.random.standard_normal((outputs, inputs, kernel, kernel)) * scale)
        bias = self.constant(name + ".bias", self.random.standard_normal(outputs) * 0.01)
        pad = kernel // 2
        return self.node("Conv", [x, weights, bias], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def relu(self, x):
        return self.node("Relu", [x])

    def bottleneck(self, x, inputs, middle, stride):
        y = self.relu(self.conv(x, inputs, middle, 1))
        y = self.relu(self.conv(y, middle, middle, 3, stride))
        y = self.conv(y, middle, middle * 4, 1, gain=0.3)
        if stride != 1 or inputs != middle * 4:
            x = self.conv(x, inputs, middle * 4, 1, stride)
        return self.relu(self.node("Add", [y, x]))


def build():
    net = Network()
    x = net.relu(net.conv("x", 3, 64, 7, 2))
    x = net.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inputs = 64
    for middle, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            x = net.bottleneck(x, inputs, middle, stride if block == 0 else 1)
            inputs = middle * 4
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x])])
    weights = net.constant("fc.weight", net.random.standard_normal((1000, 2048)) * 0.02)
    bias = net.constant("fc.bias", np.zeros(1000))
    net.nodes.append(helper.make_node("Gemm", [x, weights, bias], ["y"], name="fc", transB=1))
    graph = helper.make_graph(
        net.nodes, "resnet50",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1000])], net.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def quantize(source, target):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            random = np.random.default_rng(1)
            self.samples = iter([{"x": random.standard_normal((1, 3, 224, 224)).astype(np.float32)} for _ in range(4)])

        def get_next(self):
            return next(self.samples, None)

    quantize_static(source, target, Reader(), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, per_channel=True)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(folder, "resnet50_f32.onnx")
    onnx.save(build(), source)
    quantize(source, os.path.join(folder, "resnet50.onnx"))


if __name__ == "__main__":
    main()
