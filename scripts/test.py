#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run every check and every test, say what failed and why, and close with `N passed, N failed`.

test.py            all steps
test.py STEP...    some of them (names: --list)

A ctest program that runs several cases (cmocka, a test guest's `DONE n passed, m failed`) counts as that many.
Logs stay in build/test/.
"""
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test"
PARALLEL = 2
SHOWN_LINES = 80

# name -> (kind, argument)
STEPS = {
    "check": ("command", ["scripts/check.py"]),
    "trace": ("command", ["scripts/trace.py"]),
    "scripts": ("command", ["scripts/selftest.py"]),
    "host-asan": ("ctest", "host-asan"),
    "host-tsan": ("ctest", "host-tsan"),
    "target": ("ctest", "host"),
    "bench": ("command", ["scripts/bench.py", "--gate"]),
    "deadlines": ("command", ["scripts/deadlines.py"]),
    "el2": ("command", ["scripts/el2_time.py", "--gate"]),
}


def run_logged(command, log):
    """Run command with all output in log; the exit code."""
    with open(log, "wb") as out:
        return subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode


def show_tail(text):
    for line in text.splitlines()[-SHOWN_LINES:]:
        print("    " + line)


def run_command(name, command):
    """A check: one case, unless it counts its own."""
    log = LOGS / f"{name}.log"
    code = run_logged(command, log)
    output = log.read_text(errors="replace")
    passed, failed = count_cases(output) or (int(code == 0), int(code != 0))
    if code != 0:
        failed = max(failed, 1)
        print(f"test: {name} FAILED ({' '.join(command)})")
        show_tail(output)
    return passed, failed


def count_cases(output):
    """(passed, failed) as the program itself counted, or None if it did not say."""
    passed = failed = 0
    found = False
    for match in re.finditer(r"^\[  (PASSED|FAILED)  \] (\d+) test\(s\)", output, re.M):
        found = True
        if match[1] == "PASSED":
            passed += int(match[2])
        else:
            failed += int(match[2])
    for match in re.finditer(r"^(?:.*\s)?DONE (\d+) passed, (\d+) failed\s*$", output, re.M):
        found = True
        passed += int(match[1])
        failed += int(match[2])
    return (passed, failed) if found else None


def read_results(junit, name):
    """Counts of one ctest run; failed tests are shown."""
    passed = failed = 0
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        counted = count_cases(output)
        if case.get("status") == "run":
            passed += counted[0] if counted else 1
            failed += counted[1] if counted else 0
            continue
        failed += max(counted[1], 1) if counted else 1
        passed += counted[0] if counted else 0
        print(f"test: {name}: {case.get('name')} FAILED")
        show_tail(output)
    return passed, failed


def run_ctest(name, preset):
    """All tests of one build tree."""
    log = LOGS / f"{name}.log"
    if run_logged(["scripts/build.sh", preset], log) != 0:
        print(f"test: {name} FAILED: build/{preset} does not build")
        show_tail(log.read_text(errors="replace"))
        return 0, 1
    junit = LOGS / f"{name}.xml"
    junit.unlink(missing_ok=True)
    size = "1000000"
    code = run_logged(["ctest", "--test-dir", f"build/{preset}", "-j", str(PARALLEL), "--output-junit", str(junit),
                       "--test-output-size-passed", size, "--test-output-size-failed", size], log)
    if not junit.exists():
        print(f"test: {name} FAILED: ctest wrote no results; see {log.relative_to(ROOT)}")
        return 0, 1
    passed, failed = read_results(junit, name)
    if passed + failed == 0:
        print(f"test: {name} FAILED: the tree build/{preset} holds no test")
        return 0, 1
    if code != 0 and failed == 0:
        print(f"test: {name} FAILED: ctest ended with {code}; see {log.relative_to(ROOT)}")
        failed = 1
    return passed, failed


def main(names):
    if names == ["--list"]:
        print("\n".join(STEPS))
        return 0
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print(f"test: no step {unknown[0]}; steps: {' '.join(STEPS)}", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    total = [0, 0]
    for name in names or STEPS:
        print(f"test: {name} ...", flush=True)
        kind, argument = STEPS[name]
        start = time.monotonic()
        passed, failed = (run_command if kind == "command" else run_ctest)(name, argument)
        print(f"test: {name}: {passed} passed, {failed} failed, {time.monotonic() - start:.0f} s", flush=True)
        total[0] += passed
        total[1] += failed
    print(f"{total[0]} passed, {total[1]} failed")
    return 0 if total[1] == 0 and total[0] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
