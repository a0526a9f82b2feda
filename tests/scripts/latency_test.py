# SPDX-License-Identifier: Apache-2.0
"""What cyclictest prints becomes figures and a plot; the plot of the schedulers.
[utest->dsn~bench-rt~1]
"""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import bench_rt  # noqa: E402
import bench_sched  # noqa: E402

CONSOLE = """(rt) LINUX UP rt cpus=1 hypervisor=xen 6.1.0-1-rt-arm64
(busy) 000099 000099 is not of the histogram
(rt) # Histogram
(rt) 000014 001900
(rt) 000017 000080
(rt) 000044 000018
(rt) # Total: 000001998
(rt) # Min Latencies: 00014
(rt) # Avg Latencies: 00015
(rt) # Max Latencies: 25000
(rt) # Histogram Overflows: 00002
(rt) LATENCY DONE
"""


class Latencies(unittest.TestCase):
    def test_histogram_is_read(self):
        latency = bench_rt.parse(CONSOLE)
        self.assertEqual(latency.buckets, {14: 1900, 17: 80, 44: 18})
        self.assertEqual((latency.least, latency.mean, latency.most, latency.beyond), (14, 15, 25000, 2))

    def test_percentiles_count_what_lies_beyond(self):
        latency = bench_rt.parse(CONSOLE)
        self.assertEqual([bench_rt.percentile(latency, share) for share in (0.5, 0.95, 0.951, 0.99, 0.999, 1)],
                         [14, 14, 17, 17, 44, 25000])

    def test_a_run_that_did_not_finish_is_an_error(self):
        for missing in ("LATENCY DONE", "Min Lat", "Overflows", "0000"):
            with self.assertRaisesRegex(bench_rt.BenchError, "cyclictest did not finish"):
                bench_rt.parse("\n".join(line for line in CONSOLE.splitlines() if missing not in line))

    def test_table_and_plot_have_both_sides(self):
        latency = bench_rt.parse(CONSOLE)
        results = [(bench_rt.SCENARIOS[0], [("Bulkhead", latency), ("Xen 4.17", latency)])]
        self.assertIn("| alone on its CPU | Xen 4.17 (sched=null) | 14 us | 15 us | 17 us | 44 us | 25,000 us |", bench_rt.markdown(results))
        plot = bench_rt.svg(results)
        self.assertEqual(plot.count('stroke-opacity="0.7"'), 2)
        self.assertIn("100 ms", plot)

    def test_a_bar_is_a_part_of_the_scale(self):
        """Near ones share a bar, no wake-up is left out, and a long tail makes the plot no larger than its pixels."""
        self.assertEqual(bench_rt.bars(bench_rt.parse(CONSOLE)), {11: 1900, 18: 80, 51: 18, 319: 2})
        tail = bench_rt.Latency({us: 1 for us in range(1, 200_001)}, 1, 100_000, 200_000, 3)
        bars = bench_rt.bars(tail)
        self.assertEqual((sum(bars.values()), min(bars), max(bars)), (200_003, 0, 319))
        self.assertEqual(list(bars), sorted(bars))
        self.assertEqual(bars[160], len([us for us in range(1000, 1030) if bench_rt.at_us(us) < bench_rt.LEFT + 322]))
        self.assertLess(len(bench_rt.svg([(bench_rt.SCENARIOS[0], [("Bulkhead", tail), ("Xen 4.17", tail)])])), 12_000)


class Scheduler(unittest.TestCase):
    def test_plot_has_a_line_for_each_policy(self):
        found = bench_sched.figures(lambda text, cpus: {key: {"min": 800, "mean": 800, "max": 800} for key in ("round", "yield", "wake")})
        self.assertEqual(sorted(found), sorted(bench_sched.MEANING))
        self.assertEqual((found["switch_128"]["min"], found["arinc_128"]["min"], found["rtds_128"]["min"]), (6, 100, 800))
        self.assertEqual(bench_sched.svg(found).count("<polyline"), len(bench_sched.SERIES))

    def test_systems_have_that_many_vcpus(self):
        for n in bench_sched.COUNTS:
            for make in (bench_sched.share, bench_sched.arinc):
                text = make(n)
                self.assertEqual(sum(int(part.split(",")[0]) for part in text.split("vcpus: ")[1:]), n)
            self.assertEqual(bench_sched.rtds(n).count("pool: p"), n)


if __name__ == "__main__":
    unittest.main()
