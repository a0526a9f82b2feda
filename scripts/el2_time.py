#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long CPUs stay at EL2, with interrupts masked: the target tests that are named (all: those that can), each in an emulator that
counts executed instructions of each CPU, without -icount.  Prints the longest stretch of each test and the way it went.

el2_time.py [NAME...]
el2_time.py --victim  a domain that runs its own code on a CPU of its own for two seconds, three hostile ones beside it: how often
                      its CPU was at EL2 meanwhile
[itest->dsn~null-policy~1]
"""
import bisect
import collections
import os
import re
import select
import socket
import subprocess
import sys
import time

import bench
import size_report
import tree

sys.path.insert(0, str(tree.ROOT / "tests" / "target"))
import table  # noqa: E402

IMAGE, IMAGE_END = 0x400000000000, 0x401000000000  # hypervisor/arch/arm64/layout.h
LINE = re.compile(r"^EL2 (\d+) (\d+) (\d+) (\d+)((?: [0-9a-f]+)*)$", re.M)
SHOWN = 8
LIMIT = 60  # seconds: what has not ended by then is long enough


def build(path):
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "scripts/plugin/el2.c", "-o", str(path)], cwd=tree.ROOT, check=True)


def plugin(path, known, start=None):
    poll, enter, wait = (next(i for i, (_, name) in enumerate(known) if name == wanted)
                         for wanted in ("irq_take", "arch_enter_guest", "spin_wait"))
    poll, enter, wait, wait_end = known[poll][0], known[enter][0], known[wait][0], known[wait + 1][0]
    return ["-plugin", f"{path},low={IMAGE:#x},high={IMAGE_END:#x},poll={poll:#x},from={start or enter:#x},wait={wait:#x},"
            f"wait-end={wait_end:#x}"]


def names_of(way, known):
    """Where a stretch begins, and the functions where most of its blocks are."""
    starts = [address for address, _ in known]
    names = [known[bisect.bisect_right(starts, address) - 1][1] for address in way]
    return list(dict.fromkeys(names[:8] + [name for name, _ in collections.Counter(names).most_common(SHOWN)]))


def parse(output, known):
    """[(cpu, stretches, instructions, longest, functions of the longest)]"""
    return [(*map(int, found.groups()[:4]), names_of([int(a, 16) for a in found[5].split()], known))
            for found in LINE.finditer(output)]


def options_of(test):
    """A test's options without -icount; None = it cannot be run so."""
    if test.get("machine", "bulkhead_run") != "bulkhead_run" or "inject" in test or "exact" in test:
        return None
    options = [o for o in test.get("options", []) if not o.startswith("--icount")]
    return None if "--hypervisor" in options else options


def play(command, patterns, seconds):
    """Output of a machine that is told to quit, so that its plugin can speak, when each pattern was seen or the time is over."""
    path = bench.WORK / "el2.monitor"
    path.unlink(missing_ok=True)
    process = subprocess.Popen([*command, "-monitor", f"unix:{path},server=on,wait=off"], cwd=tree.ROOT, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wanted = [re.compile(pattern.encode()) for pattern in patterns]
    output, end = b"", time.monotonic() + seconds
    while wanted and time.monotonic() < end and select.select([process.stdout], [], [], end - time.monotonic())[0]:
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            break
        output += piece
        wanted = [w for w in wanted if not w.search(output)]
    try:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(path))
            monitor.send(b"quit\n")
            rest = process.communicate(timeout=20)[0]
    except (OSError, subprocess.TimeoutExpired):
        process.kill()
        rest = process.communicate()[0]
    return (output + rest).decode(errors="replace")


def run(test, path, known):
    options = options_of(test)
    more = plugin(path, known)
    if "--" in options:
        options, more = options[:options.index("--")], more + options[options.index("--") + 1:]
    patterns = [next(p for p in reversed(lane) if isinstance(p, str)) for lane in test["lanes"]]
    output = play(["build/bulkhead", "run", test["system"], "--headless", *options, "--", *more], patterns, LIMIT)
    return parse(output, known)


VICTIM = """system: victim
board: { name: qemu-virt, cpus: 4 }
boot-domain: { cpu: 0 }
pools:
  own: { cpus: [1], policy: null }
domains:
  victim: { safe: true, memory: 16 MiB, pool: own, kernel: guest:t_time, bootargs: "role=3 for=2000000 gap=1000000000" }
  calls: { memory: 16 MiB, cpus: [0], kernel: guest:attacker, bootargs: attack=3 }
  traps: { memory: 16 MiB, cpus: [2], kernel: guest:hostile, bootargs: "seed=1 rounds=100000000" }
  invalidates: { memory: 16 MiB, cpus: [3], kernel: guest:attacker, bootargs: attack=6 }
"""


def victim(path, known):
    """0 = the CPU that runs the victim was never at EL2 while it ran its own code."""
    system = bench.WORK / "victim.yaml"
    system.write_text(VICTIM)
    guest = {name: address for address, name in bench.functions(tree.BUILD / "arm64" / "guests" / "t_time" / "t_time.elf")}
    more = plugin(path, known, guest["nothing_interrupts_it"])
    more[1] += f",to={guest['print']:#x}"
    output = play(["build/bulkhead", "run", str(system), "--headless", "--", *more], [r"alone: longest gap"], 2 * LIMIT)
    found = [row for row in parse(output, known) if row[0] == 1]
    if not found:
        print("the victim was not seen:\n" + bench.tail(output))
        return 1
    _, stretches, count, longest, names = found[0]
    print(f"victim: {stretches} stretches at EL2, {count} instructions, longest {longest}: {' '.join(names)}")
    return 1 if stretches > 0 else 0


def main(arguments):
    bench.WORK.mkdir(parents=True, exist_ok=True)
    path = bench.WORK / "el2.so"
    build(path)
    known = sorted(bench.functions(size_report.hypervisor_elf()))
    if arguments == ["--victim"]:
        return victim(path, known)
    worst = (0, "")
    for test in table.TESTS:
        if options_of(test) is None or (arguments and test["name"] not in arguments):
            continue
        found = run(test, path, known)
        if not found:
            print(f"{test['name']}: nothing was counted")
            continue
        cpu, _, _, longest, names = max(found, key=lambda row: row[3])
        print(f"{test['name']:20} {longest:9,} instructions on CPU {cpu}: {' '.join(n for n in names if not n.startswith('OUTLINED'))}", flush=True)
        worst = max(worst, (longest, test["name"]))
    print(f"longest: {worst[0]:,} instructions, {worst[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
