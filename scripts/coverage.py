#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Coverage of lines, branches and conditions (MC/DC): host tests and on-target runs in one report.

coverage.py                   build/coverage/index.html and summary.md; fails if a total fell below evidence/coverage.md
coverage.py --write-baseline  the totals of build/coverage become evidence/coverage.md
coverage.py --host            host tests only, no gate

[impl->dsn~coverage-merge~1]
"""
import json
import os
import re
import shutil
import subprocess
import sys

import tree

OUT = tree.BUILD / "coverage"
RAW = OUT / "raw"
RECORD = tree.ROOT / "evidence" / "coverage.md"
TARGET = tree.BUILD / "arm64-coverage" / "hypervisor"
TARGET_PROGRAMS = [TARGET / "hypervisor.elf", TARGET / "contract.elf"]
PARTS = ("hypervisor/core", "hypervisor/sched", "hypervisor/lib", "hypervisor/arch/arm64", "bootdomain", "tools/bulkhead")
KINDS = ("lines", "branches", "mcdc")
# Timing on the target decides some branches (who comes first); a total may move by this many points.
TOLERANCE = 0.5
ROW = re.compile(r"^\| (\S+) \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \|")


def run(command, **keywords):
    return subprocess.run(command, cwd=tree.ROOT, check=True, **keywords)


def run_host_tests():
    """Every process of every host test leaves its counters in RAW."""
    run(["scripts/build.sh", "host-coverage"])
    environment = dict(os.environ, LLVM_PROFILE_FILE=f"{RAW}/host-%p-%m.profraw")
    return run_tests("host", ["ctest", "--test-dir", "build/host-coverage", "-j", "2", "--output-on-failure"], environment)


def run_target_tests():
    """Target tests with the instrumented hypervisor; the runner takes the counters out of the machine's memory."""
    run(["scripts/build.sh", "host", "arm64", "arm64-coverage"])
    return run_tests("target", ["tests/target/run.py", "--coverage", str(RAW)], os.environ)


def run_tests(name, command, environment):
    """What a failed test reached is reported all the same, but the whole then fails."""
    log = OUT / f"{name}.log"
    print(f"coverage: {name} tests", flush=True)
    with open(log, "wb") as out:
        done = subprocess.run(command, cwd=tree.ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        print(f"error: {name} tests failed; see {log.relative_to(tree.ROOT)}", flush=True)
    return done.returncode == 0


def instrumented_programs():
    programs = []
    for path in sorted((tree.BUILD / "host-coverage").rglob("*")):
        if path.is_file() and os.access(path, os.X_OK) and path.suffix == "":
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    programs.append(path)
    return programs + [path for path in TARGET_PROGRAMS if path.exists()]


def llvm_cov(verb, *options):
    first, *others = instrumented_programs()
    command = ["llvm-cov-19", verb, str(first), *[f"-object={path}" for path in others],
               f"-instr-profile={OUT / 'merged.profdata'}", *options]
    return run([*command, *[str(tree.ROOT / part) for part in PARTS]], capture_output=True, text=True).stdout


def merge():
    raw = [str(path) for path in sorted(RAW.glob("*.profraw"))]
    run(["llvm-profdata-19", "merge", "-sparse", "--failure-mode=all", *raw, "-o", str(OUT / "merged.profdata")])
    print(f"coverage: {len(raw)} profiles merged", flush=True)


def totals(export):
    """{part: {kind: (covered, count)}} and the total over all parts, from llvm-cov's JSON."""
    sums = {name: {kind: [0, 0] for kind in KINDS} for name in (*PARTS, "total")}
    for file in export["data"][0]["files"]:
        name = os.path.relpath(file["filename"], tree.ROOT)
        part = next((part for part in PARTS if name.startswith(part + "/")), None)
        for row in (part, "total") if part else ():
            for kind in KINDS:
                sums[row][kind][0] += file["summary"][kind]["covered"]
                sums[row][kind][1] += file["summary"][kind]["count"]
    return sums


def percent(pair):
    return 100.0 * pair[0] / pair[1] if pair[1] else 100.0


def table(sums):
    lines = ["| part | lines | branches | MC/DC | of lines, branches, conditions |", "|---|---|---|---|---|"]
    for name, row in sums.items():
        if row["lines"][1]:
            cells = " | ".join(f"{percent(row[kind]):.1f} %" for kind in KINDS)
            lines.append(f"| {name} | {cells} | {', '.join(str(row[kind][1]) for kind in KINDS)} |")
    return "\n".join(lines) + "\n"


def read_record(text):
    return {row[1]: dict(zip(KINDS, map(float, row.groups()[1:]))) for row in map(ROW.match, text.splitlines()) if row}


def fallen(sums, record):
    """What is lower than the record, as text."""
    lines = []
    for name, then in record.items():
        for kind in KINDS:
            now = percent(sums[name][kind]) if name in sums and sums[name]["lines"][1] else 0.0
            if now < then[kind] - TOLERANCE:
                lines.append(f"error: {name}: {kind} {now:.1f} %, {then[kind]:.1f} % in evidence/coverage.md")
    return lines


def write_record(summary):
    RECORD.write_text("<!-- SPDX-License-Identifier: Apache-2.0 -->\n# Coverage\n\n"
                      "`make coverage` runs the host tests and the target tests with counters, merges them and compares\n"
                      f"with this table: no figure may fall by more than {TOLERANCE} points. `make coverage-baseline` writes it.\n"
                      "MC/DC is clang's, on the source; what stands behind a line that is not covered is in the HTML report\n"
                      "(`build/coverage/index.html`). The Boot Domain and the host tool are measured by host tests only.\n\n"
                      + summary)


def report():
    export = json.loads(llvm_cov("export", "-summary-only"))
    llvm_cov("show", "-format=html", f"-output-dir={OUT}", "-show-mcdc", "-show-branches=count",
             "-show-instantiations=false", "-project-title=Bulkhead")
    sums = totals(export)
    (OUT / "summary.json").write_text(json.dumps(sums))
    (OUT / "summary.md").write_text(table(sums))
    print(table(sums), end="")
    return sums


def main(arguments):
    if arguments == ["--write-baseline"]:
        write_record((OUT / "summary.md").read_text())
        return 0
    shutil.rmtree(OUT, ignore_errors=True)
    RAW.mkdir(parents=True)
    good = run_host_tests()
    if arguments != ["--host"]:
        good = run_target_tests() and good
    merge()
    sums = report()
    if arguments == ["--host"] or not RECORD.exists():
        return 0 if good else 1
    lines = fallen(sums, read_record(RECORD.read_text()))
    print("\n".join(lines), end="\n" if lines else "")
    return 0 if good and not lines else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
