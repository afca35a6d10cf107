#!/usr/bin/env python3
"""Converts every model of the catalogue with Redpoll's defaults and prints its accuracy beside ONNX Runtime's quantiser.

    python3 benches/accuracy/prepare.py --shared ../shared --out DATA        # once: the same samples for both
    cargo build --release -p redpoll-cli
    python3 benches/accuracy/compare.py --shared ../shared --data DATA --redpoll target/release/redpoll

Writes benches/results/redpoll_accuracy.json. The baseline is benches/results/ort_quantizer_baseline.json, made by ort_baseline.py on the
same samples; of its three methods the best is shown, figure by figure.
"""
import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from catalogue import REPOSITORY, chosen

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "..", "results")


def best(baseline, key):
    return max(m[key] for m in baseline["int8"].values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", default="../shared")
    parser.add_argument("--data", required=True)
    parser.add_argument("--redpoll", default="target/release/redpoll")
    parser.add_argument("names", nargs="*", help="models; all when left out")
    args = parser.parse_args()
    with open(os.path.join(RESULTS, "ort_quantizer_baseline.json")) as f:
        ort = json.load(f)
    results = {}
    print("| model | samples | float top-1 | int8 top-1 | drop | same as float | SQNR | ONNX Runtime: top-1 | same | SQNR |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for model in chosen(args.names):
        name = model.name
        data = os.path.join(args.data, name)
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([args.redpoll, "convert", str(model.file(Path(args.shared), REPOSITORY)), "--calibrate", f"{data}/calibrate.npz",
                            "--evaluate", f"{data}/evaluate.npz", "-o", out], check=True, capture_output=True)
            with open(f"{out}/report.json") as f:
                r = json.load(f)
        results[name] = {k: r[k] for k in ("calibration_samples", "evaluation_samples", "method", "candidates", "held_out_samples", "sqnr_db", "float", "int8", "macs", "plan_bytes",
                                           "weight_bytes", "arena_bytes", "live_bytes", "int8_onnx_bytes", "float_onnx_bytes", "seconds")}
        for form in ("float", "int8"):
            results[name][form].pop("p50_us", None)
        f, q, base = r["float"], r["int8"], ort["models"][name]
        print(f"| {name} | {r['calibration_samples']} / {r['evaluation_samples']} | {f['top1']:.2%} | {q['top1']:.2%} | {100 * (f['top1'] - q['top1']):+.2f} | "
              f"{q['agreement']:.2%} | **{r['sqnr_db']:.1f} dB** | {best(base, 'top1'):.2f}% | {best(base, 'agreement'):.2f}% | {best(base, 'sqnr_db'):.1f} dB |", flush=True)
    if not args.names:
        with open(os.path.join(RESULTS, "redpoll_accuracy.json"), "w") as f:
            json.dump({"models": results}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
