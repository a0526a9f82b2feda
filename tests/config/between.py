#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the host tool makes of channels, shared memory and rights by name.  usage: between.py BULKHEAD WORKDIR"""
import pathlib
import subprocess
import unittest

import lies  # (the maker of small trees)
import work

SHARED = """/ { compatible = "linux,dummy-virt"; #address-cells = <2>; #size-cells = <2>; chosen {
  #address-cells = <1>; #size-cells = <1>;
  d1 { compatible = "xen,domain"; #address-cells = <1>; #size-cells = <1>; memory = <0 0x8000>; cpus = <1>; bulkhead,safe;
       x: evtchn@1 { compatible = "xen,evtchn-v1"; xen,evtchn = <0xa &y>; bulkhead,min-interval-ns = <0 1500000>; };
       s0 { compatible = "xen,domain-shared-memory-v1"; role = "owner"; xen,shm-id = "one";
            xen,shared-mem = <0x50000000 0x20000000 0x10000>; };
       s1 { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "two"; xen,shared-mem = <0x21000000 0x1000>; };
       module@1 { compatible = "multiboot,kernel", "multiboot,module"; reg = <0x48000000 0x1000>; }; };
  d2 { compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; memory = <0 0x8000>; cpus = <1>;
       y: evtchn@2 { compatible = "xen,evtchn-v1"; xen,evtchn = <0xb &x>; bulkhead,name = "alarm"; };
       s0 { compatible = "xen,domain-shared-memory-v1"; role = "borrower"; xen,shm-id = "one"; bulkhead,read-only;
            xen,shared-mem = <0 0x50000000 0 0x28000000 0 0x10000>; };
       module@1 { compatible = "multiboot,kernel", "multiboot,module"; reg = <0 0x48000000 0 0x1000>; }; };
  }; };"""
DESCRIBED = """channels:
  channel1:
    ends:
      - { domain: d1, port: 10, min-interval: 1500 us }
      - { domain: d2, port: 11 }
shared-memory:
  one:
    size: 64 KiB
    base: 0x50000000
    owner: d1
    domains:
      - { domain: d1, address: 0x20000000 }
      - { domain: d2, address: 0x28000000, read-only: true }
  two:
    size: 4 KiB
    domains:
      - { domain: d1, address: 0x21000000 }
"""
BETWEEN = """system: between
board: { name: qemu-virt, cpus: 4, memory: 512 MiB }
domains:
  brake: { safe: true, memory: 16 MiB, cpus: [1], kernel: flat.bin }
  linux: { memory: 64 MiB, kernel: flat.bin }
channels:
  alarm: { ends: [{ domain: linux, port: 7 }, { domain: brake, port: 1023, min-interval: 2 ms }] }
shared-memory:
  frames:
    size: 3 MiB
    owner: brake
    domains: [{ domain: brake, address: 0x20000000 }, { domain: linux, address: 0xf000000000, read-only: true }]
"""


class Between(unittest.TestCase):
    """Channels and shared memory."""

    def test_import_pairs_what_single_nodes_say(self):
        """[utest->dsn~tool-shared~1]"""
        pathlib.Path("shared.dtb").write_bytes(lies.dtc(SHARED))
        self.assertIn(DESCRIBED, text_of("import", "shared.dtb"))

    def test_image_holds_them_as_the_boot_domain_reads_them(self):
        """[utest->dsn~tool-shared~1] [utest->dsn~tool-inspect~1]"""
        bulkhead("build", "between.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "-o", "between.img")
        text = text_of("inspect", "between.img")
        for expected in ("  alarm:\n", "{ domain: linux, port: 7 }", "{ domain: brake, port: 1023, min-interval: 2 ms }",
                         "  frames:\n    size: 3 MiB\n    owner: brake\n", "address: 0xf000000000, read-only: true }"):
            self.assertIn(expected, text)
        bulkhead("image", "between.img", "--extract-archive", "between.cpio")
        archive = pathlib.Path("between.cpio").read_bytes()
        tree = work.decompile(archive[archive.index(b"\xd0\x0d\xfe\xed"):])
        for expected in ("xen,evtchn = <0x07 0x02>", "xen,evtchn = <0x3ff 0x01>", "bulkhead,min-interval-ns = <0x00 0x1e8480>",
                         "xen,shared-mem = <0x00 0x20000000 0x00 0x300000>", 'role = "borrower"', "bulkhead,read-only"):
            self.assertIn(expected, tree)

    def test_picture_shows_them(self):
        """[utest->dsn~tool-shared~1]"""
        picture = text_of("draw", "between.yaml")
        for expected in ("alarm", "port 1023, 2 ms between events", "frames  3 MiB", "0x20000000, owner",
                         "0xf000000000, read only"):
            self.assertIn(expected, picture)

    def test_privileges_are_told_by_role_and_by_name(self):
        """[utest->dsn~tool-privileges~1]"""
        domain = "memory: 16 MiB\n    kernel: flat.bin\n"
        description = ("system: s\nboard: qemu-virt\ndomains:\n"
                       f"  brake:\n    {domain}    safe: true\n    cpus: [1]\n"
                       "    grants: [{ to: ctl, rights: [pause] }, { to: linux, rights: [console] }]\n"
                       f"  ctl:\n    {domain}    safe: true\n    cpus: [2]\n    role: control\n"
                       f"  linux:\n    {domain}    console: pv\n  lines:\n    {domain}    role: console\n"
                       "grants: [{ to: brake, rights: [platform] }]\n")
        path = pathlib.Path("privileges.yaml")
        path.write_text(description)
        self.assertEqual(text_of("explain", "privileges", str(path)), """\
rights over brake: ctl: pause info
rights over brake: linux: console
rights over ctl: ctl: console info
rights over linux: ctl: destroy pause restart map-foreign device-model assign-device schedule suspend clone info
rights over linux: lines: console
rights over lines: ctl: destroy pause restart map-foreign device-model assign-device schedule suspend console clone info
rights over the platform: ctl: create schedule console label measurement info
rights over the platform: brake: platform
""")
        picture = text_of("draw", str(path))
        for expected in (">every right<", ">pause, info<", ">console<", ">the platform<"):
            self.assertIn(expected, picture)
        path.write_text(description[:description.index("  ctl:")].replace("    grants: [{ to: ctl, rights: [pause] }, "
                                                                           "{ to: linux, rights: [console] }]\n", ""))
        self.assertEqual(text_of("explain", "privileges", str(path)),
                         "rights over brake: nobody\nrights over the platform: nobody\n")
        self.assertIn("Nobody can do anything to another domain", text_of("draw", str(path)))


def bulkhead(*command):
    return subprocess.run([BULKHEAD, *command], check=True, capture_output=True, env=ENVIRONMENT)


def text_of(*command):
    return bulkhead(*command).stdout.decode()


if __name__ == "__main__":
    BULKHEAD, ENVIRONMENT = work.enter()
    work.write("between.yaml", BETWEEN)
    work.run_tests()
