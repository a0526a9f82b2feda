# SPDX-License-Identifier: Apache-2.0
"""docs/manual/hypercalls.md names every operation that the code dispatches, and the right that the table names for it."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "hypervisor" / "core"
PREFIXES = r"EVTCHNOP|GNTTABOP|XENMEM|VCPUOP|SCHEDOP|XENVER|HVMOP|CONSOLEIO|XEN_SYSCTL|XEN_DOMCTL|BULKHEAD_OP"


def rows():
    """operation -> the text of who may make it"""
    found = {}
    for line in (ROOT / "docs/manual/hypercalls.md").read_text().splitlines():
        cells = line.split("|")
        if len(cells) > 3:
            for name in re.findall(rf"\b(?:{PREFIXES})_\w+", cells[1]):
                found[name] = cells[2]
    return found


def dispatched():
    """Operations in a switch or a table of the core, and the right of those that have one there."""
    found = {}
    for source in CORE.glob("*.c"):
        for line in source.read_text().splitlines():
            for name in re.findall(rf"(?:case |^ *\[|^ *\{{\w+, |(?:cmd|op|args\[0\]) [!=]= )((?:{PREFIXES})_\w+)", line):
                right = re.search(rf"\b{name}\b.*BULKHEAD_RIGHT_(\w+)", line)
                found[name] = right[1] if right else found.get(name)
    return found


def not_made(path, but):
    """Operations of the manual that the program does not make, but for those that begin with one of the words."""
    text = (ROOT / path).read_text()
    short = {name: re.sub(rf"^(?:{PREFIXES})_", "", name) for name in rows()}
    return sorted(name for name in short if not name.startswith(but) and
                  not re.search(rf"\b{name}\b|\b[A-Z]+\({short[name]}\b", text))


class Hypercalls(unittest.TestCase):
    # A hostile guest holds no right: any domctl or sysctl is refused unread, whatever its command.  It does not sleep.
    def test_the_hostile_guest_makes_every_call(self):
        self.assertEqual(not_made("guests/hostile/sweep.c", ("XEN_DOMCTL_", "XEN_SYSCTL_", "SCHEDOP_block")), [])

    # There any number below 12 is made of the version and console calls, and nobody ends boot services.
    def test_random_calls_are_of_every_kind(self):
        self.assertEqual(not_made("tests/unit/abuse/grammar.c", ("XENVER_", "CONSOLEIO_", "BULKHEAD_OP_EXIT")), [])

    def test_every_operation_has_a_row(self):
        missing = sorted(set(dispatched()) - set(rows()))
        self.assertEqual(missing, [], "name them in docs/manual/hypercalls.md")

    def test_no_row_is_about_nothing(self):
        self.assertEqual(sorted(set(rows()) - set(dispatched())), [])

    def test_rights_are_those_of_the_table(self):
        table = rows()
        wrong = {name: right for name, right in dispatched().items() if right and right not in table.get(name, "")}
        self.assertEqual(wrong, {})

    def test_every_call_of_the_table_is_named(self):
        text = (ROOT / "docs/manual/hypercalls.md").read_text()
        calls = re.findall(r"\[__HYPERVISOR_(\w+)\]", (CORE / "hypercall.c").read_text())
        self.assertGreater(len(calls), 8)
        self.assertEqual([call for call in calls if call not in text], [])


if __name__ == "__main__":
    unittest.main()
