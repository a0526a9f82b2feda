# SPDX-License-Identifier: Apache-2.0
"""A profile made from sections in memory is the one that LLVM's own run time writes.
[utest->dsn~coverage-merge~1]
"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import coverage_dump  # noqa: E402

PROGRAM = r"""
#include <stdio.h>
extern char __start___llvm_prf_cnts[], __stop___llvm_prf_cnts[], __start___llvm_prf_bits[], __stop___llvm_prf_bits[];
int __llvm_profile_dump(void);
static int both(int a, int b, int c) { return (a && b) || c ? 1 : 2; }
__attribute__((no_profile_instrument_function)) static void save(const char *name, char *from, char *to)
{
    FILE *f = fopen(name, "wb");
    fwrite(from, 1, (size_t)(to - from), f);
    fclose(f);
}
__attribute__((no_profile_instrument_function)) int main(int argc, char **argv)
{
    int sum = both(argc > 0, argc > 1, argc > 2) + both(argc > 1, 0, argc < 9);
    __llvm_profile_dump();
    save("counters", __start___llvm_prf_cnts, __stop___llvm_prf_cnts);
    save("bits", __start___llvm_prf_bits, __stop___llvm_prf_bits);
    (void)argv;
    return sum < 0;
}
"""


class CoverageDump(unittest.TestCase):
    def test_same_bytes_as_the_run_time(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "p.c").write_text(PROGRAM)
            subprocess.run(["clang-19", "-no-pie", "-fprofile-instr-generate=theirs.profraw", "-fcoverage-mapping",
                            "-fcoverage-mcdc", "-Wl,--build-id=none", "p.c", "-o", "p"], cwd=folder, check=True)
            subprocess.run(["./p"], cwd=folder, check=True)
            elf = (folder / "p").read_bytes()
            ours = coverage_dump.raw_profile(elf, coverage_dump.read_sections(elf), (folder / "counters").read_bytes(),
                                             (folder / "bits").read_bytes())
            theirs = (folder / "theirs.profraw").read_bytes()
            # The records' function pointers and value pointers are written as they stand in the file.
            self.assertEqual(ours[:128], theirs[:128])
            self.assertEqual(len(ours), len(theirs))
            (folder / "ours.profraw").write_bytes(ours)
            shown = [self.show(folder, which) for which in ("ours", "theirs")]
            self.assertEqual(shown[0], shown[1])
            self.assertIn("both", shown[0])

    @staticmethod
    def show(folder, which):
        subprocess.run(["llvm-profdata-19", "merge", "-sparse", f"{which}.profraw", "-o", f"{which}.profdata"],
                       cwd=folder, check=True)
        report = subprocess.run(["llvm-cov-19", "report", "p", f"-instr-profile={which}.profdata", "--show-mcdc-summary",
                                 "-show-functions", "p.c"], cwd=folder, check=True, capture_output=True, text=True)
        return report.stdout

    def test_refuses_another_layout(self):
        with self.assertRaises(ValueError):
            coverage_dump.raw_profile(b"", {"__llvm_prf_data": (0, 0, 63, 2), "__llvm_prf_names": (0, 0, 0, 2),
                                            "__llvm_prf_cnts": (0, 0, 0, 3)}, b"", b"")


if __name__ == "__main__":
    unittest.main()
