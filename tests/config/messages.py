#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every message of the host tool has an input that provokes it.  usage: messages.py

Takes each (rule, format) from tools/bulkhead/*.c and looks for an expectation in tests/config that it fits.
[utest->dsn~tool-error-form~1]
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRING = r'"((?:[^"\\]|\\.)*)"'
LITERAL = rf'(?:{STRING}|PRI\w+)'
RULED = re.compile(rf'"([a-z0-9]+(?:-[a-z0-9]+)+)",\s*((?:(?:"(?:[^"\\]|\\.)*"|PRI\w+)\s*)+)[,)]')
PLAIN = re.compile(rf'\b(?:fail|tree_wrong|tree_note)\(\s*(?:&?\w+,\s*)+((?:"(?:[^"\\]|\\.)*"\s*)+)\)')
# What cannot be provoked by an input: exhausted memory, a failing disk.
EXCEPT = {"there is no memory for it; close other programs", "the text cannot be read as YAML",
          "it cannot be inflated here; give the uncompressed kernel",
          "the text is no YAML; see docs/manual/configuration.md for the form",
          "the value holds a NUL character; write printable text"}


def join(literals):
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"|PRI\w+', literals)
    return "".join(parts).replace('\\"', '"')


def pattern(form):
    """The format as a regular expression."""
    pieces = re.split(r"%(?:[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j)?[diuxXscg])|%$|%(?=[^%])", form)
    return re.compile(".*".join(re.escape(piece.replace("%%", "%")) for piece in pieces))


def messages():
    for path in sorted((ROOT / "tools/bulkhead").glob("*.c")):
        text = path.read_text()
        for match in RULED.finditer(text):
            if " " in join(match[2]):
                yield path.name, match[1], join(match[2])
        for match in PLAIN.finditer(text):
            yield path.name, None, join(match[1])


def expectations():
    lines = []
    for path in (ROOT / "tests/config").glob("*.yaml"):
        lines += [line for line in path.read_text().splitlines() if line.startswith("# expect: ")]
    return lines + [line for name in ("lies.expected", "trace_verb.py")
                    for line in (ROOT / "tests/config" / name).read_text().splitlines()]


def main():
    lines = expectations()
    found = list(messages())
    missing = [m for m in found if m[2] not in EXCEPT and not any(
        (m[1] is None or f"[{m[1]}]" in line) and pattern(m[2]).search(line) for line in lines)]
    for name, rule, form in missing:
        print(f"{name}: no input provokes [{rule}] {form}")
    print(f"{len(found)} messages, {len(missing)} without an input")
    return 1 if missing or len(found) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
