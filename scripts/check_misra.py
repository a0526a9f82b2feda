#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count findings of MISRA C rules in what runs on the target against evidence/misra/deviations.md.

check_misra.py           fail on a rule without deviation, and on more findings than its deviation allows
check_misra.py --lower   write today's smaller counts into the record
check_misra.py --list N  show the findings of rule N (for example 15.5)

[impl->dsn~rule-check~1]
"""
import json
import re
import subprocess
import sys
from collections import defaultdict

import tree
from check_compile import gcc_options, source_options

RECORD = tree.ROOT / "evidence" / "misra" / "deviations.md"
TEXTS = tree.ROOT / "evidence" / "misra" / "rule-texts.txt"
WORK = tree.BUILD / "check" / "misra"
SHIPPED = ("hypervisor", "bootdomain")
NOT_SHIPPED = ("hypervisor/arch/host/",)
FINDING = re.compile(r"^([^:]+):(\d+):([^:]+):([^:]+):(.*)$")
ROW = re.compile(r"^\| (D-\d{3}) \| ([\d.]+) \| (\d+) \| (.+) \|$")
RETIRED = re.compile(r"^- (D-\d{3}) ")
SEVERE = {"error", "warning", "portability"}
# Other findings of cppcheck that evidence/misra/deviations.md explains.
EXPLAINED = re.compile(r"^- `(\w+)`: ", re.M)
COUNTED_BY = "2.10"


class RecordError(Exception):
    """The record itself is wrong."""


def read_record(text):
    """{rule: (deviation id, findings allowed)}."""
    rules, ids = {}, set()
    for number, line in enumerate(text.splitlines(), 1):
        row = ROW.match(line)
        gone = RETIRED.match(line)
        if not row and not gone:
            if line.startswith("| D-"):
                raise RecordError(f"{RECORD.name}:{number}: error: write `| D-nnn | rule | findings | reason |`")
            continue
        name = (row or gone)[1]
        if name in ids:
            raise RecordError(f"{RECORD.name}:{number}: error: {name} is used twice; ids are never used again")
        ids.add(name)
        if row:
            if row[2] in rules:
                raise RecordError(f"{RECORD.name}:{number}: error: rule {row[2]} has a deviation already")
            rules[row[2]] = (name, int(row[3]))
    return rules


def judge(findings, rules):
    """Defects as text: findings is {rule: [place]}, rules as from read_record()."""
    errors = []
    for rule, places in sorted(findings.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
        if rule not in rules:
            errors += [f"{place} [no deviation]" for place in places]
        elif len(places) > rules[rule][1]:
            errors.append(f"error: rule {rule}: {len(places)} findings, {rules[rule][0]} allows {rules[rule][1]}; "
                          f"look: scripts/check_misra.py --list {rule}")
    for rule, (name, _) in rules.items():
        if rule not in findings:
            errors.append(f"error: {name}: rule {rule} has no finding any more; move the id to the retired ones")
    return errors


def write_project():
    """cppcheck's view of the target build: one entry a shipped source."""
    entries = []
    for name, arguments in sorted(tree.compile_commands("arm64", *SHIPPED).items()):
        if name.endswith(".c") and not name.startswith(NOT_SHIPPED):
            options = [option for option in gcc_options(source_options(arguments)) if option[:2] in ("-I", "-D", "-i")]
            options += [f"-I{path}" for flag, path in zip(arguments, arguments[1:]) if flag == "-isystem"]
            entries.append({"directory": str(tree.ROOT), "file": name,
                            "command": " ".join(["cc", *options, "-D__aarch64__", "-c", name])})
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "compile_commands.json").write_text(json.dumps(entries, indent=1))
    (WORK / "addon.json").write_text(json.dumps({"script": "misra.py", "args": [f"--rule-texts={TEXTS}"]}))
    return len(entries)


def run_cppcheck():
    """({rule: [place and text]}, [severe findings of cppcheck itself])."""
    command = ["cppcheck", "-q", "-j", "2", "--std=c11", "--platform=unix64", "--enable=style", "--inline-suppr",
               f"--addon={WORK / 'addon.json'}", f"--project={WORK / 'compile_commands.json'}",
               f"--cppcheck-build-dir={WORK}", "--template={file}:{line}:{id}:{severity}:{message}"]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RecordError(f"error: cppcheck ended with {done.returncode}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    rules, severe = defaultdict(set), set()
    explained = set(EXPLAINED.findall(RECORD.read_text()))
    for line in done.stderr.splitlines():
        found = FINDING.match(line)
        if not found:
            continue
        name = found[1].removeprefix(f"{tree.ROOT}/")
        if not name.startswith(SHIPPED):
            continue
        place = f"{name}:{found[2]}: {found[5]}"
        if found[3].startswith("misra-c2012-"):
            rules[found[3].removeprefix("misra-c2012-")].add(place)
        elif found[4] in SEVERE and found[3] not in explained:
            severe.add(f"{place} [{found[3]}]")
    return {rule: sorted(places) for rule, places in rules.items()}, sorted(severe)


def version():
    return subprocess.run(["cppcheck", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def lower(findings, text, may_rise):
    """The record with today's counts where they are smaller."""
    lines = []
    for line in text.splitlines():
        row = ROW.match(line)
        if row:
            now = len(findings.get(row[2], []))
            if now < int(row[3]) or may_rise:
                line = f"| {row[1]} | {row[2]} | {now} | {row[4]} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main(arguments):
    try:
        rules = read_record(RECORD.read_text())
        count = write_project()
        if count == 0:
            print("error: build/arm64 holds no compile commands; run make first")
            return 1
        findings, severe = run_cppcheck()
    except RecordError as error:
        print(error)
        return 1
    if arguments[:1] == ["--list"]:
        print("\n".join(findings.get(arguments[1], [])))
        return 0
    if arguments[:1] in (["--lower"], ["--set"]):
        RECORD.write_text(lower(findings, RECORD.read_text(), arguments[0] == "--set"))
        return 0
    # Other versions know other rules and count otherwise: there the list is looked at, and shown, but not a gate.
    same = version().startswith(COUNTED_BY)
    errors = severe + judge(findings, rules) if same else []
    if not same:
        print(f"note: cppcheck {version()}; the record counts with {COUNTED_BY}: findings are not judged here")
    total = sum(len(places) for places in findings.values())
    print("\n".join(errors + [f"MISRA C: {count} files, {total} findings of {len(findings)} deviated rules"]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
