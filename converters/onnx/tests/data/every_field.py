"""Makes every_field.onnx: each field of each ONNX message set at least once, from onnx's own descriptors.

Run `python every_field.py` with the package `onnx` installed. The file is no sensible model; it shows that
no field number is wrong or forgotten.
"""
import pathlib
import onnx

# Fields that would nest without end are left out below this depth.
DEPTH = 2
# denotation comes before these alternatives on the wire when Python writes, after them elsewhere.
LATE = {"opaque_type", "sparse_tensor_type", "optional_type"}


def fill(message, depth, choice):
    serial = 0
    for field in message.DESCRIPTOR.fields:
        serial += 1
        if field.containing_oneof is not None:
            alternatives = field.containing_oneof.fields
            if alternatives[choice % len(alternatives)] is not field:
                continue
        if field.name == "denotation" and message.WhichOneof("value") in LATE:
            continue
        repeat = 2 if field.is_repeated else 1
        for index in range(repeat):
            if field.message_type is not None:
                if depth == DEPTH:
                    continue
                child = getattr(message, field.name)
                child = child.add() if field.is_repeated else child
                child.SetInParent()
                fill(child, depth + 1, choice + serial + index)
                continue
            value = {
                "string": f"{field.name}{index}",
                "bytes": f"{field.name}{index}".encode(),
                "float": 0.5 + index,
                "double": 0.25 + index,
                "enum": 1,
            }.get(kind(field), 300 + index)
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)


def kind(field):
    names = {1: "double", 2: "float", 9: "string", 12: "bytes", 14: "enum"}
    return names.get(field.type, "int")


model = onnx.ModelProto()
fill(model, 0, 0)
fill(model.graph.value_info.add(), 0, 0)
fill(model.graph.quantization_annotation.add(), 0, 0)
fill(model.graph.node.add(), 1, 0)
node = model.graph.node.add()
for choice in range(6):
    fill(node.attribute.add(), 0, choice)
    DEPTH = 4
    fill(node.attribute.add().tp, 0, choice)
    fill(node.device_configurations.add(), 0, choice)
    DEPTH = 2
model.ir_version = onnx.IR_VERSION
for opset in list(model.opset_import) + [o for f in model.functions for o in f.opset_import]:
    opset.domain, opset.version = "ai.onnx", onnx.defs.onnx_opset_version()
for attribute in node.attribute:
    attribute.type = onnx.AttributeProto.FLOAT
data = model.SerializeToString(deterministic=True)
pathlib.Path(__file__).with_name("every_field.onnx").write_bytes(data)

# Report what is still never set.
seen = set()


def walk(message):
    for field, value in message.ListFields():
        seen.add((message.DESCRIPTOR.full_name, field.name))
        if field.message_type is not None:
            for child in value if field.is_repeated else [value]:
                walk(child)


def want(descriptor, found):
    if descriptor.full_name in found:
        return found
    found.add(descriptor.full_name)
    for field in descriptor.fields:
        missing.append((descriptor.full_name, field.name))
        if field.message_type is not None:
            want(field.message_type, found)
    return found


walk(model)
missing = []
want(onnx.ModelProto.DESCRIPTOR, set())
print(len(data), "bytes; never set:", sorted(set(missing) - seen))
