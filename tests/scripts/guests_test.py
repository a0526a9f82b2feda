# SPDX-License-Identifier: Apache-2.0
"""Fetching guests, making their initramfs, running them on Xen.
[utest->dsn~fetch-guests~1] [utest->dsn~initramfs~1] [utest->dsn~run-on-xen~1]
"""
import gzip
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPS = ROOT / "build" / "deps"


def run(*command, umask=0o022, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, umask=umask, check=False)


class Fetch(unittest.TestCase):
    def test_what_is_there_is_not_fetched_again(self):
        kernel = DEPS / "linux-6.1" / "vmlinuz"
        before = kernel.stat().st_mtime_ns
        result = run("scripts/fetch-guests.sh")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(kernel.stat().st_mtime_ns, before)

    def test_guests_are_arm64(self):
        for file in ("linux-6.1/vmlinuz", "linux-6.12/vmlinuz", "linux-6.1-rt/vmlinuz", "xen-4.17/xen", "u-boot-xenguest/u-boot.bin"):
            with open(DEPS / file, "rb") as image:
                self.assertEqual(image.read(64)[56:60], b"ARM\x64", file)
        with open(DEPS / "busybox" / "busybox", "rb") as program:
            header = program.read(20)
        self.assertEqual(header[:4], b"\x7fELF")
        self.assertEqual(int.from_bytes(header[18:20], "little"), 183)

    def test_nothing_is_installed(self):
        result = run("dpkg-query", "-W", "-f", "${db:Status-Status}", "busybox-static:arm64")
        self.assertNotIn("installed", result.stdout)

    def test_unknown_guest_is_refused(self):
        result = run("scripts/fetch-guests.sh", "plan9")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("unknown guest plan9; known: linux-6.1 linux-6.12 linux-6.1-rt modules-6.1 modules-6.12 busybox cyclictest libxen xen-4.17 "
                      "xen-tools-4.17 u-boot-xenguest", result.stderr)


class Initramfs(unittest.TestCase):
    def make(self, folder, umask=0o022):
        result = run("scripts/make-initramfs.sh", folder, umask=umask)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {file.name: file.read_bytes() for file in Path(folder).glob("*.cpio.gz")}

    def test_same_inputs_give_same_bytes(self):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            first = self.make(one)
            self.assertEqual(sorted(first), [f"{name}.cpio.gz" for name in (
                "control-6.12", "control", "demo", "dom0", "latency", "mail", "pv-back-6.12", "pv-back", "pv-front-6.12", "pv-front", "test",
                "xenctrl-6.12", "xenctrl")])
            self.assertEqual(first, self.make(two, umask=0o077))

    def test_archive_is_small_and_owned_by_root(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, data in self.make(folder).items():
                self.assertLess(len(data), (3 if "dom0" in name else 2) << 20, name)
                archive = gzip.decompress(data)
                self.assertEqual(archive[:6], b"070701")
                self.assertEqual(archive[22:38], b"0" * 16)  # uid and gid of the first member

    def test_newer_archive_is_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            self.make(folder)
            file = Path(folder) / "demo.cpio.gz"
            before = file.stat().st_mtime_ns
            self.make(folder)
            self.assertEqual(file.stat().st_mtime_ns, before)
            os.utime(file, (0, 0))
            self.make(folder)
            self.assertNotEqual(file.stat().st_mtime_ns, 0)


class RunOnXen(unittest.TestCase):
    def tree(self, *options):
        with tempfile.TemporaryDirectory() as folder:
            dtb = Path(folder) / "xen.dtb"
            result = run("scripts/run-on-xen.sh", "--dry-run", "--dtb", str(dtb), *options)
            self.assertEqual(result.returncode, 0, result.stderr)
            return run("dtc", "-q", "-I", "dtb", "-O", "dts", str(dtb)).stdout

    def test_each_domain_has_its_own_figures(self):
        kernel = str(DEPS / "linux-6.1" / "vmlinuz")
        ramdisk = str(DEPS / "initramfs" / "test.cpio.gz")
        tree = self.tree("--kernel", kernel, "--memory", "64", "--vcpus", "2", "--ramdisk", ramdisk, "--bootargs", "a b",
                         "--kernel", kernel)
        one = tree[tree.index("domU1 {"):tree.index("domU2 {")]
        two = tree[tree.index("domU2 {"):]
        self.assertIn("memory = <0x00 0x10000>", one)
        self.assertIn("cpus = <0x02>", one)
        self.assertIn('bootargs = "a b"', one)
        self.assertIn('"multiboot,ramdisk', one)
        self.assertIn("memory = <0x00 0x4000>", two)
        self.assertIn("cpus = <0x01>", two)
        self.assertNotIn("multiboot,ramdisk", two)

    def test_domain_0_gives_the_others_a_xenstore(self):
        kernel = str(DEPS / "linux-6.1" / "vmlinuz")
        tree = self.tree("--dom0", kernel, "--memory", "512", "--bootargs", "a b", "--kernel", kernel)
        self.assertIn('xen,dom0-bootargs = "a b"', tree)
        self.assertIn("dom0_mem=512M", tree)
        self.assertIn('xen,enhanced = "enabled"', tree)
        self.assertNotIn("domU2 {", tree)

    def test_instructions_are_counted_as_bulkhead_run_counts_them(self):
        """[utest->dsn~bench-gate~1]"""
        kernel = str(DEPS / "linux-6.1" / "vmlinuz")
        with tempfile.TemporaryDirectory() as folder:
            fake = Path(folder) / "qemu-system-aarch64"
            fake.write_text(f"""#!/bin/sh
case "$*" in *dumpdtb*) exec {shutil.which("qemu-system-aarch64")} "$@" ;; esac
echo "QEMU $*"
""")
            fake.chmod(0o755)
            theirs = subprocess.run(["scripts/run-on-xen.sh", "--icount", "--xen", kernel, "--kernel", kernel, "--until", "QEMU"], cwd=ROOT,
                                    env=dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"), capture_output=True, text=True, check=True)
        ours = run("build/bulkhead", "run", "examples/hello.yaml", "--icount=4", "--print").stdout
        for option in ("-icount", "-rtc", "-seed"):
            values = [re.search(rf"{option} (\S+)", text)[1] for text in (theirs.stdout, ours)]
            self.assertEqual(values[0], values[1], option)

    def test_wrong_use_is_refused(self):
        for options, message in (((), "no --kernel given"),
                                 (("--kernel", "/no/such"), "no file /no/such"),
                                 (("--kernel",), "--kernel needs a value"),
                                 (("--frobnicate", "1"), "unknown option --frobnicate")):
            result = run("scripts/run-on-xen.sh", *options)
            self.assertEqual(result.returncode, 2, options)
            self.assertIn(f"run-on-xen: {message}", result.stderr)


if __name__ == "__main__":
    unittest.main()
