#!/usr/bin/env python3
"""Build the example around a model for emulated microcontrollers, run it, and print what it costs.

    measure.py --redpoll target/release/redpoll                       fashion on a Cortex-M4F, M3 and M0
    measure.py --redpoll … --model kws.onnx --calibrate kws.npz       another model
    measure.py … --counter icount.so --json out.json                  with exact instruction counts
    measure.py … --budget tests/size/budgets.json                     fail where code grew by more than 2 %

Needs a compiler with the sources of `core` (rustup's nightly, or RUSTC and RUSTC_BOOTSTRAP=1), arm-none-eabi binutils and
qemu-system-arm. `--counter` is a QEMU plugin that counts executed instructions by address between two addresses.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Core → target, QEMU's machine and processor, base address of flash.
CORES = {
    # QEMU's only board with a Cortex-M0 has 16 kB of RAM: its code runs on an M3, which has all its instructions.
    "m0": ("thumbv6m-none-eabi", "mps2-an385", "cortex-m3", 0),
    "m3": ("thumbv7m-none-eabi", "mps2-an385", "cortex-m3", 0),
    "m4f": ("thumbv7em-none-eabihf", "mps2-an386", "cortex-m4", 0),
    "m7": ("thumbv7em-none-eabihf", "mps2-an500", "cortex-m7", 0),
    "m55": ("thumbv8m.main-none-eabihf", "mps3-an547", "cortex-m55", 0x1000_0000),
}
GROWTH = 1.02


def run(command, **options):
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def emit(options):
    """Converts the model and writes the crate `model` beside this file."""
    with tempfile.TemporaryDirectory() as out:
        run([options.redpoll, "convert", options.model, "--calibrate", options.calibrate, "--io", "int8",
             "--target", "cortex-m", "--emit", "rust", HERE / "model", "--name", "embedded_model", "--runtime", ROOT, "-o", out])
        return json.loads((Path(out) / "report.json").read_text())


def build(core, scalar):
    target = CORES[core][0]
    command = ["cargo", "build", "--release", "-Zbuild-std=core", "--target", target, "--locked"]
    run(command + (["--features", "scalar"] if scalar else []), cwd=HERE)
    folder = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
    return folder / target / "release" / "cortex-m-qemu"


def emulate(core, elf, plugin=None):
    _, machine, cpu, _ = CORES[core]
    command = ["qemu-system-arm", "-machine", machine, "-cpu", cpu, "-display", "none", "-monitor", "none", "-serial", "null",
               "-semihosting-config", "enable=on,target=native", "-kernel", elf]
    return run(command + (["-plugin", plugin] if plugin else []), timeout=600)


def count(core, elf, counter, first, last):
    """Instructions between two of the example's markers."""
    symbols = {name: f"0x{at}" for at, _, name in re.findall(r"^(\w+) (\w) (\w+)$", run(["arm-none-eabi-nm", elf]), re.M)}
    with tempfile.TemporaryDirectory() as folder:
        base = CORES[core][3]
        plugin = f"{counter},start={symbols[first]},stop={symbols[last]},base={base:#x},out={folder}/count"
        emulate(core, elf, plugin)
        return int(Path(folder, "count.0").read_text().split()[1])


def sizes(elf):
    table = dict(re.findall(r"^\.(\w+)\s+(\d+)", run(["arm-none-eabi-size", "-A", elf]), re.M))
    return {name: int(size) for name, size in table.items()}


def panics(elf):
    """Functions of the panic machinery that are left."""
    return sorted(set(re.findall(r"core::panicking::\S+", run(["arm-none-eabi-nm", "-C", elf]))))


def measure(core, options, report):
    elf = build(core, options.scalar)
    printed = emulate(core, elf)
    lines = dict(line.rsplit(" ", 1) for line in printed.splitlines() if re.fullmatch(r"[a-z ]+ [0-9a-f]+", line))
    size = sizes(elf)
    check = sum(f.stat().st_size for f in (HERE / "model/check").iterdir())
    plan = (HERE / "model/model.plan").stat().st_size
    row = {
        "core": core,
        "tier": next((line for line in printed.splitlines() if line in ("cortex-m", "cortex-m-dsp", "scalar")), ""),
        "output": lines["output"],
        "code_bytes": size.get("text", 0) + size.get("rodata", 0) - check - plan,
        "plan_bytes": plan,
        "weight_bytes": report["weight_bytes"],
        "arena_bytes": int(lines["arena bytes"]),
        "scratch_bytes": int(lines["scratch bytes"]),
        "live_bytes": report["live_bytes"],
        "stack_bytes": int(lines["stack bytes"]),
        "macs": report["macs"],
        "panics": panics(elf),
    }
    if options.counter:
        row["start_instructions"] = count(core, elf, options.counter, "boot_start", "boot_stop")
        row["run_instructions"] = count(core, elf, options.counter, "bench_start", "bench_stop")
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redpoll", type=Path, required=True, help="the command")
    parser.add_argument("--model", type=Path, default=ROOT / "models/fashion/fashion.onnx")
    parser.add_argument("--calibrate", type=Path, default=ROOT / "models/fashion/calibrate.npz")
    parser.add_argument("--cores", default="m4f,m3,m0", help=f"some of {','.join(CORES)}")
    parser.add_argument("--scalar", action="store_true", help="the scalar definitions instead of the kernels for Cortex-M")
    parser.add_argument("--counter", type=Path, help="QEMU plugin that counts instructions")
    parser.add_argument("--json", type=Path, help="writes the rows")
    parser.add_argument("--budget", type=Path, help="code bytes by model and core; more than 2 %% above fails")
    options = parser.parse_args()
    options.redpoll = options.redpoll.resolve()
    for tool in ("qemu-system-arm", "arm-none-eabi-ld"):
        if not shutil.which(tool):
            sys.exit(f"no {tool}")

    report = emit(options)
    rows = [measure(core, options, report) for core in options.cores.split(",")]
    if options.json:
        options.json.write_text(json.dumps({"model": report["model"], "rows": rows}, indent=1) + "\n")
    print(f"{options.model.stem}: {report['macs']} MACs, {report['weight_bytes']} bytes of weights")
    print("core  tier            code   arena  scratch  live   stack  start-up  instructions  per MAC  output")
    for r in rows:
        start, each = r.get("start_instructions", "-"), r.get("run_instructions")
        per = f"{each / r['macs']:.2f}" if each else "-"
        print(f"{r['core']:5} {r['tier']:13} {r['code_bytes']:6} {r['arena_bytes']:7} {r['scratch_bytes']:8} {r['live_bytes']:5} "
              f"{r['stack_bytes']:7} {start!s:>9} {each or '-'!s:>13} {per:>8}  {r['output']}")
    failed = []
    if len({r["output"] for r in rows}) > 1:
        failed.append("the outputs differ")
    for r in rows:
        # One is left in the engine's element-wise steps, of which the compiler does not see that it cannot happen.
        if r["panics"] and r["core"] != "m0":
            failed.append(f"{r['core']}: panic machinery is linked: {', '.join(r['panics'])}")
    if options.budget:
        budget = json.loads(options.budget.read_text())["code_bytes"].get(options.model.stem, {})
        for r in rows:
            most = budget.get(r["core"])
            if most and r["code_bytes"] > most * GROWTH:
                failed.append(f"{r['core']}: {r['code_bytes']} bytes of code, more than 2 % above the {most} recorded")
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
