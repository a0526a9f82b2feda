#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`bulkhead trace` against traces made here.  usage: trace_verb.py BULKHEAD WORKDIR"""
import json
import os
import pathlib
import struct
import subprocess
import unittest

import work

RUN, IDLE, HYPERCALL, TRAP, INTERRUPT = range(1, 6)
MAGIC = 0x31545242
HZ = 62500000


def record(time, kind, domid=1, vcpu=0, value=0):
    return struct.pack("<QBBHI", time, kind, vcpu, domid, value)


def block(cpu, records, lost=0, magic=MAGIC, hz=HZ, count=None):
    return struct.pack("<IHHQQ", magic, cpu, len(records) if count is None else count, lost, hz) + b"".join(records)


def line(data):
    return b"(reader) TRACE " + data.hex().encode() + b"\r\n"


GOOD = block(0, [record(1000, RUN), record(1625, HYPERCALL, value=4 << 8 | 32), record(1688, RUN),
                 record(2000, INTERRUPT, value=27)]) + \
    block(2, [record(900, IDLE, 0x7ff4)]) + \
    block(0, [record(9000, RUN, 0x7ffe), record(9100, TRAP, 2, 3, 0x93 << 24), record(9200, 77)], lost=12)


def run(data, *options, file="in.trace"):
    pathlib.Path(file).write_bytes(data)
    done = subprocess.run([BULKHEAD, "trace", file, *options], capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def events(data):
    code, text, errors = run(data)
    assert code == 0, errors
    return json.loads(text)["traceEvents"]


class Trace(unittest.TestCase):
    """[utest->dsn~tool-trace~2]"""

    def test_each_record_is_a_slice_up_to_the_next(self):
        slices = [e for e in events(GOOD) if e["ph"] == "X"]
        self.assertEqual([(s["name"], s["tid"], s["ts"], s["dur"]) for s in slices], [
            ("d1v0", 0, 1.6, 10.0), ("hypercall event_channel_op", 0, 11.6, 1.008), ("d1v0", 0, 12.608, 4.992),
            ("interrupt 27", 0, 17.6, 0.0), ("boot", 0, 129.6, 1.6), ("trap device or memory", 0, 131.2, 1.6),
            ("record 77", 0, 132.8, 0.0), ("idle", 2, 0.0, 0.0)])
        self.assertEqual([s["cat"] for s in slices[:4]], ["guest", "hypervisor", "guest", "hypervisor"])
        self.assertEqual(slices[5]["args"], {"vcpu": "d2v3", "value": "0x93000000"})

    def test_lost_records_are_marked_and_no_slice_spans_them(self):
        marks = [e for e in events(GOOD) if e["ph"] == "i"]
        self.assertEqual([(m["name"], m["tid"], m["ts"]) for m in marks], [("12 records lost", 0, 129.6)])

    def test_tracks_are_named(self):
        names = [(e["name"], e.get("tid"), e["args"]["name"]) for e in events(GOOD) if e["ph"] == "M"]
        self.assertEqual(names, [("process_name", None, "Bulkhead"), ("thread_name", 0, "CPU 0"), ("thread_name", 2, "CPU 2")])

    def test_a_console_says_the_same(self):
        blocks = [block(0, [record(5, RUN)]), block(1, [record(7, IDLE)])]
        text = b"bulkhead: hello\n" + line(blocks[0]) + b"TRACE of a crash\n" + line(blocks[1]) + b"end"
        self.assertEqual(events(text), events(b"".join(blocks)))

    def test_a_line_that_others_broke_into_is_read_whole(self):
        """The console begins it again behind theirs: once, twice, with its time in front, up to its very end."""
        blocks = [block(0, [record(5 + i, RUN), record(6 + i, HYPERCALL)]) for i in (0, 10, 20)]
        whole = b"".join(line(data) for data in blocks)
        for cuts in ([60], [61, 62], [0, 3, 16, 63], [63, 100, 127, len(blocks[1]) * 2]):
            pieces = b"".join(b"[    1.%06d] (reader) TRACE " % i + blocks[1].hex().encode()[:cut] +
                              b"\r\n(reader) *** 3 bytes lost ***\r\n[    2.000001] (brake) brake: seq 7\r\n" for i, cut in enumerate(cuts))
            self.assertEqual(events(line(blocks[0]) + pieces + line(blocks[1]) + line(blocks[2])), events(whole), cuts)

    def test_a_line_that_ends_early_for_good_is_refused(self):
        cut = b"(reader) TRACE " + block(0, [record(5, RUN)]).hex().encode()[:-8] + b"\r\n"
        for behind in (b"", b"(brake) seq\r\n" * 9, line(block(0, [record(7, RUN)]))):
            code, _, errors = run(cut + behind)
            self.assertEqual((code, errors.split(";")[0]), (1, "in.trace:1:16: the trace ends within a block"))

    def test_many_records_and_large_times(self):
        many = [record((1 << 62) + 10 * i, RUN) for i in range(3000)]
        self.assertEqual(sum(e["ph"] == "X" for e in events(block(1, many[:1500]) + block(1, many[1500:]))), 3000)

    def test_ctf_is_the_records_behind_a_header(self):
        code, text, errors = run(GOOD, "--ctf", "ctf")
        self.assertEqual((code, text, errors), (0, "", ""))
        self.assertEqual(sorted(os.listdir("ctf")), ["cpu0", "cpu2", "metadata"])
        self.assertEqual(pathlib.Path("ctf/cpu2").read_bytes(),
                         struct.pack("<IIQ", 0xC1FC1FC1, 0, 2) + record(900, IDLE, 0x7ff4))
        metadata = pathlib.Path("ctf/metadata").read_text()
        self.assertTrue(metadata.startswith("/* CTF 1.8 */"))
        self.assertIn(f"freq = {HZ};", metadata)

    def test_both_at_once(self):
        self.assertEqual(run(GOOD, "--ctf", "both", "-o", "both.json")[0], 0)
        self.assertTrue(json.loads(pathlib.Path("both.json").read_text()))
        self.assertTrue(pathlib.Path("both/metadata").exists())

    def test_bad_traces_are_refused_with_their_place(self):
        one = block(0, [record(5, RUN)])
        behind = "; give a trace as the hypervisor's user wrote it [trace-block]\n"
        for data, message in (
                (b"", "in.trace:0x0: there is no record of a trace"),
                (b"just text\n", "in.trace:0x0: there is no record of a trace"),
                (block(0, []), "in.trace:0x0: there is no record of a trace"),
                (one[:-1], "in.trace:0x0: the trace ends within a block"),
                (one + one[:10], "in.trace:0x28: the trace ends within a block"),
                (one + block(64, []), "in.trace:0x28: this is no block of a trace"),
                (one + block(0, [], hz=0), "in.trace:0x28: this is no block of a trace"),
                (one + block(0, [record(4, RUN)]), "in.trace:0x28: time goes backwards"),
                (b"x\n" + line(block(0, [], magic=7)), "in.trace:2:16: this is no block of a trace"),
                (line(block(0, [], count=1)), "in.trace:1:16: the trace ends within a block"),
                (line(one + one), "in.trace:1:16: there is more than a block")):
            self.assertEqual(run(data), (1, "", message + behind))

    def test_usage(self):
        for arguments, message in (([], "no file is named"), (["a", "b"], "one file is expected, `b` is a second one"),
                                   (["a", "--ctf"], "there is no option --ctf")):
            done = subprocess.run([BULKHEAD, "trace", *arguments], capture_output=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.decode().startswith("bulkhead trace: " + message + "\n"), done.stderr)


if __name__ == "__main__":
    BULKHEAD, _ = work.enter()
    work.run_tests()
