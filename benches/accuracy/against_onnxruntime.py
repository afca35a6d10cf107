#!/usr/bin/env python3
"""Our engine on the plan against ONNX Runtime on the exported int8 ONNX, and the float paths against each other.

    python3 benches/accuracy/against_onnxruntime.py --redpoll target/release/redpoll --data DATA CONVERTED...

CONVERTED are folders that `redpoll convert` wrote, named as the folders of samples in DATA (see prepare.py). For each model: how many output
elements differ over the first samples, and by how much at most, in steps of the output's quantisation; with ONNX Runtime's graph
optimisations on, and off.
"""
import argparse
import os
import subprocess
import tempfile

import numpy as np
import onnx
import onnxruntime as ort


def output_scale(path):
    """The scale of the dequantise step that makes the first output, where there is one."""
    model = onnx.load(path)
    makers = {o: n for n in model.graph.node for o in n.output}
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    name = model.graph.output[0].name
    while name in makers:
        node = makers[name]
        if node.op_type == "DequantizeLinear":
            return float(constants[node.input[1]])
        if node.op_type not in ("Identity", "Reshape", "Flatten", "Transpose", "Squeeze"):
            return None
        name = node.input[0]
    return None


def session(path, optimised):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def engine(redpoll, model, name, x):
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/in.npz", **{name: x})
        subprocess.run([redpoll, "run", model, "--input", f"{folder}/in.npz", "-o", f"{folder}/out.npz"], check=True, capture_output=True)
        return list(np.load(f"{folder}/out.npz").values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redpoll", default="target/release/redpoll")
    parser.add_argument("--data", required=True)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--most-steps", type=float, help="fails when the optimised difference passes so many output steps")
    parser.add_argument("converted", nargs="+")
    args = parser.parse_args()
    print("| model | output elements | differ from ONNX Runtime, optimised | largest | differ, not optimised | largest |")
    print("|---|---|---|---|---|---|")
    for folder in args.converted:
        name = os.path.basename(os.path.normpath(folder))
        model = os.path.join(folder, "model.int8.onnx")
        sessions = [session(model, True), session(model, False)]
        info = sessions[0].get_inputs()[0]
        scale = output_scale(model)
        samples = np.load(os.path.join(args.data, name, "evaluate.npz"))["x"][:args.samples]
        total, counts, largest = 0, [0, 0], [0.0, 0.0]
        for sample in samples:
            x = sample.reshape(info.shape).astype(np.float32)
            ours = engine(args.redpoll, os.path.join(folder, "model.plan"), info.name, x)
            total += sum(o.size for o in ours)
            for i, s in enumerate(sessions):
                for a, b in zip(ours, s.run(None, {info.name: x})):
                    difference = np.abs(a.reshape(b.shape).astype(np.float64) - b)
                    counts[i] += int((difference > 0).sum())
                    largest[i] = max(largest[i], float(difference.max()))
        if args.most_steps is not None and scale and largest[0] / scale > args.most_steps + 1e-3:
            raise SystemExit(f"{name}: outputs differ by {largest[0] / scale:.2f} steps")
        unit = (lambda v: f"{v / scale:.1f} steps") if scale else (lambda v: f"{v:.1e}")
        print(f"| {name} | {total} | {counts[0]} | {unit(largest[0])} | {counts[1]} | {unit(largest[1])} |", flush=True)


if __name__ == "__main__":
    main()
