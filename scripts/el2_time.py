#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long CPUs may leave an interrupt waiting at EL2: target tests, each in an emulator that counts executed instructions of each CPU,
without -icount.  The longest stretch without a look at pending interrupts, for each hypercall or other cause.  Fails over LIMIT.

el2_time.py [NAME...]  those tests; without names a choice that makes every call (GATED)
el2_time.py --all      every target test that can be run so
el2_time.py --victim   a domain that runs its own code on a CPU of its own for two seconds, three hostile ones beside it: how often
                       its CPU was at EL2 meanwhile
el2_time.py --gate     the victim and the choice: what `make test` runs
[itest->dsn~null-policy~1, dsn~interrupt-latency~1]
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

IMAGE = 0x400000000000  # hypervisor/arch/arm64/layout.h
CPU_LINE = re.compile(r"^EL2 (\d+) (\d+) (\d+) (\d+)$", re.M)
CALL_LINE = re.compile(r"^CALL (-?\d+) (\d+) ([0-9a-f]+) (\d+) (\d+)((?: [0-9a-f]+)*)$", re.M)
TAKES = b"\xcc"
TAKE_OR_LOOK = re.compile(rb"[\x00-\x1f](\xcc|\xc1)\x38\xd5")  # mrs xN, icc_iar1_el1; isr_el1
HANDLER = re.compile(r"domctl_(?!fill)\w+|bulkhead_(?!step|op)\w+|op_\w+|power_op|trace_op|other_op|guest_sync|domain_reap|vcpu_drain_inbox")
OPS = {1: None, 12: "XENMEM", 17: "XENVER", 18: "CONSOLEIO", 20: "GNTTABOP", 24: "VCPUOP", 29: "SCHEDOP", 32: "EVTCHNOP", 34: "HVMOP",
       39: "XEN_ARGO_OP"}
NUMBERS = {12: "memory_op", 13: "multicall", 17: "xen_version", 18: "console_io", 20: "grant_table_op", 24: "vcpu_op", 27: "xsm_op",
           29: "sched_op", 32: "event_channel_op", 34: "hvm_op", 35: "sysctl", 36: "domctl", 39: "argo_op", 48: "bulkhead_op"}
XEN_HEADERS = tree.BUILD / "deps" / "xen-include" / "xen"
SHOWN = 8
LIMIT = 5000  # instructions
TIME = 60     # seconds: what has not ended by then is long enough


def build(path):
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "scripts/plugin/el2.c", "-o", str(path)], cwd=tree.ROOT, check=True)


def places_of(known, path):
    """The file that tells the plugin where interrupts are taken, looked at, where calls enter and what handles them."""
    text = size_report.hypervisor_elf().with_suffix(".bin").read_bytes()
    lines = [("p" if found[1] == TAKES else "l") + f" {IMAGE + found.start():x} {text[found.start()]}"
             for found in TAKE_OR_LOOK.finditer(text) if found.start() % 4 == 0]
    lines += [f"v {address + 0x400:x}" for address, name in known if name in ("vectors", "vectors_loop", "vectors_firmware")]
    lines += [f"h {address:x}" for address, name in known if HANDLER.fullmatch(name)]
    path.write_text("\n".join(lines) + "\n")


def plugin(path, known, start=None):
    enter, wait, call, end = (next(i for i, (_, name) in enumerate(known) if name == wanted)
                              for wanted in ("arch_enter_guest", "spin_wait", "upcall_hypercall", "text_end"))
    places = path.with_suffix(".places")
    places_of(known, places)
    return ["-plugin", f"{path},low={IMAGE:#x},high={known[end][0]:#x},from={start or known[enter][0]:#x},wait={known[wait][0]:#x},"
            f"wait-end={known[wait + 1][0]:#x},hypercall={known[call][0]:#x},places={places},out={path.with_suffix('.out')}"]


GATED = ["cockpit", "tracer", "t_sink", "t_power", "t_roles", "t_granted", "t_static", "t_evtchn", "t_labels", "t_assign", "t_passthrough",
         "argo", "hostile", "ends", "xenstore", "t_guest"]


