#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many instructions an event's lock is held, in systems that send events: counted by a plugin on the unchanged hypervisor.
The lock is taken and given in evtchn_deliver(); both places are found in its code.  Fails over LIMIT.

lock_hold.py [SYSTEM.yaml PATTERN]...   by default a freestanding guest, and Linux with paravirtual devices
"""
import re
import subprocess
import sys

import bench
import el2_time
import tree

LIMIT = 130
SYSTEMS = ["tests/target/systems/t_evtchn.yaml", r"\(second\) DONE", "tests/target/systems/pv-6.12.yaml", r"\(front\) DONE"]
CODE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$", re.M)


def places():
    """(addresses behind which the lock is held, addresses that give it)"""
    listing = subprocess.run(["llvm-objdump-19", "-d", "--no-show-raw-insn", "--disassemble-symbols=evtchn_deliver",
                              str(tree.BUILD / "arm64/hypervisor/hypervisor.elf")], capture_output=True, text=True, check=True)
    code = [(int(found[1], 16), found[2], found[3]) for found in CODE.finditer(listing.stdout)]
    ops = [op for _, op, _ in code]
    takes = [code[i][0] for i in range(9, len(code))  # the ticket is ours: behind stxr, ldar, cmp
             if ops[i - 2:i + 1] == ["ldar", "cmp", "b.ne"] and "stxr" in ops[i - 9:i]]
    gives = [code[i][0] for i in range(1, len(code))
             if ops[i - 1:i + 1] == ["add", "stlr"] and code[i - 1][2].endswith("#0x1")]
    if len(takes) != 1 or not gives:
        raise SystemExit("lock_hold: evtchn_deliver() does not look as it did; mend places()")
    return takes, gives


def main(arguments):
    work = bench.WORK
    work.mkdir(parents=True, exist_ok=True)
    library = work / "hold.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "scripts/plugin/hold.c", "-o", str(library)], cwd=tree.ROOT, check=True)
    takes, gives = places()
    marks = ",".join([f"take={a:#x}" for a in takes] + [f"give={a:#x}" for a in gives])
    plugin = f"{library},low={el2_time.IMAGE:#x},high={el2_time.IMAGE_END:#x},{marks}"
    worst = 0
    for system, pattern in zip(arguments[::2], arguments[1::2]):
        output = el2_time.play(["build/bulkhead", "run", system, "--headless", "--", "-plugin", plugin], [pattern], 120)
        found = re.search(r"HOLD (\d+) (\d+) (\d+)", output)
        if not found or found[1] == "0":
            raise SystemExit(f"lock_hold: {system}: no event was sent\n" + bench.tail(output))
        count, total, longest = map(int, found.groups())
        print(f"{system}: {count} holds, {total / count:.0f} instructions, at most {longest}")
        worst = max(worst, longest)
    return 1 if worst > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or SYSTEMS))
