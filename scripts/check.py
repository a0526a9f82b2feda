#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every check that needs no test to run. check.py [NAME...], check.py --list, check.py --format (in place)."""
import subprocess
import sys
import time

import tree

LAYOUT_FOLDERS = ("include", "hypervisor", "bootdomain", "toolstack", "tools", "guests", "tests")
SCRIPTS = "scripts"


def layout_files():
    return tree.files(*LAYOUT_FOLDERS, suffixes={".c", ".h"})


def layout():
    """One line for each file that clang-format would change."""
    done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *layout_files()], cwd=tree.ROOT,
                          capture_output=True, text=True, check=False)
    first = {}
    for line in done.stderr.splitlines():
        if ": error: code should be clang-formatted" in line:
            first.setdefault(line.split(":", 1)[0], line.split(": error", 1)[0])
    for place in first.values():
        print(f"{place}: error: layout; run make format")
    return done.returncode


def commands():
    """name -> command; a check passes when its command ends with 0."""
    return {
        "layout": [f"{SCRIPTS}/check.py", "--layout"],
        "structure": [f"{SCRIPTS}/check_structure.py"],
        "gcc": [f"{SCRIPTS}/check_compile.py", "gcc"],
        "misra": [f"{SCRIPTS}/check_misra.py"],
        "tidy": [f"{SCRIPTS}/check_compile.py", "tidy"],
        "size": [f"{SCRIPTS}/size_report.py"],
    }


def run(name, command):
    start = time.monotonic()
    done = subprocess.run(command, cwd=tree.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode(errors="replace").strip()
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"check: {name} {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
    if done.returncode != 0:
        print(output, flush=True)
    return done.returncode == 0


def main(arguments):
    known = commands()
    if arguments == ["--list"]:
        print("\n".join(known))
        return 0
    if arguments == ["--layout"]:
        return layout()
    if arguments == ["--format"]:
        return subprocess.run(["clang-format-19", "-i", *layout_files()], cwd=tree.ROOT, check=False).returncode
    if unknown := [name for name in arguments if name not in known]:
        print(f"check: no check {unknown[0]}; checks: {' '.join(known)}", file=sys.stderr)
        return 2
    results = [run(name, known[name]) for name in arguments or known]
    failed = results.count(False)
    print(f"DONE {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
