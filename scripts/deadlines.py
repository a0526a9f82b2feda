#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a deadline to its handler on a CPU of its own, beside a hostile neighbour that makes one attack at a time, in instructions of
the victim's own CPU: every hypervisor instruction that it executes between setting its timer and the handler.  The CPUs run in parallel
(no -icount), so locks and messages race as they do on a machine, and no turn of the emulator is in the figures.

deadlines.py [SAMPLES]  5,000 of each attack, into build/deadlines.md; fails if a sample is more than 1.10 of the most alone.
                        `make bench` takes 100,000.
Last, three neighbours at once on three CPUs.
Events only: the victim's `min-interval` lets one of them through in an interval, which costs it the event and a timer; so many samples may be more.
[itest->dsn~null-policy~1] [itest->dsn~evtchn-min-interval~1]
"""
import collections
import re
import subprocess
import sys
import time

import bench
import el2_time
import size_report
import tree

SAMPLES = 5000
WARM_UP = 32  # guests/bench/bench.c
SECONDS = 1800
HANDLER = 0x280  # of the vectors
PASSED = 2       # what an event that is let through costs: itself and its timer
LINE = re.compile(r"^DEADLINE((?: \d+){7})$", re.M)
HEAD = ["| attack | samples | least / mean / most | more than 1.10 of alone | with a second exit | waits for a lock |", "|---|---|---|---|---|---|"]
IMAGE, IMAGE_END = 0x400000000000, 0x401000000000  # hypervisor/arch/arm64/layout.h
NEIGHBOURS = """system: neighbours
board: {{ name: qemu-virt, cpus: 4 }}
boot-domain: {{ cpu: 1 }}
pools:
  own: {{ cpus: [0], policy: null }}
domains:
  victim: {{ safe: true, memory: 16 MiB, pool: own, kernel: guest:bench, bootargs: "vtimer=1 settle_s=1 n={samples}" }}
  calls: {{ memory: 16 MiB, cpus: [1], kernel: guest:attacker, bootargs: attack=3 }}
  anything: {{ memory: 16 MiB, cpus: [2], kernel: guest:hostile, bootargs: "seed=1 rounds=1000000000" }}
  turns:
    memory: 16 MiB
    cpus: [3]
    kernel: guest:attacker
    bootargs: "turn=500 crashes=10"
    restartable: true
    health: {{ watchdog: restart, crash: restart, max-restarts: 1000000, within: 1 }}
"""
THREE = "three neighbours"  # hypercalls, everything at random, everything in turns
Figure = collections.namedtuple("Figure", "samples least sum most over exits waits")


def parse(output):
    found = LINE.search(output)
    return Figure(*map(int, found[1].split())) if found else None


def judge(name, found, samples, limit, intervals):
    """What is wrong with an attack's figures, as text.  intervals: as many of `min-interval` as may have passed."""
    may = PASSED * intervals if name == "event" else 0
    wrong = [] if found.samples == samples else [f"error: {name}: {found.samples} of {samples} samples"]
    if max(found.over, found.exits) > may:
        wrong.append(f"error: {name}: {found.over} samples of more than {limit} instructions, {found.exits} with a second exit, {may} allowed; the most {found.most}")
    return wrong


def measure(name, samples, plugin):
    """(figures or None, intervals, the end of the console) of one attack."""
    system = bench.WORK / "deadline.yaml"
    if name == THREE:
        system.write_text(NEIGHBOURS.format(samples=samples))
    else:
        bench.write_attack(system, bench.ATTACKS.index(name), samples)
    start = time.monotonic()
    output = el2_time.play(["build/bulkhead", "run", str(system), "--headless", "--cpu", "cortex-a57", "--", "-plugin", plugin],
                           [r"BENCH done"], SECONDS)
    return parse(output), int((time.monotonic() - start) * 1000 / bench.ATTACK_MS) + 1, bench.tail(output)


def plugin_option():
    path = bench.WORK / "deadline.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "scripts/plugin/deadline.c", "-o", str(path)], cwd=tree.ROOT, check=True)
    guest = {name: address for address, name in bench.functions(tree.BUILD / "arm64" / "guests" / "bench" / "bench.elf")}
    known = sorted(bench.functions(size_report.hypervisor_elf()))
    wait = next(i for i, (_, name) in enumerate(known) if name == "spin_wait")
    return (f"{path},low={IMAGE:#x},high={IMAGE_END:#x},wait={known[wait][0]:#x},wait-end={known[wait + 1][0]:#x},"
            f"arm={guest['bench_vtimer']:#x},handler={guest['bench_vectors'] + HANDLER:#x},cpu=0,skip={WARM_UP}")


def row(name, f):
    return f"| {name} | {f.samples:,} | {f.least} / {f.sum / max(f.samples, 1):.1f} / {f.most} | {f.over} | {f.exits} | {f.waits} |"


def main(arguments):
    samples = int(arguments[0]) if arguments else SAMPLES
    bench.WORK.mkdir(parents=True, exist_ok=True)
    plugin = plugin_option()
    print("\n".join(HEAD), flush=True)
    lines, wrong, limit = list(HEAD), [], 1 << 63
    for name in [*bench.ATTACKS, THREE]:
        found, intervals, end = measure(name, samples, f"{plugin},limit={limit}")
        if found is None:
            print(f"error: {name}: nothing was counted\n{end}")
            return 1
        limit = int(found.most * bench.MOVED) if name == bench.ATTACKS[0] else limit
        lines.append(row(name, found))
        print(lines[-1], flush=True)
        wrong += judge(name, found, samples, limit, intervals)
    (tree.BUILD / "deadlines.md").write_text("\n".join(lines) + "\n")
    print("\n".join(wrong) if wrong else f"deadlines: no attack moves one beyond {limit} instructions")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
