"""Write trained weights as ONNX, node by node: no exporter in between that fuses or renames anything.

Convolution and BatchNormalization stay separate nodes, as trained: folding them is the converter's work.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .network import BATCH_NORM_EPSILON

OPSET = 17
IR_VERSION = 8


def build(network, weights):
    """The ONNX model; `weights` maps PyTorch's state names to arrays."""
    nodes, initialisers = [], []

    def constant(name):
        initialisers.append(numpy_helper.from_array(np.ascontiguousarray(weights[name], np.float32), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    value = network.input
    for stage in network.stages:
        entry = value
        for conv in stage.convs:
            name, last = conv.name, stage.residual and conv is stage.convs[-1]
            value = node(
                "Conv",
                [value, constant(f"{name}.conv.weight")],
                f"{name}_conv",
                kernel_shape=[conv.kernel] * 2,
                strides=[conv.stride] * 2,
                pads=[conv.padding] * 4,
                group=conv.groups,
            )
            norm = [constant(f"{name}.norm.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
            value = node("BatchNormalization", [value, *norm], f"{name}_norm", epsilon=BATCH_NORM_EPSILON)
            if last:
                value = node("Add", [value, entry], f"{name}_add")
            value = node("Relu", [value], f"{name}_relu")
    value = node("GlobalAveragePool", [value], "pool")
    value = node("Flatten", [value], "features", axis=1)
    node("Gemm", [value, constant("fc.weight"), constant("fc.bias")], "logits", transB=1)
    assert weights["fc.weight"].shape == (len(network.classes), network.features)

    graph = helper.make_graph(
        nodes,
        network.name,
        [helper.make_tensor_value_info(network.input, TensorProto.FLOAT, ["N", 1, *network.shape])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(network.classes)])],
        initialisers,
    )
    producer = f"redpoll models/{network.name}"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name=producer)
    onnx.checker.check_model(model, full_check=True)
    return model
