#!/usr/bin/env python3
"""What the four models of MLPerf Tiny cost on emulated microcontrollers: the tables of docs/targets.md.

    costs.py --redpoll target/release/redpoll --models ../shared/models --counter icount.so [--record docs/targets.md]

Takes the int8 .tflite files that MLPerf ships, which TensorFlow Lite Micro ran as well. Runs measure.py; needs what that needs.
`--record` puts the tables into a document, between the marks of tests/targets/record.py.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Name, file, instructions of CMSIS-NN on an M4 and with Helium on an M55, arena of TensorFlow Lite Micro.
MODELS = [
    ("tiny_kws", "kws/tiny_kws_int8.tflite", 7_701_365, 1_788_991, 22_836),
    ("tiny_ic", "vision/tiny_ic_resnet8_int8.tflite", 29_864_945, 4_813_021, 55_012),
    ("tiny_vww", "vision/tiny_vww_int8.tflite", 24_101_872, 6_433_516, 100_724),
    ("tiny_ad", "anomaly/tiny_ad_int8.tflite", 582_938, 149_963, 3_012),
]
CORES = {"m4f": "Cortex-M4F", "m7": "Cortex-M7", "m55": "Cortex-M55", "m33": "Cortex-M33", "m0": "Cortex-M0"}


def measured(options, file, cores):
    """The rows of measure.py by core."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, HERE / "measure.py", "--redpoll", options.redpoll, "--model", options.models / file,
                   "--counter", options.counter, "--cores", ",".join(cores), "--json", out]
        subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)
        return {row["core"]: row for row in json.loads(out.read_text())["rows"]}


def row(*cells):
    return "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in cells) + " |"


def against(name, r, theirs, arena):
    used = f"{r['arena_bytes']:,} + {r['scratch_bytes']:,}"
    return row(name, r["macs"], r["run_instructions"], f"{r['run_instructions'] / r['macs']:.2f}", theirs,
               f"{r['run_instructions'] / theirs:.2f}", r["start_instructions"], used, r["live_bytes"], arena, r["stack_bytes"],
               r["code_bytes"], r["weight_bytes"])


HEAD = ("| model | MACs | instructions | per MAC | CMSIS-NN | ratio | start-up | arena + scratch | live at worst | TFLM's arena | stack | code | weights |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redpoll", type=Path, required=True, help="the command")
    parser.add_argument("--models", type=Path, required=True, help="the folder of the models")
    parser.add_argument("--counter", type=Path, required=True, help="QEMU plugin that counts instructions")
    parser.add_argument("--record", type=Path, help="the document that keeps the tables")
    options = parser.parse_args()
    m4, m55, smallest = [], [], {}
    for name, file, on_m4, on_m55, arena in MODELS:
        # Every core for the smallest, the two that are compared for all.
        rows = measured(options, file, list(CORES) if name == "tiny_kws" else ["m4f", "m55"])
        m4.append(against(name, rows["m4f"], on_m4, arena))
        m55.append(against(name, rows["m55"], on_m55, arena))
        smallest = smallest or rows
        print(m4[-1], m55[-1], sep="\n", file=sys.stderr)
    others = [row(CORES[c], r["tier"], r["run_instructions"], f"{r['run_instructions'] / r['macs']:.2f}", r["start_instructions"],
                  r["stack_bytes"], r["code_bytes"]) for c, r in smallest.items()]
    tables = "\n".join([
        "Cortex-M4F (DSP extension):\n", HEAD, *m4,
        "\nCortex-M55 (Helium on both sides):\n", HEAD, *m55,
        "\ntiny_kws on every core:\n",
        "| core | kernels | instructions | per MAC | start-up | stack | code |\n|---|---|--:|--:|--:|--:|--:|", *others])
    print(tables)
    if options.record:
        with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
            file.write(tables)
            file.flush()
            subprocess.run([sys.executable, ROOT / "tests/targets/record.py", "costs", file.name, options.record], check=True)


if __name__ == "__main__":
    main()
