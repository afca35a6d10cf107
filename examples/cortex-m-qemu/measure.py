#!/usr/bin/env python3
"""Build the example around a model for emulated microcontrollers, run it, and print what it costs.

    measure.py --redpoll target/release/redpoll                       fashion on a Cortex-M4F, M3 and M0
    measure.py --redpoll … --model kws.onnx --calibrate kws.npz       another model
    measure.py --redpoll … --model kws_int8.tflite                    one that is quantised already
    measure.py … --counter icount.so --json out.json                  with exact instruction counts
    measure.py … --budget tests/size/budgets.json                     fail where code grew by more than 2 %
    measure.py … --listen --cores m4f                                 the program that hears digits in a stream

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

# Core → target, QEMU's machine and processor, base address of flash, flags for the compiler.
CORES = {
    # QEMU's only board with a Cortex-M0 has 16 kB of RAM: its code runs on an M3, which is told to refuse unaligned words.
    "m0": ("thumbv6m-none-eabi", "mps2-an385", "cortex-m3", 0, ""),
    "m3": ("thumbv7m-none-eabi", "mps2-an385", "cortex-m3", 0, ""),
    "m4f": ("thumbv7em-none-eabihf", "mps2-an386", "cortex-m4", 0, ""),
    "m7": ("thumbv7em-none-eabihf", "mps2-an500", "cortex-m7", 0, ""),
    "m33": ("thumbv8m.main-none-eabihf", "mps2-an505", "cortex-m33", 0x1000_0000, "-C target-cpu=cortex-m33"),
    "m55": ("thumbv8m.main-none-eabihf", "mps3-an547", "cortex-m55", 0x1000_0000, "-C target-cpu=cortex-m55"),
}
DIGITS = "zero one two three four five six seven eight nine".split()
GROWTH = 1.02
BUNDLED = ROOT / "models/fashion/fashion.onnx"


def run(command, **options):
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def emit(options, model, calibrate):
    """Converts a model and writes the crate `model` beside this file."""
    with tempfile.TemporaryDirectory() as out:
        ranges = ["--calibrate", calibrate, "--io", "int8"] if calibrate else []
        run([options.redpoll, "convert", model, *ranges,
             "--target", "cortex-m", "--emit", "rust", HERE / "model", "--name", "embedded_model", "--runtime", ROOT, "-o", out])
        return json.loads((Path(out) / "report.json").read_text())


def build(core, scalar, program="cortex-m-qemu"):
    target, *_, flags = CORES[core]
    command = ["cargo", "build", "--release", "-Zbuild-std=core", "--target", target, "--locked", "--bin", program]
    environment = {name: value for name, value in os.environ.items() if name != "RUSTFLAGS"}
    # In place of those of .cargo/config.toml, or equal to them where there are none: what was compiled is used again.
    environment["RUSTFLAGS"] = f"-C linker=arm-none-eabi-ld {flags}".strip()
    if core == "m33":
        environment["REDPOLL_BOARD"] = CORES[core][1]
    run(command + (["--features", "scalar"] if scalar else []), cwd=HERE, env=environment)
    folder = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
    return folder / target / "release" / program


def emulate(core, elf, *more):
    _, machine, cpu, *_ = CORES[core]
    command = ["qemu-system-arm", "-machine", machine, "-cpu", cpu, "-display", "none", "-monitor", "none", "-serial", "null",
               "-semihosting-config", "enable=on,target=native", "-kernel", elf]
    return run(command + list(more), timeout=600)


def count(core, elf, counter, first, last):
    """Instructions between two of the example's markers."""
    symbols = {name: f"0x{at}" for at, _, name in re.findall(r"^(\w+) (\w) (\w+)$", run(["arm-none-eabi-nm", elf]), re.M)}
    with tempfile.TemporaryDirectory() as folder:
        base = CORES[core][3]
        plugin = f"{counter},start={symbols[first]},stop={symbols[last]},base={base:#x},out={folder}/count"
        emulate(core, elf, "-plugin", plugin)
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
        "tier": next((line for line in printed.splitlines() if line in ("cortex-m", "cortex-m-dsp", "cortex-m-helium", "scalar")), ""),
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


def listen(options):
    """The digits that each core hears in a stream, and when: what `redpoll listen` hears."""
    folder = ROOT / "models/digits"
    emit(options, folder / "digits.onnx", folder / "calibrate.npz")
    heard = run([options.redpoll, "listen", folder / "sample.wav", "--task", "digits", "--model", HERE / "model/model.plan", "--json"])
    events = [json.loads(line) for line in heard.splitlines()]
    expected = [(event["label"], event["t"]) for event in events]
    failed = []
    for core in options.cores.split(","):
        elf = build(core, options.scalar, "listen")
        # 4 ns an instruction; a run has 64 ms. At 8 ns a Cortex-M4F falls behind: frames are lost and counted.
        printed = emulate(core, elf, "-icount", f"shift={options.listen}")
        found = re.findall(r"^heard (\d+)\nat (\d+)$", printed, re.M)
        found = [(DIGITS[int(digit)], round(int(at) / 8000, 3)) for digit, at in found]
        print(f"{core}: {' '.join(f'{label} {t:.3f} s' for label, t in found)};",
              "; ".join(re.findall(r"^(?:runs|lost frames|arena bytes|stack bytes) \d+$", printed, re.M)))
        if found != expected or not found or "lost frames 0" not in printed:
            failed.append(f"{core}: redpoll listen hears {expected}\n{printed}")
        failed += [f"{core}: panic machinery is linked: {name}" for name in panics(elf)]
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redpoll", type=Path, required=True, help="the command")
    parser.add_argument("--model", type=Path, default=BUNDLED)
    parser.add_argument("--calibrate", type=Path, help="samples; not needed for a model that is quantised already")
    parser.add_argument("--cores", default="m4f,m3,m0", help=f"some of {','.join(CORES)}")
    parser.add_argument("--scalar", action="store_true", help="the scalar definitions instead of the kernels for Cortex-M")
    parser.add_argument("--counter", type=Path, help="QEMU plugin that counts instructions")
    parser.add_argument("--listen", type=int, nargs="?", const=2, metavar="SHIFT",
                        help="build and run the program that hears digits, nothing else, with 2^SHIFT ns an instruction (2)")
    parser.add_argument("--json", type=Path, help="writes the rows")
    parser.add_argument("--budget", type=Path, help="code bytes by model and core; more than 2 %% above fails")
    options = parser.parse_args()
    options.redpoll = options.redpoll.resolve()
    if options.model == BUNDLED and not options.calibrate:
        options.calibrate = BUNDLED.with_name("calibrate.npz")
    for tool in ("qemu-system-arm", "arm-none-eabi-ld"):
        if not shutil.which(tool):
            sys.exit(f"no {tool}")

    if options.listen is not None:
        sys.exit("\n".join(listen(options)) or 0)
    report = emit(options, options.model, options.calibrate)
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
        if r["panics"]:
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
