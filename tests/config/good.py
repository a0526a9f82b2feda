#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the host tool makes of good inputs.  usage: good.py BULKHEAD WORKDIR

[utest->dsn~tool-health~1]
"""
import json
import pathlib
import struct
import subprocess
import unittest
import xml.etree.ElementTree

import lies  # (the makers of small images and trees)
import work

ROOT = work.ROOT
BLOCK = 0x200000

SYSTEM = """system: good
board: { name: qemu-virt, cpus: 4, memory: 512 MiB }
on-failure: halt
reboot: immediate
boot-domain: { memory: 32 MiB }
domains:
  brake: { safe: true, memory: 16 MiB, cpus: [1], kernel: flat.bin, restartable: true, verify: true, console: none,
           health: { access: log, max-restarts: 5, fallback: platform, storm-limit: 6400 } }
  linux:
    memory: 64 MiB
    vcpus: 3
    kernel: Image
    ramdisk: ramdisk
    device-tree: partial.dtb
    bootargs: "console=ttyAMA0 quote=\\"x\\""
    after: [brake]
    nr-spis: 64
  twin: { memory: 64 MiB, kernel: Image2, ramdisk: shared, role: hardware }
  other: { memory: 64 MiB, kernel: image.gz, ramdisk: shared }
  device: { kernel: flat2.bin, static-memory: [{ base: 0x50000000, size: 16 MiB }], direct-map: true,
            passthrough: [/pl061@9030000] }
