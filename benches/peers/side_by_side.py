#!/usr/bin/env python3
"""Times Redpoll and other runtimes on the same ONNX files: a fresh process for each run, pinned, rounds interleaved.

    python3 -m venv venv && venv/bin/pip install onnxruntime openvino ai-edge-litert numpy
    cargo build --release -p redpoll-cli
    venv/bin/python benches/peers/side_by_side.py --redpoll target/release/redpoll --out result.json MODEL.onnx...
    … --tflite kws=tiny_kws_int8.tflite     LiteRT beside kws.onnx, on the same network in its own int8 format
    … --tiers avxvnni,avx2                  Redpoll once more with each tier forced
    … --table result.json                   prints the table of docs/performance.md from a result

Results of several calls with the same --out are kept together, so that models can be measured a few at a time.

Prints, for each model, the median time of each runtime (best of the rounds) and its ratio to the best of the others, with
the spread over the rounds; and how far each runtime's outputs are from ONNX Runtime's on the same input. A time counts only
when the outputs are right. LiteRT's file has other weights, so its outputs are not compared.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np


def random_inputs(path):
    """Deterministic inputs for a model; symbolic dimensions are 1."""
    import onnxruntime as ort
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    kinds = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8,
             "tensor(int32)": np.int32, "tensor(int64)": np.int64}
    feed = {}
    for i in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in i.shape]
        kind = kinds[i.type]
        feed[i.name] = rng.standard_normal(shape).astype(kind) if kind == np.float32 else rng.integers(0, 100, shape).astype(kind)
    return feed


def summary(times):
    times = sorted(times)
    return {"p50_us": statistics.median(times), "min_us": times[0], "runs": len(times)}


def measure(call, seconds):
    """Warm-up for a tenth of the time, then single calls until it is over."""
    end = time.perf_counter() + seconds / 10
    while time.perf_counter() < end:
        call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 10:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    return summary(times)


def run_onnxruntime(path, feed, threads, seconds):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    binding = session.io_binding()
    for name, value in feed.items():
        binding.bind_cpu_input(name, value)
    for name in names:
        binding.bind_output(name)
    result = measure(lambda: session.run_with_iobinding(binding), seconds)
    return result, session.run(names, feed)


def run_openvino(path, feed, threads, seconds):
    import openvino as ov
    core = ov.Core()
    model = core.read_model(path)
    model.reshape({name: list(value.shape) for name, value in feed.items()})
    config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", config).create_infer_request()
    tensors = {name: ov.Tensor(value, shared_memory=True) for name, value in feed.items()}
    for name, tensor in tensors.items():
        request.set_tensor(name, tensor)
    result = measure(request.infer, seconds)
    return result, [np.array(request.get_output_tensor(i).data) for i in range(len(model.outputs))]


def run_litert(path, feed, threads, seconds):
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter(path, num_threads=threads)
    interpreter.allocate_tensors()
    random = np.random.default_rng(1)
    for i in interpreter.get_input_details():
        low, high = (0, 1) if i["dtype"] == np.float32 else (np.iinfo(i["dtype"]).min, np.iinfo(i["dtype"]).max)
        interpreter.set_tensor(i["index"], random.uniform(low, high, i["shape"]).astype(i["dtype"]))
    result = measure(interpreter.invoke, seconds)
    return result, []


RUNTIMES = {"onnxruntime": run_onnxruntime, "openvino": run_openvino, "litert": run_litert}


def run_redpoll(binary, path, feed, threads, seconds, tier):
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
        np.savez(inputs, **feed)
        extra = ["--tier", tier] if tier else []
        bench = subprocess.run([binary, "bench", path, "--input", inputs, "--threads", str(threads), "--seconds", str(seconds), "--json", *extra],
                               capture_output=True, text=True, check=True)
        result = json.loads(bench.stdout)
        subprocess.run([binary, "run", path, "--input", inputs, "-o", outputs, *extra], capture_output=True, check=True)
        return result, list(np.load(outputs).values())


def child(args):
    """One run of one runtime; prints one JSON line."""
    feed = dict(np.load(args.feed))
    model = args.models[0]
    if args.child.startswith("redpoll"):
        tier = args.child.partition(":")[2] or args.tier
        result, outputs = run_redpoll(args.redpoll, model, feed, args.threads, args.seconds, tier)
    else:
        result, outputs = RUNTIMES[args.child](model, feed, args.threads, args.seconds)
    np.savez(args.result, **{str(i): o for i, o in enumerate(outputs)})
    print(json.dumps({k: result[k] for k in ("p50_us", "min_us", "runs")}))


def duration(row, name):
    if name not in row:
        return "–"
    us = row[name]["p50_us"]
    digits = 1 if us < 1000 else 0
    return f"{us:,.{digits}f} µs (×{row[name]['spread']:.2f})"


def print_table(file):
    """The result as Markdown: median times, spread over the rounds, ratio of the best tier to the best other runtime."""
    with open(file) as f:
        models = json.load(f)["models"]
    tiers = sorted({k for row in models.values() for k in row if k.startswith("redpoll:")}, reverse=True)
    columns = ["redpoll", *tiers, *RUNTIMES]
    print("| model | " + " | ".join(columns) + " | ratio | error |")
    print("|---|" + "---:|" * (len(columns) + 2))
    for name, row in models.items():
        cells = [duration(row, c) for c in columns]
        print(f"| {name.removesuffix('.onnx')} | " + " | ".join(cells) + f" | **{row['ratio']:.2f}** | {row['redpoll']['error']:.1e} |")
    ratios = [row["ratio"] for row in models.values()]
    print(f"\nGeometric mean of the ratios: {float(np.exp(np.mean(np.log(ratios)))):.2f}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--table", metavar="RESULT", help="print a result as a table instead of measuring")
    parser.add_argument("--redpoll", default="target/release/redpoll")
    parser.add_argument("--tier", help="tier to force, for example avx2")
    parser.add_argument("--tiers", default="", help="tiers to force one after the other beside the best, separated by commas")
    parser.add_argument("--tflite", action="append", default=[], metavar="NAME=FILE", help="file for LiteRT beside NAME.onnx; repeatable")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--feed", help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args)
    if args.table:
        return print_table(args.table)
    table = {}
    tflite = dict(pair.split("=", 1) for pair in args.tflite)
    ours = ["redpoll", *(f"redpoll:{tier}" for tier in args.tiers.split(",") if tier)]
    cores = "1" if args.threads == 1 else f"0-{args.threads - 1}"
    for path in args.models:
        with tempfile.TemporaryDirectory() as folder:
            feed = os.path.join(folder, "feed.npz")
            np.savez(feed, **random_inputs(path))
            times, outputs = {}, {}
            for _ in range(args.rounds):
                for name in [*ours, *RUNTIMES]:
                    result = os.path.join(folder, name.replace(":", "_") + ".npz")
                    file = path
                    if name == "litert":
                        file = tflite.get(os.path.splitext(os.path.basename(path))[0])
                        if file is None:
                            continue
                    command = ["taskset", "-c", cores, sys.executable, os.path.abspath(__file__), file, "--child", name, "--feed", feed, "--result", result,
                               "--redpoll", args.redpoll, "--threads", str(args.threads), "--seconds", str(args.seconds)]
                    command += ["--tier", args.tier] if args.tier else []
                    done = subprocess.run(command, capture_output=True, text=True)
                    if done.returncode:
                        print(f"{path}: {name} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                        continue
                    times.setdefault(name, []).append(json.loads(done.stdout.splitlines()[-1])["p50_us"])
                    outputs[name] = list(np.load(result).values())
            reference = outputs.get("onnxruntime", [])
            row = {}
            for name, list_of_p50 in times.items():
                errors = [float(np.abs(a.astype(np.float64) - b.reshape(a.shape)).max() / max(float(np.abs(a).max()), 1e-9))
                          for a, b in zip(reference, outputs[name]) if a.size == b.size]
                row[name] = {"p50_us": min(list_of_p50), "spread": max(list_of_p50) / min(list_of_p50), "error": max(errors, default=None)}
            best = min((v["p50_us"] for k, v in row.items() if not k.startswith("redpoll")), default=None)
            if best and "redpoll" in row:
                row["ratio"] = row["redpoll"]["p50_us"] / best
            table[path] = row
            cells = "  ".join(f"{k} {v['p50_us']:.1f} µs (×{v['spread']:.2f}, error {v['error'] if v['error'] is None else format(v['error'], '.1e')})"
                              for k, v in row.items() if k != "ratio")
            print(f"{os.path.basename(path)}: {cells}  ratio {row.get('ratio', float('nan')):.2f}", flush=True)
    ratios = [r["ratio"] for r in table.values() if "ratio" in r]
    if ratios:
        print(f"geometric mean of the ratios: {float(np.exp(np.mean(np.log(ratios)))):.2f} over {len(ratios)} models")
    if args.out:
        models = {}
        if os.path.exists(args.out):
            with open(args.out) as f:
                models = json.load(f)["models"]
        models.update({os.path.basename(k): v for k, v in table.items()})
        with open(args.out, "w") as f:
            json.dump({"threads": args.threads, "tier": args.tier, "rounds": args.rounds, "models": models}, f, indent=1)


if __name__ == "__main__":
    main()
