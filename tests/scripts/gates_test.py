# SPDX-License-Identifier: Apache-2.0
"""The gates of rules, figures and sizes close when they should.
[utest->dsn~rule-check~1]
[utest->dsn~bench-gate~1]
[utest->dsn~size-report~1]
[utest->dsn~bench-pv~1]
"""
import json
import struct
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import bench  # noqa: E402
import bench_pv  # noqa: E402
import check_misra  # noqa: E402
import deadlines  # noqa: E402
import size_report  # noqa: E402

RECORD = "| D-001 | 15.5 | 2 | early exits |\n| D-002 | 8.7 | 0 | why |\n\n- D-003 was rule 2.1\n"


class Rules(unittest.TestCase):
    def setUp(self):
        self.rules = check_misra.read_record(RECORD)

    def test_within_the_record(self):
        self.assertEqual(check_misra.judge({"15.5": ["a.c:1: x", "a.c:2: x"], "8.7": []}, self.rules), [])

    def test_one_more_finding_than_allowed(self):
        errors = check_misra.judge({"15.5": ["1", "2", "3"], "8.7": []}, self.rules)
        self.assertEqual(len(errors), 1)
        self.assertIn("rule 15.5: 3 findings, D-001 allows 2", errors[0])

    def test_rule_without_deviation(self):
        errors = check_misra.judge({"15.5": [], "8.7": [], "10.4": ["a.c:7: text"]}, self.rules)
        self.assertEqual(errors, ["a.c:7: text [no deviation]"])

    def test_deviation_without_finding(self):
        errors = check_misra.judge({"15.5": ["1"]}, self.rules)
        self.assertEqual(len(errors), 1)
        self.assertIn("D-002", errors[0])

    def test_id_of_a_retired_deviation_is_not_used_again(self):
        with self.assertRaises(check_misra.RecordError):
            check_misra.read_record(RECORD + "| D-003 | 2.2 | 1 | again |\n")

    def test_malformed_row(self):
        with self.assertRaises(check_misra.RecordError):
            check_misra.read_record("| D-4 | 2.2 | 1 | short id |\n")

    def test_lower_never_raises(self):
        lowered = check_misra.lower({"15.5": ["1"], "8.7": ["1"]}, RECORD, False)
        self.assertIn("| D-001 | 15.5 | 1 |", lowered)
        self.assertIn("| D-002 | 8.7 | 0 |", lowered)


class Figures(unittest.TestCase):
    BASE = {"hypercall_null": {"min": 100, "mean": 110, "max": 200}}

    def test_equal_and_better_pass(self):
        self.assertEqual(bench.worse(self.BASE, self.BASE), [])
        self.assertEqual(bench.worse({"hypercall_null": {"min": 99, "mean": 99, "max": 99}}, self.BASE), [])

    def test_attack_may_not_move_a_deadline(self):
        figures = {f"vtimer_{name}": {"mean": 177, "max": 300} for name in bench.ATTACKS}
        self.assertEqual(bench.moved(figures), [])
        figures |= {"vtimer_trap": {"mean": 195, "max": 195}, "vtimer_event": {"mean": 194, "max": 900}}
        self.assertEqual(bench.moved(figures), ["error: vtimer_trap mean: 195 instructions, 177 alone"])

    def test_worst_sample_beside_a_neighbour_is_not_judged(self):
        base = {"vtimer_trap": {"min": 174, "mean": 174, "max": 174}}
        self.assertEqual(bench.worse({"vtimer_trap": {"min": 174, "mean": 174, "max": 300}}, base), [])
        self.assertEqual(bench.worse({"vtimer_trap": {"min": 174, "mean": 175, "max": 174}}, base),
                         ["error: vtimer_trap mean: 175 instructions, 174 in the baseline"])

    def test_deadlines(self):
        alone = deadlines.parse("(victim) x\nDEADLINE 5000 174 870004 176 0 0 0\n")
        self.assertEqual((alone.samples, alone.most, alone.waits), (5000, 176, 0))
        self.assertIsNone(deadlines.parse("DEADLINE 5000 174\n"))
        self.assertEqual(deadlines.judge("trap", alone, 5000, 193, 9), [])
        self.assertEqual(deadlines.judge("trap", alone, 5001, 193, 9), ["error: trap: 5000 of 5001 samples"])
        moved = alone._replace(most=500, over=3)
        self.assertEqual(deadlines.judge("event", moved, 5000, 193, 2), [])
        for name, intervals, may in (("event", 1, 2), ("trap", 9, 0)):
            self.assertEqual(deadlines.judge(name, moved, 5000, 193, intervals),
                             [f"error: {name}: 3 samples of more than 193 instructions, 0 with a second exit, {may} allowed; the most 500"])
        self.assertEqual(len(deadlines.judge("trap", alone._replace(exits=1), 5000, 193, 9)), 1)

    def test_one_instruction_more_fails(self):
        now = {"hypercall_null": {"min": 100, "mean": 111, "max": 200}}
        self.assertEqual(bench.worse(now, self.BASE),
                         ["error: hypercall_null mean: 111 instructions, 110 in the baseline"])

    def test_slack_is_a_share(self):
        now = {"hypercall_null": {"min": 102, "mean": 112, "max": 205}}
        self.assertEqual(bench.worse(now, self.BASE, 0.02),
                         ["error: hypercall_null max: 205 instructions, 200 in the baseline"])

    def test_figure_that_vanished_fails(self):
        self.assertEqual(bench.worse({}, self.BASE), ["error: hypercall_null is not measured any more"])

    def test_a_figure_that_is_lost(self):
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(bench, "BASELINE",
                                                                                 Path(folder) / "baseline.json"):
            self.assertEqual(bench.lost({}), [])
            bench.BASELINE.write_text(json.dumps(self.BASE))
            self.assertEqual(bench.lost(self.BASE), [])
            self.assertEqual(bench.lost({}), ["hypercall_null"])

    def test_unfinished_bench_guest_fails(self):
        with self.assertRaises(bench.BenchError):
            bench.parse_operations("d1: BENCH hypercall_null 1 2 3\n")

    def test_boot_figures_from_arrivals(self):
        consoles = {1: "MARK guest 1 1000\n", 5: "".join(f"MARK guest {n} {1000 + 50 * n}\n" for n in range(1, 6))}
        more = {1: "MARK guest 1 2000\n", 5: "".join(f"MARK guest {n} {2000 + 500 * n}\n" for n in range(1, 6))}
        sizes = {bench.SMALL_MIB: consoles, bench.FIRST_MIB: more}
        figures, _ = bench.boot_figures(lambda domains, mib: sizes[mib][domains])
        self.assertEqual(figures["boot_first_domain"]["mean"], 2000)
        self.assertEqual(figures["boot_per_domain"]["mean"], 62)
        self.assertEqual(figures["boot_per_domain_64"]["mean"], 625)


