# SPDX-License-Identifier: Apache-2.0
"""The structure check finds each kind of defect.
[utest->dsn~structure-check~1]
"""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import check_structure as check  # noqa: E402

LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


class Structure(unittest.TestCase):
    def check(self, function, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return function(sorted(files), Path(folder))

    def includes(self, name, line):
        files = {"hypervisor/core/grant.h": "", "hypervisor/core/upcall.h": "", "hypervisor/lib/bits.h": "",
                 "bootdomain/plan.h": "", name: line + "\n"}
        return self.check(check.check_includes, files)

    def test_arch_reaches_core_through_the_upcall_header_only(self):
        self.assertEqual(self.includes("hypervisor/arch/arm64/a.c", '#include "core/upcall.h"'), [])
        self.assertEqual(len(self.includes("hypervisor/arch/arm64/a.c", '#include "core/grant.h"')), 1)

    def test_lib_knows_nothing_of_the_core(self):
        self.assertEqual(len(self.includes("hypervisor/lib/a.c", '#include "core/grant.h"')), 1)

    def test_core_includes_lib_and_xen_but_no_c_library(self):
        self.assertEqual(self.includes("hypervisor/core/a.c", '#include "lib/bits.h"'), [])
        self.assertEqual(self.includes("hypervisor/core/a.c", "#include <xen/xen.h>"), [])
        self.assertEqual(len(self.includes("hypervisor/core/a.c", "#include <stdio.h>")), 1)

    def test_a_path_with_dots_is_resolved(self):
        self.assertEqual(len(self.includes("hypervisor/core/a.c", '#include "../../bootdomain/plan.h"')), 1)

    def test_long_function(self):
        body = "int f(void)\n{\n" + "    ;\n" * 60 + "    return 0;\n}\n"
        errors = self.check(check.check_sizes, {"hypervisor/core/a.c": body})
        self.assertEqual(len(errors), 1)
        self.assertIn("f() has 64 lines", errors[0])

    def test_long_function_with_a_reason(self):
        body = "int f(void)\n{\n" + "    ;\n" * 60 + "    return 0;\n}\n"
        reason = "- `hypervisor/core/a.c` `f`: one table\n"
        self.assertEqual(self.check(check.check_sizes, {"hypervisor/core/a.c": body, "evidence/sizes.md": reason}), [])

    def test_reason_that_is_not_needed(self):
        errors = self.check(check.check_sizes, {"a.c": "", "evidence/sizes.md": "- `a.c` `f`: one table\n"})
        self.assertEqual(errors, ["evidence/sizes.md:1: error: no longer needed, remove it"])

    def test_long_file(self):
        errors = self.check(check.check_sizes, {"tools/a.c": "\n" * 501})
        self.assertEqual(len(errors), 1)

    def test_licence_line(self):
        self.assertEqual(self.check(check.check_licence, {"a.c": LICENCE}), [])
        self.assertEqual(len(self.check(check.check_licence, {"a.c": "int a;\n"})), 1)

    def test_unfinished_work(self):
        self.assertEqual(len(self.check(check.check_words, {"a.c": "// TO" "DO: later\n"})), 1)


if __name__ == "__main__":
    unittest.main()
