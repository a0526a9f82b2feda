# SPDX-License-Identifier: Apache-2.0
"""A safe domain beside hostile ones: every deadline, its memory, and its lines on the console, whole and in order."""
import re

from console import EMULATOR, Failure, clean
from lines import DONE, FAILED, FATAL, SYSTEMS

LINE = re.compile(r"storm: (\d+) of (\d+): \d+ to \d+ ticks late, \d+ beyond \d+, \d+ events")
END = ["TEST neighbours_move_no_deadline ok", "DONE 1 passed, 0 failed"]
NAME = "(victim) "
EVERY = 1000  # deadlines a line


def check(root, test, _):
    data = (root / "build" / "test" / "target" / f"{test['name']}.log").read_bytes()
    lines = [clean(raw) for raw in EMULATOR.sub(b"", data).split(b"\n")]
    said = [line[len(NAME):] for line in lines if line.startswith(NAME)]
    numbers = [LINE.fullmatch(line) for line in said[:-len(END)]]
    count = len(numbers)
    if said[-len(END):] != END or count == 0 or [n and (int(n[1]), int(n[2])) for n in numbers] != [(EVERY * i, EVERY * count) for i in range(1, count + 1)]:
        raise Failure("a line of the victim is missing, broken or out of order")


def row(name, timeout):
    return {"name": name, "system": f"{SYSTEMS}/{name}.yaml", "options": ["--icount=4"], "exact": True, "timeout": timeout,
            "forbid": [FATAL, FAILED, r"CORRUPT"], "after": check,
            "lanes": [[r"made every attack", r"attacker: watchdog expired", r"attacker: restarted .* 2 times"],
                      [rf"\(victim\) {DONE}"]]}
