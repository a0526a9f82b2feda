#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Truncated, oversized and lying inputs of the host tool that are better made than stored: images, launch archives, device
trees, ImageBuilder configurations, wrong usage.  usage: lies.py BULKHEAD WORKDIR [--update]

Each case is a command; its exit code and standard error must be those below `== NAME` in lies.expected.
[utest->dsn~tool-image-verify~1] [utest->dsn~tool-inspect~1] [utest->dsn~tool-archive~1] [utest->dsn~tool-import-dtb~1]
[utest->dsn~tool-import-imagebuilder~1] [utest->dsn~tool-board-import~1] [utest->dsn~tool-dom0less~1]
[utest->dsn~tool-board-table~1] [utest->dsn~tool-usage~1]
"""
import pathlib
import struct
import subprocess
import sys
import zlib

import lies_labels
import work
from work import DESCRIPTOR, ROOT, write

EXPECTED = ROOT / "tests/config/lies.expected"
PART = {"hypervisor": 0x1010, "board": 0x1020, "boot": 0x1030, "archive": 0x1040, "runtime": 0x1050}
CASES = []


def case(name, *command):
    """Decorator: the function makes the input; the command then runs in the work directory."""
    def add(make):
        CASES.append((name, make, list(command)))
        return make
    return add


def put(data, offset, form, *values):
    struct.pack_into(form, data, offset, *values)


def dtc(text):
    result = subprocess.run(["dtc", "-q", "-O", "dtb"], input=b"/dts-v1/;\n" + text.encode(), capture_output=True, check=True)
    return result.stdout


def cpio(members, trailer=True):
    out = bytearray()
    for name, data in members + ([("TRAILER!!!", b"")] if trailer else []):
        out += b"070701" + b"".join(b"%08x" % n for n in (0, 0o100444, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
        out += name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


# ---- images: a good one, and one lie each ----------------------------------------------------------------------------
def lie_image(name, change, *extra):
    @case("image-" + name, "inspect", "lie.img")
    def make():
        data = bytearray(pathlib.Path("good.img").read_bytes())
        result = change(data)
        write("lie.img", bytes(result if result is not None else data))


def part(data, name):
    return struct.unpack_from("<QQ", data, PART[name])


def set_part(data, name, offset=None, size=None):
    old = part(data, name)
    put(data, PART[name], "<QQ", old[0] if offset is None else offset, old[1] if size is None else size)


lie_image("empty", lambda d: b"")
lie_image("cut-before-descriptor", lambda d: d[:0x1010])
lie_image("no-header", lambda d: put(d, 56, "<4s", b"MZMZ"))
lie_image("other-kernel", lambda d: put(d, DESCRIPTOR, "<Q", 0))
lie_image("version", lambda d: put(d, DESCRIPTOR + 8, "<I", 7))
lie_image("descriptor-size", lambda d: put(d, DESCRIPTOR + 12, "<I", 64))
lie_image("hypervisor-offset", lambda d: set_part(d, "hypervisor", offset=4096))
lie_image("hypervisor-empty", lambda d: set_part(d, "hypervisor", size=0))
lie_image("board-missing", lambda d: set_part(d, "board", size=0))
lie_image("part-wraps", lambda d: set_part(d, "boot", size=2**64 - 1))
lie_image("part-misaligned", lambda d: set_part(d, "archive", offset=part(d, "archive")[0] + 4096))
lie_image("part-overlaps", lambda d: set_part(d, "boot", offset=0x1000))
lie_image("archive-cut", lambda d: d[: part(d, "archive")[0] + 1000])
lie_image("board-short", lambda d: set_part(d, "board", size=100))
lie_image("board-magic", lambda d: put(d, part(d, "board")[0], "<Q", 0))
lie_image("board-version", lambda d: put(d, part(d, "board")[0] + 8, "<I", 2))
lie_image("board-name", lambda d: put(d, part(d, "board")[0] + 16, "<32s", b"x" * 32))
lie_image("boot-memory", lambda d: put(d, 0x1060, "<Q", 0x1000))
lie_image("boot-memory-small", lambda d: (set_part(d, "boot", size=0x1F0000), put(d, 0x1060, "<Q", 0x200000))[0])
lie_image("boot-cpu", lambda d: put(d, 0x1068, "<I", 99))
lie_image("runtime-small", lambda d: (set_part(d, "runtime", size=0x600000),
                                      put(d, 16, "<Q", part(d, "runtime")[0] + 0x600000))[0])
lie_image("image-size", lambda d: put(d, 16, "<Q", 0x1000))
lie_image("pe-size", lambda d: put(d, 64 + 24 + 56, "<I", 0x1000))
lie_image("good", lambda d: None)


# ---- launch archives --------------------------------------------------------------------------------------------------
LAUNCH = """/ {{ chosen {{ #address-cells = <2>; #size-cells = <2>; bulkhead,version = <{version}>; {domains} }}; }};"""
KERNEL = """module@0 {{ compatible = "multiboot,kernel", "multiboot,module"; bulkhead,member = "{member}"; }};"""


def launch(domains, version=1):
    return dtc(LAUNCH.format(version=version, domains=domains))


def domain(name="a", extra="", member="a.kernel", memory=0x4000):
    kernel = KERNEL.format(member=member)
    return f"""{name} {{ compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; memory = <0 {memory}>;
                         cpus = <1>; {extra} {kernel} }};"""


def lie_archive(name, make_archive):
    @case("archive-" + name, "image", "good.img", "--archive", "lie.cpio", "-o", "lie.img")
    def make():
        write("lie.cpio", make_archive())


FLAT = ("a.kernel", b"flat binary")


def good_archive(trailer=True):
    return bytearray(cpio([("launch.dtb", launch(domain())), FLAT], trailer))


def changed(offset, data):
    archive = good_archive()
    archive[offset:offset + len(data)] = data
    return bytes(archive)


lie_archive("good", good_archive)
lie_archive("no-trailer", lambda: good_archive(trailer=False))
lie_archive("cut-in-header", lambda: good_archive()[:50])
lie_archive("no-newc", lambda: changed(0, b"070707"))
lie_archive("no-hex", lambda: changed(54, b"0000zzzz"))
lie_archive("data-too-long", lambda: changed(54, b"7fffffff"))
lie_archive("name-too-long", lambda: changed(94, b"00fffff0"))
lie_archive("name-empty", lambda: changed(94, b"00000000"))
lie_archive("name-unterminated", lambda: changed(94, b"00000005"))
lie_archive("wrong-first", lambda: cpio([FLAT, ("launch.dtb", launch(domain()))]))
lie_archive("empty", lambda: cpio([]))
lie_archive("duplicate", lambda: cpio([("launch.dtb", launch(domain())), FLAT, FLAT]))
lie_archive("many-members", lambda: cpio([("launch.dtb", launch(domain()))] + [(f"m{i}", b"") for i in range(4096)]))
lie_archive("tree-cut", lambda: cpio([("launch.dtb", launch(domain())[:100]), FLAT]))
lie_archive("tree-version", lambda: cpio([("launch.dtb", launch(domain(), version=2)), FLAT]))
lie_archive("member-missing", lambda: cpio([("launch.dtb", launch(domain(member="b.kernel"))), FLAT]))
lie_archive("kernel-lies", lambda: cpio([("launch.dtb", launch(domain())), ("a.kernel", b"\x7fELF\x02\x01")]))
lie_archive("partial-tree-cut", lambda: cpio([
    ("launch.dtb", launch(domain(extra="""module@2 { compatible = "multiboot,device-tree", "multiboot,module";
                                         bulkhead,member = "a.dtb"; };"""))), FLAT, ("a.dtb", b"\xd0\x0d\xfe\xed cut")]))
lie_archive("control-domain-unsafe", lambda: cpio([("launch.dtb", launch(domain(extra="capabilities = <1>;"))), FLAT]))
lie_archive("two-hardware-domains", lambda: cpio([("launch.dtb", launch(domain("a", "capabilities = <2>;") +
                                                                       domain("b", "capabilities = <2>;"))), FLAT]))
lie_archive("cpu-missing", lambda: cpio([("launch.dtb", launch(domain(
    extra="""vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "9"; };"""))), FLAT]))
lie_archive("memory-budget", lambda: cpio([("launch.dtb", launch(domain(memory=0x400000))), FLAT]))
lie_archive("same-name", lambda: cpio([("launch.dtb", launch(domain("a") + domain("b", 'bulkhead,name = "a";'))), FLAT]))


# ---- device trees that are imported ------------------------------------------------------------------------------------
HOST = """/ {{ compatible = "linux,dummy-virt"; #address-cells = <2>; #size-cells = <2>;
  memory@40000000 {{ device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; }};
  cpus {{ #address-cells = <1>; #size-cells = <0>; cpu@0 {{ device_type = "cpu"; reg = <0>; }}; cpu@1 {{ device_type = "cpu"; reg = <1>; }}; }};
  psci {{ method = "smc"; }};
  intc@8000000 {{ compatible = "arm,gic-v3"; reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0xf60000>; interrupts = <1 9 4>; }};
  timer {{ compatible = "arm,armv8-timer"; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; }};
  pl011@9000000 {{ compatible = "arm,pl011"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; }};
  chosen {{ #address-cells = <2>; #size-cells = <2>; {domains} }}; }};"""
OUTSIDE = """module@50000000 { compatible = "multiboot,kernel", "multiboot,module"; reg = <0 0x50000000 0 0x100000>; };"""


def host_domain(properties, name="a", modules=OUTSIDE):
    return f"""{name} {{ compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; {properties} {modules} }};"""


def lie_tree(name, domains, *command):
    @case("tree-" + name, *(command or ("import", "lie.dtb")))
    def make():
        write("lie.dtb", dtc(HOST.format(domains=domains)))


lie_tree("good", host_domain("memory = <0 0x8000>; cpus = <1>; vpl011;"))
lie_tree("memory", host_domain("memory; cpus = <1>;"))
lie_tree("memory-huge", host_domain("memory = <0xffffffff 0xffffffff>; cpus = <1>;"))
lie_tree("cpus", host_domain("memory = <0 0x8000>; cpus = <0>;"))
lie_tree("nr-spis", host_domain("memory = <0 0x8000>; cpus = <1>; nr_spis = <2000>;"))
lie_tree("capabilities", host_domain("memory = <0 0x8000>; cpus = <1>; capabilities;"))
lie_tree("capabilities-both", host_domain("memory = <0 0x8000>; cpus = <1>; capabilities = <3>;"))
lie_tree("capabilities-xenstore", host_domain("memory = <0 0x8000>; cpus = <1>; capabilities = <4>;"))
lie_tree("role", host_domain("""memory = <0 0x8000>; cpus = <1>; bulkhead,role = "king";"""))
lie_tree("health", host_domain("memory = <0 0x8000>; cpus = <1>; bulkhead,health = <4 3 60 4 4 4 2 0 0 0 0 0 0 64>;"))
lie_tree("health-storm", host_domain("memory = <0 0x8000>; cpus = <1>; bulkhead,health = <4 3 60 4 4 4 4 0 4 4 2 4 4 63>;"))
lie_tree("name", host_domain("""memory = <0 0x8000>; cpus = <1>; bulkhead,name;"""))
lie_tree("name-bad", host_domain("""memory = <0 0x8000>; cpus = <1>; bulkhead,name = "a b";"""))
lie_tree("name-twice", host_domain("memory = <0 0x8000>; cpus = <1>;") +
         host_domain("""memory = <0 0x8000>; cpus = <1>; bulkhead,name = "a";""", name="b"))
lie_tree("after", host_domain("memory = <0 0x8000>; cpus = <1>; bulkhead,after = [61 62];"))
lie_tree("static-memory", host_domain("memory = <0 0x8000>; cpus = <1>; xen,static-mem = <0 1 2>;"))
lie_tree("static-memory-far", host_domain("memory = <0 0x8000>; cpus = <1>; xen,static-mem = <0xffffffff 0 0 0x1000>;"))
lie_tree("pool", host_domain("memory = <0 0x8000>; cpus = <1>; domain-cpupool = <77>;"))
lie_tree("enhanced", host_domain("""memory = <0 0x8000>; cpus = <1>; xen,enhanced = "disabled"; passthrough = "enabled";"""))
lie_tree("unknown", host_domain("""memory = <0 0x8000>; cpus = <1>; llc-colors = "1"; shm { };"""))
lie_tree("no-kernel", host_domain("memory = <0 0x8000>; cpus = <1>;", modules=""))
lie_tree("module-nowhere", host_domain("memory = <0 0x8000>; cpus = <1>;",
                                       modules="""module { compatible = "multiboot,kernel", "multiboot,module"; };"""))
lie_tree("module-twice", host_domain("memory = <0 0x8000>; cpus = <1>;",
                                     modules=OUTSIDE + OUTSIDE.replace("module@50000000", "module@51000000")))
lie_tree("vcpu", host_domain("""memory = <0 0x8000>; cpus = <1>; """,
                             modules="""vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "1,x"; };""" + OUTSIDE))
lie_tree("vcpu-some", host_domain("""memory = <0 0x8000>; cpus = <2>; """, modules="""
    vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "0-1"; };""" + OUTSIDE))
lie_tree("vcpu-many", host_domain("""memory = <0 0x8000>; cpus = <1>; """, modules="""
    vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "0-1"; };""" + OUTSIDE))
lie_tree("dom0", """xen,xen-bootargs = "x"; module@1 { compatible = "multiboot,kernel", "multiboot,module"; reg = <0 1 0 1>; };"""
         + host_domain("memory = <0 0x8000>; cpus = <1>;"))
lie_tree("no-domain", "")


def lie_shared(name, first, second="", chosen=""):
    """Two domains, each with a node of its own."""
    lie_tree(name, host_domain("memory = <0 0x8000>; cpus = <1>;", modules=OUTSIDE + first) +
             host_domain("memory = <0 0x8000>; cpus = <1>;", name="b", modules=OUTSIDE + second) + chosen)


def end(label, numbers, more=""):
    return f"""{label}: {label} {{ compatible = "xen,evtchn-v1"; xen,evtchn = <{numbers}>; {more} }};"""


def shared(name, mem, more=""):
    return f"""s-{name} {{ compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "{name}"; xen,shared-mem = <{mem}>; {more} }};"""


lie_shared("channel-number", """e { compatible = "xen,evtchn-v1"; xen,evtchn = <1>; };""")
lie_shared("channel-port", end("x", "1024 &y"), end("y", "1 &x"))
lie_shared("channel-alone", end("x", "1 &y"), "", end("y", "1 &x"))
lie_shared("channel-one-way", end("x", "1 &y") + end("z", "2 &y"), end("y", "1 &z"))
lie_shared("channels-many", "".join(end(f"x{i}", f"{i} &y{i}") for i in range(1, 130)),
           "".join(end(f"y{i}", f"{i} &x{i}") for i in range(1, 130)))
lie_shared("shared-nameless", """s { compatible = "xen,domain-shared-memory-v1"; };""")
lie_shared("shared-no-place", shared("one", "0 1 2"))
lie_shared("shared-far", shared("one", "0x100 0 0 0x1000"))
lie_shared("shared-two-sizes", shared("one", "0 0x20000000 0 0x1000"), shared("one", "0 0x20000000 0 0x2000"))
lie_shared("shared-many", "".join(shared(f"s{i}", f"0 {0x20000000 + i * 4096} 0 0x1000") for i in range(33)))

DOM0LESS = ("build", "--dom0less", "lie.dtb", "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "-o", "lie.img")
lie_tree("dom0less-good", host_domain("memory = <0 0x8000>; cpus = <1>; llc-colors = <1>;"), *DOM0LESS)
lie_tree("dom0less-module-in-image", host_domain("memory = <0 0x8000>; cpus = <1>;",
                                                 modules=OUTSIDE.replace("0x50000000", "0x40200000")), *DOM0LESS)
lie_tree("dom0less-module-no-ram", host_domain("memory = <0 0x8000>; cpus = <1>;",
                                               modules=OUTSIDE.replace("0x50000000", "0x30000000")), *DOM0LESS)
lie_tree("dom0less-modules-overlap", host_domain("memory = <0 0x8000>; cpus = <1>;") + host_domain(
    "memory = <0 0x8000>; cpus = <1>;", name="b", modules=OUTSIDE.replace("0x50000000", "0x50080000")), *DOM0LESS)
lie_tree("dom0less-budget", host_domain("memory = <0 0x100000>; cpus = <1>;"), *DOM0LESS)
lie_tree("dom0less-no-domain", "", *DOM0LESS)


@case("tree-cut", "import", "lie.dtb")
def _():
    write("lie.dtb", dtc(HOST.format(domains=host_domain("")))[:200])


@case("tree-old-version", "import", "lie.dtb")
def _():
    data = bytearray(dtc(HOST.format(domains=host_domain(""))))
    put(data, 20, ">II", 13, 0)
    write("lie.dtb", bytes(data))


@case("tree-size-lies", "import", "lie.dtb")
def _():
    data = bytearray(dtc(HOST.format(domains=host_domain(""))))
    put(data, 4, ">I", 0x7FFFFFFF)
    write("lie.dtb", bytes(data))


# ---- boards from device trees --------------------------------------------------------------------------------------------
def lie_board(name, text):
    @case("board-" + name, "board", "--import", "lie.dtb", "-o", "lie.yaml")
    def make():
        write("lie.dtb", dtc(text))


BASE = HOST.format(domains="")
lie_board("good", BASE)
lie_board("empty", "/ { };")
lie_board("no-timer-no-uart-no-psci", BASE.replace('"arm,armv8-timer"', '"x"').replace('"arm,pl011"', '"x"').replace(
    'method = "smc"', "x"))
lie_board("hvc", BASE.replace('"smc"', '"hvc"'))
lie_board("many-cpus", BASE.replace("psci {", "more { }; psci {").replace(
    'cpu@1 { device_type = "cpu"; reg = <1>; };',
    "".join(f'cpu@{n:x} {{ device_type = "cpu"; reg = <{n}>; }}; ' for n in range(1, 65))))
lie_board("many-ranges", BASE.replace("reg = <0 0x40000000 0 0x40000000>", "reg = " + ", ".join(
    f"<0 {0x40000000 + n * 0x1000000:#x} 0 0x100000>" for n in range(9))))


@case("board-table-other-version", "image", "good.img", "--board", "table.bin", "-o", "lie.img")
def _():
    data = bytearray(pathlib.Path("board.bin").read_bytes())
    put(data, 8, "<I", 9)
    write("table.bin", bytes(data))


@case("board-table-short", "image", "good.img", "--board", "table.bin", "-o", "lie.img")
def _():
    write("table.bin", pathlib.Path("board.bin").read_bytes()[:64])


@case("board-is-no-qemu", "run", "lie.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "--print")
def _():
    text = (ROOT / "boards/imx8mp-evk.yaml").read_text().split("qemu:")[0]
    write("own-board.yaml", text)
    write("flat.bin", "flat")
    write("lie.yaml", "system: x\nboard: ./own-board.yaml\ndomains:\n  a: { memory: 16 MiB, kernel: flat.bin }\n")


# ---- ImageBuilder configurations --------------------------------------------------------------------------------------
def lie_config(name, text):
    @case("imagebuilder-" + name, "import", "lie.cfg")
    def make():
        write("lie.cfg", text)


ONE = 'NUM_DOMUS=1\nDOMU_KERNEL[0]="Image"\n'
lie_config("good", "# comment\n" + ONE + "DOMU_MEM[0]=64; DOMU_VPL011[0]=0\n")
lie_config("notes", 'MEMORY_START="0x0"\nDOM0_KERNEL="Image"\n' + ONE +
           "DOMU_COLORS[0]=1-3\nDOMU_ENHANCED[0]=0\nDOMU_KERNEL[3]=beyond\nNUM_CPUPOOLS=1\n")
lie_config("command", ONE + "XEN=$(reboot)\nif true; then\n. other\n")
lie_config("variable", ONE + 'DOMU_CMD[0]="root=$ROOT"\n')
lie_config("array", ONE + "LIST=(a b)\n")
lie_config("unclosed", ONE + 'DOMU_CMD[0]="root=\n')
lie_config("number", ONE + "DOMU_MEM[0]=lots\nDOMU_VCPUS[0]=200\n")
lie_config("index", ONE + "DOMU_MEM=3\nDOMU_MEM[999]=3\nDOMU_MEM[x]=3\n")
lie_config("static-memory", ONE + 'DOMU_STATIC_MEM[0]="0x50000000"\nDOMU_STATIC_MEM[0]="a b"\n')
lie_config("kernel-missing", 'NUM_DOMUS=2\nDOMU_KERNEL[0]="Image"\n')
lie_config("nothing", "NUM_DOMUS=0\n")
lie_config("nul", ONE.encode() + b"X=\0\n")
lie_config("other-text", "hello world\n")


# ---- descriptions too large or too odd to store ----------------------------------------------------------------------------
@case("yaml-size", "check", "lie.yaml")
def _():
    write("lie.yaml", "#" * (1 << 20) + "\n")


@case("yaml-many-nodes", "check", "lie.yaml")
def _():
    write("lie.yaml", "system: [" + "a, " * 20000 + "]\n")


@case("yaml-binary", "check", "lie.yaml")
def _():
    write("lie.yaml", b"system: \x00\n")


@case("yaml-latin1", "check", "lie.yaml")
def _():
    write("lie.yaml", b"system: caf\xe9\n")


@case("yaml-directive", "check", "lie.yaml")
def _():
    write("lie.yaml", "%YAML 1.2\n---\nsystem: x\n")


@case("yaml-long-list", "check", "lie.yaml")
def _():
    write("lie.yaml", "system: x\nboard: qemu-virt\ndomains:\n  a: { memory: 1 MiB, kernel: flat.bin, cpus: [" +
          ", ".join("0" for _ in range(1025)) + "] }\n")


@case("gzip-bomb", "check", "lie.yaml")
def _():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    write("bomb.gz", b"".join(squeeze.compress(block) for _ in range(1025)) + squeeze.flush())
    write("lie.yaml", "system: x\nboard: qemu-virt\ndomains:\n  a: { memory: 64 MiB, kernel: bomb.gz }\n")


# ---- missing pieces and wrong usage ----------------------------------------------------------------------------------------
def usage(name, *command):
    @case("usage-" + name, *command)
    def make():
        write("good.yaml", "system: x\nboard: qemu-virt\ndomains:\n  a: { memory: 16 MiB, kernel: flat.bin }\n")
        write("flat.bin", "flat")


usage("no-verb")
usage("unknown-verb", "chek", "good.yaml")
usage("strange-verb", "frobnicate")
usage("no-file", "check")
usage("two-files", "check", "good.yaml", "good.yaml")
usage("unknown-option", "check", "--frob", "good.yaml")
usage("no-value", "build", "good.yaml", "-o")
usage("bad-number", "check", "good.yaml", "--cpus", "many")
usage("missing-file", "check", "nothere.yaml")
usage("missing-hypervisor", "build", "good.yaml", "--hypervisor", "nothere.bin", "--boot-domain", "flat.bin", "-o", "x.img")
usage("unfit-hypervisor", "build", "good.yaml", "--hypervisor", "flat.bin", "--boot-domain", "flat.bin", "-o", "x.img")
usage("output-nowhere", "build", "good.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "flat.bin", "-o", "/dev/null/x")
usage("log-nowhere", "run", "good.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "flat.bin", "--headless", "--log",
      "/dev/null/x")
usage("regex", "run", "good.yaml", "--until", "(")
usage("timeout", "run", "good.yaml", "--timeout", "soon")
usage("icount", "run", "good.yaml", "--icount=99")
usage("run-no-file", "run", "--headless")
usage("board-no-output", "board", "good.yaml")
usage("image-no-image", "image", "--no-archive")
usage("image-bad-value", "image", "good.img", "--boot-memory", "much")
usage("image-bad-boot-memory", "image", "good.img", "--boot-memory", "3 MiB", "-o", "x.img")
usage("inspect-two", "inspect", "a", "b")
usage("explain-unknown", "explain", "memroy")
usage("explain-strange", "explain", "qqqqqqqqqqqq")
usage("schema-unknown", "schema", "world")


lies_labels.add(case, write, ROOT, sys.modules[__name__])


def prepare():
    """The good image and board table that the lies start from."""
    write("tiny.yaml", "system: tiny\nboard: { name: qemu-virt, cpus: 2, memory: 128 MiB }\ndomains:\n"
                       "  a: { memory: 16 MiB, kernel: flat.bin }\n")
    for command in (["build", "tiny.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "-o", "good.img"],
                    ["board", str(ROOT / "boards/qemu-virt.yaml"), "-o", "board.bin"]):
        subprocess.run([BULKHEAD, *command], check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)


def run(name, make, command):
    make()
    environment = dict(ENVIRONMENT, PATH="") if name.endswith("-without-checkpolicy") else ENVIRONMENT
    result = subprocess.run([BULKHEAD, *command], capture_output=True, text=True, timeout=60, env=environment)
    errors = result.stderr.splitlines(keepends=True)
    text = f"== {name}\nexit {result.returncode}\n" + "".join(errors[:1] if result.returncode == 2 else errors)
    text = text.replace("at token '0'", "at token ''")  # checkpolicy of Debian 13, where nothing is left to read
    return text if text.endswith("\n") else text + "\n"


def read_expected():
    sections = {}
    for section in EXPECTED.read_text().split("== ")[1:]:
        sections[section.split("\n", 1)[0]] = "== " + section
    return sections


# A number that libsepol of Debian 13 refuses to read itself, before the tool can.
ALSO = {"label-binary-sid-beyond": "label-binary-cut"}


def is_expected(name, result, expected):
    other = ALSO.get(name)
    return result == expected.get(name) or (other is not None and
                                            result == expected[other].replace(other, name))


def main():
    prepare()
    results = {name: run(name, make, command) for name, make, command in CASES}
    if "--update" in sys.argv:
        head = "".join(line + "\n" for line in EXPECTED.read_text().split("== ")[0].splitlines()) if EXPECTED.exists() else ""
        EXPECTED.write_text((head or "# SPDX-License-Identifier: Apache-2.0\n") + "".join(results.values()))
        return 0
    expected = read_expected()
    failures = [name for name in results if not is_expected(name, results[name], expected)]
    failures += [name for name in expected if name not in results]
    for name in failures:
        print(f"FAIL expected:\n{expected.get(name)}got:\n{results.get(name)}")
    print(f"{len(results)} lies, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    BULKHEAD, ENVIRONMENT = work.enter()
    sys.exit(main())
