#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the host tool makes of room for domains that are created later, and of their archives.  usage: later.py BULKHEAD WORKDIR"""
import pathlib
import subprocess
import unittest

import work

ROOM = "dynamic: { memory: 32768 KiB, domains: 3, vcpus: 5, cpus: [0, 2] }"
SYSTEM = f"""system: now
board: qemu-virt
{ROOM}
domains:
  control: {{ role: control, safe: true, cpus: [1], memory: 16 MiB, kernel: flat.bin, ramdisk: "archive:then.yaml" }}
"""
LATER = """system: then
board: qemu-virt
domains:
  anywhere: { memory: 2 MiB, vcpus: 2, kernel: flat.bin }
  placed: { memory: 2 MiB, cpus: [3], kernel: flat.bin }
"""


def bulkhead(*command, code=0):
    result = subprocess.run([BULKHEAD, *command], capture_output=True, env=ENVIRONMENT, check=False)
    assert result.returncode == code, result
    return result.stdout.decode() + result.stderr.decode()


def build(*more):
    bulkhead("build", *more, "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin")


def extract(archive, member):
    subprocess.run(["cpio", "-i", "--quiet", "-u", member], input=pathlib.Path(archive).read_bytes(), check=True)
    return pathlib.Path(member).read_bytes()


def tree_of(archive):
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=extract(archive, "launch.dtb"),
                          capture_output=True, check=True).stdout.decode()


class Later(unittest.TestCase):
    def setUp(self):
        pathlib.Path("now.yaml").write_text(SYSTEM)
        pathlib.Path("then.yaml").write_text(LATER)

    def test_room_comes_back_as_it_was_written(self):
        """[utest->dsn~tool-dynamic~1]"""
        build("now.yaml", "-o", "now.img")
        bulkhead("image", "now.img", "--extract-archive", "now.cpio")
        tree = tree_of("now.cpio")
        self.assertIn("bulkhead,dynamic = <0x00 0x8000 0x03 0x05>", tree)
        self.assertIn('bulkhead,dynamic-cpus = "0,2"', tree)
        self.assertIn(ROOM, bulkhead("import", "launch.dtb", "--board", "qemu-virt", code=0))

    def test_archive_alone_and_as_a_ramdisk_are_the_same(self):
        """[utest->dsn~tool-archive-ramdisk~1] [utest->dsn~tool-dynamic~1]"""
        build("--archive-only", "then.yaml", "-o", "then.cpio")
        build("now.yaml", "-o", "now.img")
        bulkhead("image", "now.img", "--extract-archive", "now.cpio")
        self.assertEqual(extract("now.cpio", "control.ramdisk"), pathlib.Path("then.cpio").read_bytes())
        tree = tree_of("then.cpio")
        self.assertEqual(tree.count("hard-affinity"), 1)  # where no CPU is named none is chosen
        self.assertIn('hard-affinity = "3"', tree)
        self.assertNotIn("dynamic", tree)

    def test_an_initramfs_gets_the_archive_as_a_file(self):
        """[utest->dsn~tool-archive-ramdisk~1]"""
        pathlib.Path("init.cpio").write_bytes(b"any five bytes, and so on"[:21])
        pathlib.Path("now.yaml").write_text(SYSTEM.replace("archive:then", "init.cpio + archive:then"))
        build("--archive-only", "then.yaml", "-o", "then-alone.cpio")
        build("now.yaml", "-o", "now.img")
        bulkhead("image", "now.img", "--extract-archive", "now.cpio")
        data = extract("now.cpio", "control.ramdisk")
        self.assertEqual(data[:24], b"any five bytes, and s\0\0\0")
        pathlib.Path("behind.cpio").write_bytes(data[24:])
        self.assertEqual(extract("behind.cpio", "then.cpio"), pathlib.Path("then-alone.cpio").read_bytes())
        pathlib.Path("now.yaml").write_text(SYSTEM.replace("archive:then", "init.cpio + archive:nobody"))
        self.assertIn("nobody.yaml", bulkhead("check", "now.yaml", code=1))
        pathlib.Path("now.yaml").write_text(SYSTEM.replace("archive:then", "nothing.cpio + archive:then"))
        self.assertIn("nothing.cpio", bulkhead("check", "now.yaml", code=1))

    def test_what_is_wrong_there_is_said(self):
        """[utest->dsn~tool-archive-ramdisk~1]"""
        pathlib.Path("then.yaml").write_text(LATER.replace("vcpus: 2", "vcpu: 2"))
        self.assertIn("then.yaml:4:30: there is no key `vcpu` here", bulkhead("check", "now.yaml", code=1))
        pathlib.Path("then.yaml").write_text(SYSTEM)
        self.assertIn("then.yaml:5:96: a domain of an archive cannot have an archive itself; leave `ramdisk` out, or name a "
                      "file [archive-in-archive]", bulkhead("check", "now.yaml", code=1))
        pathlib.Path("then.yaml").unlink()
        self.assertIn("now.yaml:5:", bulkhead("check", "now.yaml", code=1))
        self.assertIn("no archive", bulkhead("build", "--dom0less", "--archive-only", "launch.dtb", code=2))


if __name__ == "__main__":
    BULKHEAD, ENVIRONMENT = work.enter()
    work.run_tests()