class Flat(unittest.TestCase):
    def test_a_cost_that_grows_with_the_domains_fails(self):
        figures = {f"{key}_{name}": {"mean": 400} for key in bench.FLAT for name in bench.CROWDS}
        self.assertEqual(bench.grown(figures), [])
        figures["grant_map_128"] = {"mean": 420}
        self.assertEqual(bench.grown(figures), ["error: grant_map_128 mean: 420 instructions, 400 with 2 domains"])


class Throughput(unittest.TestCase):
    SAID = "x\n(front) SPEED disk 1: 16 MiB in 80 cs\n(front) SPEED disk 2: 16 MiB in 96 cs\n(front) SPEED tcp 1: 8 MiB in 48 cs\n"

    def test_instructions_a_mib(self):
        figures = bench_pv.parse(self.SAID)
        self.assertEqual(figures["pv_disk"], {"min": 3_125_000, "mean": 3_437_500, "max": 3_750_000})
        self.assertEqual(figures["pv_tcp"]["mean"], 3_750_000)

    def test_as_good_as_xen_passes(self):
        figures = bench_pv.parse(self.SAID)
        self.assertEqual(bench_pv.judge(figures, figures), [])
        self.assertIn("| pv_tcp |", bench_pv.table(figures, figures))

    def test_worse_than_xen_and_missing_fail(self):
        figures = bench_pv.parse(self.SAID)
        worse = bench_pv.parse(self.SAID.replace("in 48", "in 49"))
        self.assertEqual(len(bench_pv.judge(worse, figures)), 1)
        self.assertEqual(bench_pv.judge(figures, {}), ["error: no figure pv_disk", "error: no figure pv_tcp"])


class Size(unittest.TestCase):
    def test_lines_of_code(self):
        text = "/* one\n two */\nint a; /* x */\n\n// c\n  /* b */ int c;\nchar *s = \"/*\"; // \"\nint d;\n"
        self.assertEqual(size_report.code_lines(text), 4)

    def test_only_headers_that_are_included_count(self):
        self.assertEqual(list(size_report.shared_headers(['#include "bulkhead/launch.h"\n'])),
                         ["bulkhead/launch.h", "bulkhead/image.h"])
        self.assertEqual(size_report.shared_headers(['#include "core/frame.h"\n']), {})

    def test_readonly_bytes(self):
        names = b"\0.text\0.rodata\0.symbols\0.data\0"

        def section(name, flags, kind, at, size):
            return struct.pack("<IIQQQQIIQQ", names.index(name), kind, flags, 0, at, size, 0, 0, 0, 0)
        table = (section(b"\0", 0, 0, 0, 0) + section(b".text", 2 | 4, 1, 0, 100) + section(b".rodata", 2, 1, 0, 30) +
                 section(b".data", 3, 1, 0, 7) + section(b".text", 2, 8, 0, 5) + section(b".symbols", 2, 1, 0, 11))
        header = bytearray(64)
        struct.pack_into("<Q", header, 0x28, 64)
        table += section(b"\0", 0, 3, 64 + len(table) + 64, len(names))
        struct.pack_into("<HHH", header, 0x3A, 64, 7, 6)
        self.assertEqual(size_report.readonly_bytes(bytes(header) + table + names), (130, 11))


if __name__ == "__main__":
    unittest.main()