def names_of(way, known):
    """The functions where most blocks of a way are, and how many."""
    starts = [address for address, _ in known]
    names = [known[bisect.bisect_right(starts, address) - 1][1] for address in way]
    return [f"{name}:{count}" for name, count in collections.Counter(names).most_common(SHOWN)]


def op_name(nr, op):
    """What a hypercall is called; by Xen's public headers."""
    if nr not in NUMBERS:
        return "hypercall without a number" if nr >= 64 else f"hypercall {nr}"
    family = OPS.get(nr)
    if family is None:
        return NUMBERS.get(nr, f"hypercall {nr}")
    if nr == 12:
        op &= 63
    for header in XEN_HEADERS.glob("*.h"):
        found = re.search(rf"^#define {family}_(\w+)\s+{op}(?:u|U)?\s*(?:/\*.*)?$", header.read_text(errors="replace"), re.M)
        if found:
            return f"{NUMBERS[nr]} {found[1]}"
    return f"{NUMBERS[nr]} {op}"


def parse(output, known):
    """What the plugin wrote: [(cpu, stretches, instructions, longest)], {call: (longest, out, functions of the longest piece)}"""
    starts = dict(known)
    calls = {}
    for found in CALL_LINE.finditer(output):
        nr, op, longest, out = int(found[1]), int(found[2]), int(found[4]), int(found[5])
        name = "" if nr < 0 else op_name(nr, op)
        handler = starts.get(int(found[3], 16), "")
        name = " ".join(n for n in (name, handler) if n) or "entry"
        row = (longest, out, names_of([int(a, 16) for a in found[6].split()], known))
        calls[name] = max(row, calls.get(name, (0,)))
    return [tuple(map(int, found.groups())) for found in CPU_LINE.finditer(output)], calls


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
    written = path.with_suffix(".out")
    written.unlink(missing_ok=True)
    play(["build/bulkhead", "run", test["system"], "--headless", *options, "--", *more], patterns, TIME)
    return parse(written.read_text() if written.exists() else "", known)


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
    path.with_suffix(".out").unlink(missing_ok=True)
    more = plugin(path, known, guest["nothing_interrupts_it"])
    more[1] += f",to={guest['print']:#x}"
    output = play(["build/bulkhead", "run", str(system), "--headless", "--", *more], [r"alone: longest gap"], 2 * TIME)
    written = path.with_suffix(".out")
    rows, _ = parse(written.read_text() if written.exists() else "", known)
    found = [row for row in rows if row[0] == 1]
    if not found:
        print("the victim was not seen:\n" + bench.tail(output))
        return 1
    _, stretches, count, longest = found[0]
    print(f"victim: {stretches} stretches at EL2, {count} instructions, longest {longest}")
    return 1 if stretches > 0 else 0


def main(arguments):
    bench.WORK.mkdir(parents=True, exist_ok=True)
    path = bench.WORK / "el2.so"
    build(path)
    known = sorted(bench.functions(size_report.hypervisor_elf()))
    if arguments in (["--victim"], ["--gate"]):
        failed = victim(path, known)
        return failed if arguments == ["--victim"] or failed else main([])
    worst, missing, outs = {}, [], 0
    for test in table.TESTS:
        if options_of(test) is None or (arguments != ["--all"] and test["name"] not in (arguments or GATED)):
            continue
        rows, calls = run(test, path, known)
        if not rows:
            missing.append(test["name"])
            continue
        outs = max([outs, *(row[1] for row in calls.values())])
        for name, row in calls.items():
            worst[name] = max((*row, test["name"]), worst.get(name, (0,)))
    return report(worst, missing, outs)


def report(worst, missing, out):
    """The table, and whether all is within the limit."""
    print("| call or cause | longest | test |\n|---|---|---|")
    for name, row in sorted(worst.items(), key=lambda item: -item[1][0]):
        print(f"| {name} | {row[0]:,} | `{row[3]}` |")
    print(f"longest way out after a look: {out}")
    over = [(name, row) for name, row in worst.items() if row[0] > LIMIT]
    for name, row in over:
        print(f"{name}: {row[0]:,} instructions without a look, more than {LIMIT:,}: {' '.join(row[2])}")
    for name in missing:
        print(f"{name}: nothing was counted")
    return 1 if over or missing or not worst else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
