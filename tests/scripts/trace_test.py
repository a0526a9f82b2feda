# SPDX-License-Identifier: Apache-2.0
"""The trace checker finds each kind of defect, at its place, and nothing in a sound tree.
[utest->dsn~trace-checker~1]
"""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import trace as checker



def tag(kind, *items):
    """A tag, put together here so that this file's own trace does not hold it."""
    return f"// [{kind}->{','.join(items)}]\n"


REQ = "### Top\n`req~top~1`\n\nIt shall be.\n\nNeeds: dsn\n"
DSN = "### Part\n`dsn~part~2`\n\nIt shall do.\n\nCovers: req~top~1\nNeeds: impl, utest\n"
CODE = tag("impl", "dsn~part~2")
TEST = "// x\n" + tag("utest", "dsn~part~2")


class Trace(unittest.TestCase):
    def errors(self, dsn=DSN, code=CODE, test=TEST, req=REQ):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            for path, text in (("reqs/system.md", req), ("reqs/part.md", dsn), ("hypervisor/a.c", code),
                               ("tests/unit/a_test.c", test)):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return checker.trace(root)[3]

    def test_sound_tree_has_no_defect(self):
        self.assertEqual(self.errors(), [])

    def test_uncovered_item(self):
        self.assertEqual(self.errors(test=""), ["reqs/part.md:2: error: dsn~part~2 needs utest, nothing gives it"])

    def test_orphan_tag(self):
        self.assertEqual(self.errors(code=CODE + tag("impl", "dsn~other~1")),
                         ["hypervisor/a.c:2: error: dsn~other~1 does not exist"])

    def test_outdated_tag(self):
        self.assertEqual(self.errors(test=TEST + tag("utest", "dsn~part~1")),
                         ["tests/unit/a_test.c:3: error: dsn~part~1 is now revision 2; look at it again"])

    def test_duplicate_item(self):
        self.assertEqual(self.errors(dsn=DSN + DSN),
                         ["reqs/part.md:9: error: dsn~part~2 is defined twice, also at reqs/part.md:2"])

    def test_unwanted_cover(self):
        self.assertEqual(self.errors(test=TEST + tag("itest", "dsn~part~2")),
                         ["tests/unit/a_test.c:3: error: dsn~part~2 does not ask for itest (needs: impl, utest)"])

    def test_two_shalls(self):
        self.assertEqual(self.errors(dsn=DSN.replace("do.", "do and shall not.")),
                         ["reqs/part.md:2: error: dsn~part~2 has 2 times `shall`; write one sentence with one"])

    def test_malformed_tag(self):
        self.assertEqual(self.errors(code=CODE + tag("impl", "dsn~part")),
                         ["hypervisor/a.c:2: error: malformed tag; write " + tag("impl", "dsn~name~1")[3:-1]])

    def test_several_items_in_one_tag(self):
        two = DSN + DSN.replace("part~2", "more~1")
        self.assertEqual(self.errors(dsn=two, code=tag("impl", "dsn~part~2", "dsn~more~1"),
                                     test=tag("utest", "dsn~part~2", "dsn~more~1")), [])


if __name__ == "__main__":
    unittest.main()
