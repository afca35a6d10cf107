#!/usr/bin/env python3
"""Counts the instructions of an inference under Valgrind and compares them with what was recorded.

    python3 benches/instructions.py PROGRAM SUITE            fails when a count has grown by more than 3 %
    python3 benches/instructions.py PROGRAM SUITE --record   writes benches/results/instructions.json anew

PROGRAM is redpoll-targets (release build), SUITE a folder of plans and inputs from the example target_suite; .ci/instructions
makes both. A count is that of three runs less that of one, over two: loading falls out. Unlike time it does not depend on what
else the machine does. Valgrind knows no AVX-512, so the tiers are scalar and avx2. Another compiler makes other code: counts are
only compared with those that the same one made.
"""
import argparse
import json
import os
import re
import subprocess
import sys

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results", "instructions.json")
MODELS = ["fashion.int8", "fashion.f32", "lstm.f32"]
TIERS = ["scalar", "avx2"]
MOST_GROWTH = 0.03


def total(program, plan, tier, runs):
    """Instructions of a process that loads the plan and runs it so often."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "repeat", plan, tier, str(runs)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("suite")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    counts = {}
    for model in MODELS:
        plan = os.path.join(args.suite, model + ".plan")
        for tier in TIERS:
            counts[f"{model} {tier}"] = (total(args.program, plan, tier, 3) - total(args.program, plan, tier, 1)) // 2
    if args.record:
        with open(RECORD, "w") as file:
            json.dump({"compiler": compiler, "instructions": counts}, file, indent=1)
            file.write("\n")
        return
    with open(RECORD) as file:
        recorded = json.load(file)
    same = recorded["compiler"] == compiler
    grown = False
    for name, count in counts.items():
        before = recorded["instructions"].get(name)
        change = f"{(count / before - 1) * 100:+.1f} %" if before else "not recorded"
        print(f"{name:24} {count:>12,} instructions  {change}")
        grown |= not before or count > before * (1 + MOST_GROWTH)
    if not same:
        print(f"skipped: the counts were recorded with {recorded['compiler']}, this is {compiler}")
    elif grown:
        sys.exit("an inference takes more instructions than before; if that is worth it: --record")


if __name__ == "__main__":
    main()
