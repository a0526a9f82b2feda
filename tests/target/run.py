#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run one target test of the table (table.py): build its image, boot it in QEMU, follow its console.

run.py NAME            the test; its console is in build/test/target/NAME.log
run.py --list          all names
run.py --coverage DIR  all tests that can, with the instrumented hypervisor; raw profiles into DIR
[impl->dsn~target-runner~1]
"""
import subprocess
import sys
from pathlib import Path

import machines
from console import Failure, Script, play
from gdb import Gdb
from table import LONG, TESTS

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "test" / "target"
KEYS = {"name", "system", "lanes", "forbid", "timeout", "options", "machine", "must_exit", "damage", "inject", "exact",
        "build", "after", "speakers"}
# Whoever dies does so because a test asked for it, and that test says so.
NEVER = [r"bulkhead: FATAL"]
RELEASE = "build/arm64/hypervisor/hypervisor.bin"
HYPERVISOR = "build/arm64/hypervisor/hypervisor.elf"
LOAD_ADDRESS = 0x40200000  # of the image, by both boards


def check_table():
    names = [test["name"] for test in [*TESTS, *LONG]]
    for test in [*TESTS, *LONG]:
        unknown = set(test) - KEYS
        if unknown or names.count(test["name"]) != 1 or not test.get("lanes"):
            raise SystemExit(f"table.py: {test['name']}: unknown keys {sorted(unknown)}, a name used twice, or no lanes")


def prepare_fault(test):
    """The test with a debugger's port, and what to do with it once the machine exists."""
    port = OUT / f"{test['name']}.gdb"
    port.unlink(missing_ok=True)
    options = [*test.get("options", []), "--", "-gdb", f"unix:{port},server=on,wait=off", "-S"]

    def inject():
        debugger = Gdb(port)
        test["inject"](debugger, ROOT / HYPERVISOR)
        debugger.leave()
        port.unlink(missing_ok=True)
    return dict(test, options=options), inject


def run(test, at_end=None):
    OUT.mkdir(parents=True, exist_ok=True)
    machine = getattr(machines, test.get("machine", "bulkhead_run"))
    at_start = None
    if "inject" in test:
        test, at_start = prepare_fault(test)
    try:
        command = machine(ROOT, OUT, test)
        script = Script(test["lanes"], test.get("forbid", NEVER))
        play(command, script, OUT / f"{test['name']}.log", test.get("timeout", 120), ROOT, test.get("must_exit"),
             at_start, at_end)
        if "after" in test:
            test["after"](ROOT, test, (OUT / f"{test['name']}.log").read_text(errors="replace"))
    except (Failure, subprocess.CalledProcessError) as failure:
        print(f"FAILED {test['name']}: {failure}")
        if getattr(failure, "output", None):
            print(failure.output.decode(errors="replace"))
        return 1
    print(f"passed {test['name']}")
    return 0


def instrumented(options):
    """The options with the instrumented hypervisor (or whatever the test runs in its place), and its file."""
    options = list(options)
    if "--hypervisor" not in options:
        options = ["--hypervisor", RELEASE, *options]
    at = options.index("--hypervisor") + 1
    options[at] = options[at].replace("build/arm64/", "build/arm64-coverage/")
    return options, ROOT / options[at]


def run_for_coverage(folder):
    """The same tests; at its end each machine's counters become a raw profile. What cannot be read is a failure."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import coverage_dump
    failed = 0
    for test in TESTS:
        if "exact" in test or "must_exit" in test or "inject" in test or test.get("machine", "bulkhead_run") != "bulkhead_run":
            continue
        socket = OUT / f"{test['name']}.qmp"
        socket.unlink(missing_ok=True)
        options, program = instrumented(test.get("options", []))
        options += ([] if "--" in options else ["--"]) + ["-qmp", f"unix:{socket},server=on,wait=off"]
        options += ["-action", "reboot=shutdown,shutdown=pause"]  # a machine that ended has its memory still

        def dump(name=test["name"], path=socket, elf=program.with_suffix(".elf")):
            coverage_dump.dump_by_qmp(elf, path, LOAD_ADDRESS, Path(folder) / f"{name}.profraw")
        failed += run(dict(test, options=options), dump)
        socket.unlink(missing_ok=True)
    return 1 if failed else 0


def main(arguments):
    check_table()
    if arguments[:1] == ["--coverage"] and len(arguments) == 2:
        return run_for_coverage(arguments[1])
    if arguments == ["--list"]:
        print("\n".join(test["name"] for test in TESTS))
        return 0
    tests = [test for test in [*TESTS, *LONG] if test["name"] in arguments]
    if not arguments or len(tests) != len(arguments):
        print(__doc__, file=sys.stderr)
        return 2
    return 1 if [run(test) for test in tests].count(1) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
