#!/usr/bin/env python3
"""Run the plans of a suite on emulated microcontrollers: rows for `redpoll-targets table`.

    run.py SUITE OUT.lines [--cores m4f,m3,m0,m55] [--only PART]

SUITE holds NAME.plan and NAME.in, as the example target_suite wrote them. On cores without a floating-point unit the float
plans are left out: they compute in software, for minutes; int8 plans with float steps run everywhere. Needs a compiler with
the sources of `core` (rustup's nightly, or RUSTC and RUSTC_BOOTSTRAP=1), arm-none-eabi binutils and qemu-system-arm.
"""

import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALIGN = 64


@dataclass(frozen=True)
class Core:
    """How the program is built for a core, and where it runs."""

    target: str
    machine: str
    cpu: str
    board: str
    floats: bool
    flags: str = ""


BUNDLE = {"mps2": 0x2100_0000, "an500": 0x6000_0000, "an505": 0x8000_0000, "an547": 0x6000_0000}
BUNDLE_BYTES = {"mps2": 16 << 20, "an500": 16 << 20, "an505": 16 << 20, "an547": 256 << 20}

CORES = {
    # QEMU's only board with a Cortex-M0 has 16 kB of RAM: its code runs on an M3, which is told to refuse unaligned words.
    "m0": Core("thumbv6m-none-eabi", "mps2-an385", "cortex-m3", "mps2", False),
    "m3": Core("thumbv7m-none-eabi", "mps2-an385", "cortex-m3", "mps2", False),
    "m4f": Core("thumbv7em-none-eabihf", "mps2-an386", "cortex-m4", "mps2", True),
    "m7": Core("thumbv7em-none-eabihf", "mps2-an500", "cortex-m7", "an500", True),
    "m33": Core("thumbv8m.main-none-eabihf", "mps2-an505", "cortex-m33", "an505", True, "-Ctarget-cpu=cortex-m33"),
    "m55": Core("thumbv8m.main-none-eabihf", "mps3-an547", "cortex-m55", "an547", True, "-Ctarget-cpu=cortex-m55"),
}


def check(command, **options):
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(core):
    """The program for a core; cores of one target do not share what is compiled where their flags differ."""
    target_dir = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")).resolve()
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target_dir), "REDPOLL_BOARD": core.board}
    environment.pop("RUSTFLAGS", None)
    if core.flags:
        environment["RUSTFLAGS"] = f"-C linker=arm-none-eabi-ld {core.flags}"
    check(["cargo", "build", "-q", "--locked", "--release", "-Zbuild-std=core", "--target", core.target], cwd=HERE, env=environment)
    return target_dir / core.target / "release" / "redpoll-targets-cortex-m"


def padded(part):
    return part + bytes(-len(part) % ALIGN)


def bundle(plan):
    """The plan and its inputs as the program wants them: see src/main.rs."""
    model, inputs = plan.read_bytes(), plan.with_suffix(".in").read_bytes()
    return padded(b"RPBUNDLE" + struct.pack("<II", len(model), len(inputs))) + padded(model) + padded(inputs)


def run(name, core, elf, plan):
    """Lines of one plan on one core."""
    data = bundle(plan)
    if len(data) > BUNDLE_BYTES[core.board] // 2:
        print(f"{name}: {plan.stem} does not fit this board")
        return []
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        printed = check(
            ["qemu-system-arm", "-machine", core.machine, "-cpu", core.cpu, "-display", "none", "-monitor", "none", "-serial", "null",
             "-semihosting-config", "enable=on,target=native", "-kernel", elf,
             "-device", f"loader,file={file.name},addr={BUNDLE[core.board]:#x},force-raw=on"], timeout=600, stdin=subprocess.DEVNULL)
    found = re.findall(r"^run (\S+) ([0-9a-f]{64})$", printed, re.M)
    if len(found) != 2:
        raise SystemExit(f"{name}, {plan.stem}: {printed}")
    return [f"cortex-{name} {tier} 1 {plan.stem} {digest}" for tier, digest in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cores", default="m4f,m3,m0,m55", help=f"some of {','.join(CORES)}")
    parser.add_argument("--only", default="", help="plans whose names hold this")
    options = parser.parse_args()
    plans = [plan for plan in sorted(options.suite.glob("*.plan")) if options.only in plan.name]
    if not plans:
        sys.exit(f"no plans in {options.suite}")
    lines = []
    for name in options.cores.split(","):
        core = CORES[name]
        elf = build(core)
        wanted = [plan for plan in plans if core.floats or plan.stem.rsplit(".", 1)[-1] != "f32"]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for more in pool.map(lambda plan: run(name, core, elf, plan), wanted):
                lines += more
    options.out.write_text("".join(line + "\n" for line in lines))
    print(f"{len(lines)} runs on {options.cores}")


if __name__ == "__main__":
    main()
