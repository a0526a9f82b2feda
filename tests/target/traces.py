# SPDX-License-Identifier: Apache-2.0
"""What the console of the tracer says, as `bulkhead trace` understands it.
[itest->dsn~trace-ring~1] [itest->dsn~bhctl-trace~1]
"""
import json
import subprocess

from console import Failure

WORKER_CPU = 2
WORKS = ["hypercall xen_version", "trap device or memory", "interrupt 27"]  # in turn, the worker's own code between two


def converted(root, test):
    log = root / "build" / "test" / "target" / f"{test['name']}.log"
    text = subprocess.run([root / "build" / "bulkhead", "trace", log], capture_output=True, check=True).stdout
    return [e for e in json.loads(text)["traceEvents"] if e["ph"] == "X"]


def shows(cpu, *wanted):
    """What bhctl wrote has these on that CPU."""
    def check_bhctl(root, test, _console):
        names = {e["name"] for e in converted(root, test) if e["tid"] == cpu}
        if not names.issuperset(wanted):
            raise Failure(f"not {wanted}, but {sorted(names)}")
    return check_bhctl


def check(root, test, _console):
    slices = [e for e in converted(root, test) if e["tid"] == WORKER_CPU]
    exits = [s["name"] for s in slices if s["cat"] == "hypervisor"]
    runs = [s["name"] for s in slices if s["cat"] == "guest"]
    if len(exits) < len(WORKS) or exits[0] not in WORKS:
        raise Failure(f"the worker left its CPU for {exits[:6]}")
    first = WORKS.index(exits[0])
    for i, name in enumerate(exits):
        if name != WORKS[(first + i) % len(WORKS)]:
            raise Failure(f"exit {i} of the worker is {name}")
    if set(runs) != {"d2v0"} or abs(len(runs) - len(exits)) > 1:
        raise Failure(f"{len(exits)} exits, entered {len(runs)} times: {sorted(set(runs))}")
    longest = max(s["dur"] for s in slices if s["cat"] == "hypervisor")
    if not 0 < longest < 100:
        raise Failure(f"an exit took {longest} us")