"""


def bulkhead(*command, check=True, **more):
    return subprocess.run([BULKHEAD, *command], check=check, capture_output=True, env=ENVIRONMENT, **more)


def text_of(*command):
    return bulkhead(*command).stdout.decode()


def image(size=5_000_000, content=3_000_000):
    data = bytearray(b"K" * content)
    struct.pack_into("<QQ", data, 8, 0, size)
    data[56:60] = b"ARM\x64"
    return bytes(data)


def build(name="good.yaml", output="good.img", *more):
    bulkhead("build", name, "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "-o", output, *more)
    return pathlib.Path(output).read_bytes()


def descriptor(data):
    names = ["hypervisor", "board", "boot", "archive", "runtime"]
    values = struct.unpack_from("<10QQII", data, 0x1010)
    parts = {name: values[2 * i:2 * i + 2] for i, name in enumerate(names)}
    return parts, values[10], values[11]


def members(archive):
    found, at = [], 0
    while True:
        size, length = int(archive[at + 54:at + 62], 16), int(archive[at + 94:at + 102], 16)
        name = archive[at + 110:at + 110 + length - 1].decode()
        data = (at + 110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found, at
        found.append((name, at, data, size))
        at = (data + size + 3) // 4 * 4


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = build()
        cls.parts, cls.boot_memory, cls.boot_cpu = descriptor(cls.data)
        offset, size = cls.parts["archive"]
        cls.archive = cls.data[offset:offset + size]
        cls.members, cls.trailer = members(cls.archive)

    def test_parts_follow_each_other_aligned(self):
        """[utest->dsn~tool-image~1]"""
        end = 0
        for name, align in (("hypervisor", 4096), ("board", 4096), ("boot", 4096), ("archive", BLOCK), ("runtime", BLOCK)):
            offset, size = self.parts[name]
            self.assertEqual(offset % align, 0, name)
            self.assertGreaterEqual(offset, end, name)
            end = offset + size
        self.assertEqual(struct.unpack_from("<Q", self.data, 16)[0], end)
        self.assertEqual(len(self.data), self.parts["archive"][0] + self.parts["archive"][1])
        self.assertEqual(self.data[self.parts["boot"][0]:][:11], b"boot domain")

    def test_pe_header_covers_the_file(self):
        """[utest->dsn~tool-image~1]"""
        size = len(self.data)
        optional, section = 64 + 24, 64 + 24 + 160
        self.assertEqual(struct.unpack_from("<I", self.data, optional + 56)[0], size)
        self.assertEqual(struct.unpack_from("<I", self.data, optional + 4)[0], size - 0x1000)
        self.assertEqual(struct.unpack_from("<I4xI", self.data, section + 8), (size - 0x1000, size - 0x1000))

    def test_runtime_memory_holds_frame_table_cpus_and_boot_domain(self):
        """[utest->dsn~tool-image~1]"""
        frames = (512 << 20) // 4096 * 8
        need = (frames + 4 * 0x10000 + 0x200000 + BLOCK - 1) // BLOCK * BLOCK + (32 << 20)
        self.assertEqual((self.parts["runtime"][1], self.boot_memory), (need, 32 << 20))

    def test_boot_domain_runs_on_the_lowest_cpu_that_is_not_safe(self):
        """[utest->dsn~tool-defaults~1]"""
        self.assertEqual(self.boot_cpu, 0)

    def test_the_console_is_served_off_the_safe_cpus(self):
        """[utest->dsn~tool-defaults~1]"""
        text = SYSTEM.replace("cpus: [1]", "cpus: [0]")
        pathlib.Path("zero.yaml").write_text(text)
        data = build("zero.yaml", "zero.img")
        parts, _, boot_cpu = descriptor(data)
        table = data[parts["board"][0]:][:parts["board"][1]]
        self.assertEqual((boot_cpu, struct.unpack_from("<I", table, len(table) - 36)[0]), (1, 1))

    def test_description_is_the_first_member(self):
        """[utest->dsn~tool-archive~1]"""
        self.assertEqual(self.members[0][0], "launch.dtb")

    def test_moved_modules_are_aligned_and_alone_in_their_pages(self):
        """[utest->dsn~tool-archive~1]"""
        moved = {"linux.kernel", "linux.ramdisk", "twin.kernel"}
        spans = [(m[2], m[2] + m[3], m[0]) for m in self.members if m[0] in moved]
        self.assertEqual(len(spans), 3)
        for start, end, name in spans:
            self.assertEqual(start % BLOCK, 0, name)
            pages = range(start, (end + 4095) // 4096 * 4096)
            for other, header, data, size in self.members:
                if other != name and not other.startswith(".pad."):
                    self.assertTrue(header + 110 <= pages.start or header >= pages.stop, f"{other} in {name}")
                    self.assertTrue(data + size <= pages.start or data >= pages.stop, f"{other} in {name}")
            self.assertNotIn(self.trailer, pages)

    def test_other_modules_are_not_padded(self):
        """[utest->dsn~tool-archive~1]"""
        starts = {m[0]: m[2] for m in self.members}
        for name in ("brake.kernel", "device.kernel", "other.kernel", "twin.ramdisk"):
            self.assertNotEqual(starts[name] % BLOCK, 0, name)

    def test_file_of_two_domains_is_stored_once(self):
        """[utest->dsn~tool-modules~1]"""
        names = [m[0] for m in self.members]
        self.assertIn("twin.ramdisk", names)
        self.assertNotIn("other.ramdisk", names)
        tree = self.tree()
        self.assertEqual(tree.count('bulkhead,member = "twin.ramdisk"'), 2)

    def test_ordinary_cpio_lists_it(self):
        """[utest->dsn~tool-archive~1]"""
        listing = subprocess.run(["cpio", "-t", "--quiet"], input=self.archive, capture_output=True, check=True).stdout
        self.assertEqual(listing.decode().split(), [m[0] for m in self.members])

    def tree(self, member="launch.dtb"):
        _, _, data, size = next(m for m in self.members if m[0] == member)
        return work.decompile(self.archive[data:data + size])

    def test_launch_tree_says_what_the_description_says(self):
        """[utest->dsn~tool-launch-dtb~1]"""
        tree = self.tree()
        for expected in ("bulkhead,version = <0x01>", 'bulkhead,on-failure = "halt"', 'bulkhead,reboot = "immediate"', 'bulkhead,after = "brake"', "bulkhead,safe;",
                         "bulkhead,keep-modules;", "bulkhead,verify;", "memory = <0x00 0x10000>", "nr_spis = <0x40>", "capabilities = <0x02>",
                         'bulkhead,role = "hardware"', "direct-map;", "xen,static-mem = <0x00 0x50000000 0x00 0x1000000>",
                         'bootargs = "console=ttyAMA0 quote=\\"x\\""', 'compatible = "multiboot,kernel", "multiboot,module"'):
            self.assertIn(expected, tree)
        self.assertEqual(tree.count("vpl011;"), 4)

    def test_vcpus_are_dealt_to_cpus_that_no_safe_domain_has(self):
        """[utest->dsn~tool-defaults~1]"""
        affinity = [line.split('"')[1] for line in self.tree().splitlines() if "hard-affinity" in line]
        self.assertEqual(affinity, ["1", "0", "2", "3", "0", "2", "3"])

    def test_passthrough_becomes_a_partial_device_tree(self):
        """[utest->dsn~tool-passthrough~1]"""
        tree = self.tree("device.device-tree")
        for expected in ("passthrough {", "pl061@9030000 {", "xen,reg = <0x00 0x9030000 0x00 0x1000 0x00 0x9030000>",
                         'xen,path = "/pl061@9030000"', "interrupts = <0x00 0x07 0x04>", "bulkhead,no-dma;", "interrupt-parent = <0xfde8>"):
            self.assertIn(expected, tree)

    def test_hardware_domain_gets_what_nobody_else_names(self):
        """[utest->dsn~tool-hardware-devices~1]"""
        tree = self.tree("twin.device-tree")
        for expected in ("pl031@9010000 {", 'compatible = "arm,pl031", "arm,primecell"', "interrupts = <0x00 0x02 0x04>",
                         'clock-names = "apb_pclk"', 'compatible = "fixed-clock"'):
            self.assertIn(expected, tree)
        for other in ("pl061", "fw-cfg", "virtio"):
            self.assertNotIn(other, tree)

    def test_devices_are_forced_only_where_asked_and_nothing_is_safe(self):
        """[utest->dsn~tool-force~1]"""
        text = """system: s
