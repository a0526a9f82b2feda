#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad descriptions, each with its exact messages.  usage: run.py BULKHEAD [--update] [NAME...]

tests/config/NAME.yaml ends in comment lines `# expect: LINE`: what `bulkhead check` must print to standard error, all of
it, with exit code 1. A line that starts with a digit is short for the file itself. [utest->dsn~tool-error-form~1]
[utest->dsn~tool-check~1] [utest->dsn~tool-grants~1] [utest->dsn~tool-rules~1] [utest->dsn~tool-memory-rules~1] [utest->dsn~tool-yaml~1]
[utest->dsn~tool-modules~1] [utest->dsn~tool-kernel-probe~1] [utest->dsn~tool-board-description~1] [utest->dsn~tool-devices~1]
[utest->dsn~label-compile~1] [utest->dsn~label-links~1]
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/config"
MARK = "# expect: "


def expectation(path):
    """The lines that the file expects, complete."""
    name = path.relative_to(ROOT)
    lines = [line[len(MARK):] for line in path.read_text().splitlines() if line.startswith(MARK)]
    return [f"{name}:{line}" if line[0].isdigit() else line for line in lines]


def check(bulkhead, path):
    """Exit code and messages of `bulkhead check`; sizes of our own binaries are taken as unknown."""
    result = subprocess.run([bulkhead, "check", "--hypervisor", "none", "--boot-domain", "none", path.relative_to(ROOT)],
                            cwd=ROOT, capture_output=True, text=True, timeout=60)
    return result.returncode, result.stderr.splitlines()


def update(path, lines):
    kept = [line for line in path.read_text().splitlines() if not line.startswith(MARK)]
    prefix = f"{path.relative_to(ROOT)}:"
    new = [MARK + (line[len(prefix):] if line.startswith(prefix) else line) for line in lines]
    path.write_text("\n".join(kept + new) + "\n")


def main():
    bulkhead = str(pathlib.Path(sys.argv[1]).resolve())
    names = [name for name in sys.argv[2:] if not name.startswith("--")]
    failures = 0
    paths = sorted(HERE.glob("*.yaml"))
    for path in paths:
        if names and path.stem not in names:
            continue
        code, lines = check(bulkhead, path)
        if "--update" in sys.argv:
            update(path, lines)
            continue
        expected = expectation(path)
        if code != 1 or lines != expected or not expected:
            failures += 1
            print(f"FAIL {path.stem}: exit code {code}")
            print("".join(f"  expected: {line}\n" for line in expected) + "".join(f"  got:      {line}\n" for line in lines))
    print(f"{len(paths)} descriptions, {failures} failures")
    return 1 if failures or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
