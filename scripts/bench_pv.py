#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disk and network between two Debian kernels, on Bulkhead and on Debian's Xen 4.17: build/bench-pv.md.

The same kernel, initramfs and boot arguments in both; one vCPU each, 4 CPUs, `-icount` (a counter tick is an instruction of any CPU).
On Xen a domain 0 serves xenstore and writes the devices (guests/linux/dom0-init), as our store and Boot Domain do; then it sleeps.
Exit code 1: a figure is missing, or Xen does it in less.
[impl->dsn~bench-pv~1]
"""
import re
import subprocess
import sys

import tree

DEPS = "build/deps"
TIMEOUT = "900"
NAMES = ("pv_disk", "pv_tcp")
LAST = "SPEED tcp 3: .*cs"
# A hundredth of a second is 625,000 ticks.
TICKS = 625_000
LINE = re.compile(r"SPEED (\w+) \d+: (\d+) MiB in (\d+) cs")
KERNEL = f"{DEPS}/linux-6.12/vmlinuz"
BULKHEAD = ["build/bulkhead", "run", "tests/target/systems/pv-speed.yaml", "--headless", "--icount=4", "--cpus", "4", "--cpu",
            "cortex-a57", "--memory", "4 GiB", "--timeout", TIMEOUT, "--until", LAST]


def domain(name, more):
    return ["--kernel", KERNEL, "--memory", "256", "--ramdisk", f"{DEPS}/initramfs/pv-{name}-6.12.cpio.gz", "--bootargs",
            f"console=ttyAMA0 quiet domain={name}{more}"]


# Xen's default policy lets no two domains talk that are not domain 0.
XEN = ["scripts/run-on-xen.sh", "--icount", "--timeout", TIMEOUT, "--until", LAST, "--xen-args", "xsm=dummy", "--dom0", KERNEL,
       "--memory", "512", "--ramdisk", f"{DEPS}/initramfs/dom0.cpio.gz", "--bootargs", "console=hvc0 quiet",
       *domain("front", " tests=speed"), *domain("back", "")]


def parse(output):
    """{pv_NAME: {min, mean, max}}: instructions a MiB."""
    found = {}
    for name, size, took in LINE.findall(output):
        found.setdefault(f"pv_{name}", []).append(int(took) * TICKS // int(size))
    return {name: {"min": min(each), "mean": sum(each) // len(each), "max": max(each)} for name, each in found.items()}


def run(command):
    done = subprocess.run(command, cwd=tree.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    return done.stdout.decode(errors="replace")


def table(bulkhead, xen):
    lines = ["| what, a MiB | Bulkhead: least / mean / most | Xen 4.17 | Xen : Bulkhead |", "|---|---|---|---|"]
    for name, ours in sorted(bulkhead.items()):
        cells = [f"{side['min']:,} / {side['mean']:,} / {side['max']:,}" for side in (ours, xen[name])]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {xen[name]['mean'] / ours['mean']:.2f} |")
    return "\n".join(lines) + "\n"


def judge(bulkhead, xen):
    """Errors as text."""
    missing = [f"error: no figure {name}" for name in NAMES for side in (bulkhead, xen) if name not in side]
    return missing or [f"error: {name}: {ours['mean']:,} instructions a MiB, {xen[name]['mean']:,} on Xen"
                       for name, ours in sorted(bulkhead.items()) if ours["mean"] > xen[name]["mean"]]


def measure():
    """Figures of Bulkhead and of Xen; what the machines said, if one is missing."""
    outputs = []
    for name, command in (("Bulkhead", BULKHEAD), ("Xen 4.17", XEN)):
        print(f"bench: disk and network on {name}", flush=True)
        outputs.append(run(command))
    figures = [parse(output) for output in outputs]
    if not all(name in side for side in figures for name in NAMES):
        print("\n".join("\n".join(output.splitlines()[-20:]) for output in outputs))
    return figures


def main():
    bulkhead, xen = measure()
    errors = judge(bulkhead, xen)
    if all(name in side for side in (bulkhead, xen) for name in NAMES):
        (tree.BUILD / "bench-pv.md").write_text(table(bulkhead, xen))
        print(table(bulkhead, xen))
    print("\n".join(errors) or "bench-pv: Xen is not ahead")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