board: qemu-virt
domains:
  a: { kernel: flat2.bin, static-memory: [{ base: 0x50000000, size: 16 MiB }], direct-map: true,
       passthrough: [/fw-cfg@9020000, gpio], force-assign-without-iommu: true }
"""
        pathlib.Path("force.yaml").write_text(text)
        build("force.yaml", "force.img")
        found = text_of("inspect", "force.img")
        self.assertIn("device      fw-cfg@9020000", found)
        self.assertIn("device      pl061@9030000", found)
        bulkhead("image", "force.img", "--extract-archive", "force.cpio")
        archive = pathlib.Path("force.cpio").read_bytes()
        self.assertEqual(archive.count(b"xen,force-assign-without-iommu"), 1)

    def test_equal_inputs_give_equal_bytes(self):
        """[utest->dsn~tool-image~1]"""
        self.assertEqual(build(output="again.img"), self.data)

    def test_inspect_finds_nothing_wrong(self):
        """[utest->dsn~tool-inspect~1]"""
        text = text_of("inspect", "good.img")
        for expected in ("qemu-virt: 4 CPUs", "brake        domu, safe, 16384 KiB, 1 vCPU on CPU 1", "linux.kernel, arm64 Image",
                         "other.kernel, gzip", "domains      5, on failure: halt"):
            self.assertIn(expected, text)
        self.assertNotIn("nobody uses it", text)

    def test_pieces_are_replaced_alone(self):
        """[utest->dsn~tool-image~1]"""
        pathlib.Path("boot2.bin").write_bytes(b"another boot domain")
        bulkhead("image", "good.img", "--boot-domain", "boot2.bin", "--boot-memory", "64 MiB", "-o", "changed.img")
        data = pathlib.Path("changed.img").read_bytes()
        parts, memory, _ = descriptor(data)
        self.assertEqual(memory, 64 << 20)
        self.assertEqual(data[parts["boot"][0]:][:12], b"another boot")
        self.assertEqual(data[parts["archive"][0]:][:parts["archive"][1]], self.archive)
        bulkhead("image", "changed.img", "--extract-archive", "out.cpio")
        self.assertEqual(pathlib.Path("out.cpio").read_bytes(), self.archive)


    def test_board_hypervisor_and_cpu_are_replaced(self):
        """[utest->dsn~tool-image~1] [utest->dsn~tool-board-table~1]"""
        bulkhead("image", "good.img", "--board", "qemu-virt", "--cpus", "8", "--memory", "1 GiB", "--boot-cpu", "2",
                 "--hypervisor", "hypervisor.bin", "-o", "moved.img")
        parts, _, boot_cpu = descriptor(pathlib.Path("moved.img").read_bytes())
        self.assertEqual(boot_cpu, 2)
        self.assertIn("8 CPUs", text_of("inspect", "moved.img"))
        bulkhead("image", "moved.img", "--board", "board.bin")  # in place
        self.assertIn("4 CPUs", text_of("inspect", "moved.img"))

    def test_image_without_archive_gets_its_domains_elsewhere(self):
        """[utest->dsn~tool-dom0less~1]"""
        bulkhead("image", "good.img", "--no-archive", "-o", "empty.img")
        self.assertIn("archive      none", text_of("inspect", "empty.img"))
        pathlib.Path("whole.cpio").write_bytes(self.archive)
        bulkhead("image", "empty.img", "--archive", "whole.cpio", "-o", "full.img")
        self.assertIn("domains      5", text_of("inspect", "full.img"))


class Board(unittest.TestCase):
    def test_table_holds_what_the_description_says(self):
        """[utest->dsn~tool-board-table~1] [utest->dsn~tool-board-description~1]"""
        bulkhead("board", str(ROOT / "boards/imx8mp-evk.yaml"), "-o", "imx.bin")
        data = pathlib.Path("imx.bin").read_bytes()
        magic, version, size = struct.unpack_from("<QII", data)
        self.assertEqual((magic.to_bytes(8, "little")[::-1], version, size), (bytes.fromhex("5244424b4c554221"), 1, len(data)))
        self.assertEqual(data[16:48].rstrip(b"\0"), b"imx8mp-evk")
        for value in (0x38800000, 0x38880000, 0x30890000, 0x30280000, 0x40000000, 3 << 30):
            self.assertIn(struct.pack("<Q", value), data)

    def test_cpus_and_memory_can_be_chosen(self):
        """[utest->dsn~tool-board-table~1]"""
        bulkhead("board", str(ROOT / "boards/qemu-virt.yaml"), "--cpus", "64", "--memory", "8 GiB", "-o", "virt.bin")
        data = pathlib.Path("virt.bin").read_bytes()
        self.assertIn(struct.pack("<QQ", 0x40000000, 8 << 30), data)
        self.assertIn(struct.pack("<QQQ", 0x30D, 0x30E, 0x30F), data)

    def test_import_of_the_machine_agrees_with_the_description(self):
        """[utest->dsn~tool-board-import~1]"""
        pathlib.Path("host.dtb").write_bytes(lies.dtc(lies.HOST.format(domains="")))
        bulkhead("board", "--import", "host.dtb", "-o", "host.yaml")
        text = pathlib.Path("host.yaml").read_text()
        for expected in ("board: qemu-virt", "mpidrs: [0x0, 0x1]", "base: 0x40000000, size: 1 GiB", "load-address: 0x40200000",
                         "psci: smc", "distributor: { base: 0x8000000, size: 64 KiB }",
                         "timer: { hypervisor: 26, virtual: 27, physical: 30 }", "interrupt: 33"):
            self.assertIn(expected, text)
        bulkhead("board", "host.yaml", "-o", "host.bin")


    def test_import_of_a_board_with_buses(self):
        """[utest->dsn~tool-board-import~1]"""
        pathlib.Path("imx.dtb").write_bytes(lies.dtc(IMX))
        text = text_of("board", "--import", "imx.dtb")
        for expected in ("board: imx8mp-evk", 'description: "Caf\u00e9 board"', "mpidrs: [0x0, 0x100]",
                         "  - { base: 0x40000000, size: 1 GiB }\n  - { base: 0x100000000, size: 2 GiB }",
                         "uart: { kind: imx, base: 0x30890000, size: 64 KiB, interrupt: 59 }",
                         "watchdog: { kind: imx, base: 0x30280000, size: 64 KiB }",
                         "distributor: { base: 0x38800000, size: 64 KiB }", "stride: 256 KiB", "pmu: 23"):
            self.assertIn(expected, text)
        pathlib.Path("imx.yaml").write_text(text)
        bulkhead("board", "imx.yaml", "-o", "imx.bin")


IMX = """/ { compatible = "fsl,imx8mp-evk"; model = "Caf\u00e9 board"; #address-cells = <2>; #size-cells = <2>;
  memory@100000000 { device_type = "memory"; reg = <1 0 0 0x80000000>; };
  memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
  cpus { #address-cells = <2>; #size-cells = <0>; cpu@0 { device_type = "cpu"; reg = <0 0>; };
         cpu@100 { device_type = "cpu"; reg = <0 0x100>; }; };
  psci { method = "smc"; }; chosen { stdout-path = "/soc@0/bus@30800000/serial@890000:115200n8"; };
  pmu { compatible = "arm,armv8-pmuv3"; interrupts = <1 7 4>; };
  soc@0 { #address-cells = <1>; #size-cells = <1>; ranges = <0 0 0 0x40000000>;
    intc@38800000 { compatible = "arm,gic-v3"; reg = <0x38800000 0x10000 0x38880000 0xc0000>; interrupts = <1 9 4>;
                    redistributor-stride = <0 0x40000>; };
    bus@30000000 { #address-cells = <1>; #size-cells = <1>; ranges;
      watchdog@30270000 { compatible = "fsl,imx21-wdt"; reg = <0x30270000 0x10000>; status = "disabled"; };
      watchdog@30280000 { compatible = "fsl,imx21-wdt"; reg = <0x30280000 0x10000>; }; };
    bus@30800000 { #address-cells = <1>; #size-cells = <1>; ranges = <0 0x30000000 0x1000000>;
      serial@890000 { compatible = "fsl,imx8mp-uart", "fsl,imx6q-uart"; reg = <0x890000 0x10000>; interrupts = <0 27 4>; };
    }; }; };"""


class Import(unittest.TestCase):
    def check(self, text):
        """What was imported is a description; only its files are missing."""
        pathlib.Path("imported.yaml").write_text(text)
        result = bulkhead("check", "imported.yaml", check=False)
        for line in result.stderr.decode().splitlines():
            self.assertTrue(line.endswith("[file-exists]"), line)

    def test_dom0less_tree(self):
        """[utest->dsn~tool-import-dtb~1] [utest->dsn~tool-describe~1]"""
        domains = lies.host_domain("""memory = <0 0x8000>; cpus = <2>; vpl011; nr_spis = <64>; bulkhead,safe;""", modules="""
            vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "1"; };
            vcpu1 { compatible = "xen,vcpu"; id = <1>; hard-affinity = "1"; };""" + lies.OUTSIDE)
        domains += lies.host_domain("""memory = <0x4000>; cpus = <1>; capabilities = <2>; direct-map; bulkhead,after = "a";
            xen,static-mem = <0 0x60000000 0 0x1000000>;""", name="b")
        pathlib.Path("in.dtb").write_bytes(lies.dtc(lies.HOST.format(domains=domains)))
        text = text_of("import", "in.dtb")
        for expected in ("board: qemu-virt", "safe: true", "memory: 32 MiB", "vcpus: 2", "cpus: [1]", "nr-spis: 64",
                         "role: hardware", "direct-map: true", "- { base: 0x60000000, size: 16 MiB }", "after: [a]",
                         "console: none"):
            self.assertIn(expected, text)
        self.check(text)

    def test_cpu_pool(self):
        """[utest->dsn~tool-import-dtb~1]"""
        tree = lies.HOST.format(domains="""pool: p { compatible = "xen,cpupool"; cpupool-cpus = <&c1>; };""" +
                                lies.host_domain("memory = <0 0x8000>; cpus = <1>; domain-cpupool = <&pool>;"))
        pathlib.Path("in.dtb").write_bytes(lies.dtc(tree.replace("cpu@1 {", "c1: cpu@1 {")))
        self.assertIn("cpus: [1]", text_of("import", "in.dtb"))

    def test_pools_come_back_as_they_were_written(self):
        """[utest->dsn~tool-time-rules~1] [utest->dsn~tool-draw-time~1] [utest->dsn~tool-import-dtb~1]"""
        pathlib.Path("time.yaml").write_text((ROOT / "tests/config/files/time.yaml").read_text())
        data = build("time.yaml", "time.img")
        parts, _, boot_cpu = descriptor(data)
        self.assertEqual(boot_cpu, 0)
        offset, size = parts["archive"]
        found, _ = members(data[offset:offset + size])
        name, _, at, length = next(member for member in found if member[0] == "launch.dtb")
        pathlib.Path("time.dtb").write_bytes(data[offset + at:offset + at + length])
        text = text_of("import", "time.dtb")
        for expected in ("policy: arinc653", "cpus: [1, 2]", "guard: 50 us", "idle: lend", "major-frame: 10 ms",
                         "- { domain: brake, start: 0 ns, length: 1 ms }", "- { domain: brake, start: 2 ms, length: 3 ms }",
                         "- { domain: maps, start: 5 ms, length: 1500 us }", "major-frame: 5 ms", "pool: flight",
                         "policy: rtds", "period: 10 ms", "budget: 2500 us", "extra-time: true"):
            self.assertIn(expected, text)
        self.check(text)
        self.assertIn("motor", text_of("inspect", "time.img"))
        picture = text_of("draw", "time.yaml")
        for expected in ("Time", "flight: landing", "lent", "2500 us / 10 ms", "3 ms / 4 ms"):
            self.assertIn(expected, picture)

    def test_hyperlaunch_tree(self):
        """[utest->dsn~tool-import-dtb~1]"""
        pathlib.Path("in.dtb").write_bytes(lies.dtc("""/ { chosen { hypervisor { compatible = "hypervisor,xen"; dom {
            compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; domid = <1>; permissions = <2>; functions = <0>;
            memory = <0 0x8000>; cpus = <1>; module { compatible = "module,kernel", "module";
            module-addr = <0 0x50000000 0 0x1000>; }; }; }; }; };"""))
        text = text_of("import", "in.dtb")
        self.assertIn("role: hardware", text)
        self.assertIn("kernel: loaded-at-0x50000000", text)

    def test_imagebuilder_configuration(self):
        """[utest->dsn~tool-import-imagebuilder~1] [utest->dsn~tool-describe~1]"""
        pathlib.Path("in.cfg").write_text("""# two guests
MEMORY_START="0x0"; MEMORY_END="0x80000000"
NUM_DOMUS=2
DOMU_KERNEL[0]="zephyr.bin"
DOMU_MEM[0]=128
DOMU_VCPUS[0]=2   # comment
DOMU_VPL011[0]=0
DOMU_KERNEL[1]='Image'
DOMU_RAMDISK[1]=root.cpio
DOMU_CMD[1]="console=ttyAMA0 \\
root=/dev/ram0"
DOMU_STATIC_MEM[1]="0x50000000 0x8000000"
""")
        text = text_of("import", "in.cfg")
        for expected in ("domU0:", "memory: 128 MiB", "vcpus: 2", "console: none", "kernel: zephyr.bin", "ramdisk: root.cpio",
                         'bootargs: "console=ttyAMA0 root=/dev/ram0"', "- { base: 0x50000000, size: 128 MiB }",
                         "direct-map: true"):
            self.assertIn(expected, text)
        self.check(text)


class Documents(unittest.TestCase):
    def test_schemas_are_those_of_the_key_tables(self):
        """[utest->dsn~tool-key-table~1] [utest->dsn~tool-explain~1]"""
        for name in ("system", "board"):
            published = (ROOT / f"docs/manual/{name}.schema.json").read_text()
            self.assertEqual(published, text_of("schema", name), f"run: bulkhead schema {name} > docs/manual/{name}.schema.json")
            json.loads(published)

    def test_manual_has_the_table_of_every_key(self):
        """[utest->dsn~tool-key-table~1]"""
        for name, file in (("system", "configuration.md"), ("board", "boards.md")):
            self.assertIn(text_of("explain", "--markdown", name), (ROOT / "docs/manual" / file).read_text(),
                          f"run: bulkhead explain --markdown {name}")

    def test_every_key_is_explained(self):
        """[utest->dsn~tool-explain~1]"""
        listing = text_of("explain")
        for line in listing.splitlines():
            if line and not line.endswith(":"):
                text = text_of("explain", line.split()[0])
                for part in ("type:", "default:", "example:"):
                    self.assertIn(part, text)

    def test_picture_shows_every_domain_and_cpu(self):
        """[utest->dsn~tool-draw~1]"""
        bulkhead("draw", "good.yaml", "-o", "good.svg")
        text = pathlib.Path("good.svg").read_text()
        for expected in ("brake", "linux", "twin", "other", "device", "CPU 0", "CPU 3", "Boot Domain", "512 MiB"):
            self.assertIn(expected, text)
        self.assertEqual(text.count("<svg"), text.count("</svg>"))

    def test_pictures_of_large_systems_are_well_formed(self):
        """[utest->dsn~tool-draw~1]"""
        domains = "".join(f"  domain-number-{n}: {{ memory: 64 MiB, kernel: flat.bin, vcpus: 3 }}\n" for n in range(20))
        pathlib.Path("large.yaml").write_text("system: \"large <&> \u00e9\"\nboard: { name: qemu-virt, cpus: 16 }\ndomains:\n" + domains)
        root = xml.etree.ElementTree.fromstring(text_of("draw", "large.yaml"))
        texts = [element.text for element in root.iter() if element.text]
        self.assertIn("large <&> \u00e9", texts)
        self.assertIn("CPU 15", texts)

    def test_help_names_every_verb(self):
        """[utest->dsn~tool-usage~1]"""
        text = text_of("help")
        for verb in ("check", "build", "run", "inspect", "image", "draw", "explain", "schema", "import", "board"):
            self.assertIn(f"  {verb}", text)
            self.assertIn(f"usage: bulkhead {verb}", text_of("help", verb))
            self.assertIn(f"usage: bulkhead {verb}", text_of(verb, "--help"))


def prepare():
    subprocess.run([BULKHEAD, "board", str(ROOT / "boards/qemu-virt.yaml"), "-o", "board.bin"], check=True)
    for name, data in (("flat2.bin", b"flat two"), ("Image", image()), ("Image2", image(content=BLOCK)), ("ramdisk", b"R" * 1_000_001),
                       ("shared", b"S" * 5000), ("good.yaml", SYSTEM.encode()),
                       ("partial.dtb", (ROOT / "tests/config/files/good.dtb").read_bytes()),
                       ("image.gz", (ROOT / "tests/config/files/image-32m.gz").read_bytes())):
        pathlib.Path(name).write_bytes(data)


if __name__ == "__main__":
    BULKHEAD, ENVIRONMENT = work.enter()
    prepare()
    work.run_tests()
