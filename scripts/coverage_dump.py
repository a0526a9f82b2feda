#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a raw profile of LLVM (version 10) out of the counters in a machine's memory.

coverage_dump.py ELF OUT.profraw --qmp SOCKET --load ADDRESS   stop the machine and read its memory by QMP
coverage_dump.py ELF OUT.profraw --counters FILE --bits FILE   from files that hold the two sections

ELF is the instrumented program: it gives the tables that do not change and the addresses of those that do. ADDRESS is
where its first byte (the lowest loaded address of the file) was loaded.
[impl->dsn~coverage-merge~1]
"""
import argparse
import json
import socket
import struct
import sys
import tempfile
from pathlib import Path

MAGIC = 0xFF6C70726F667281  # "\xfflprofr\x81"
VERSION = 10
VALUE_KIND_LAST = 2
DATA_ENTRY = 64  # bytes of one function's record
SHF_ALLOC = 2


def read_sections(elf):
    """{name: (address, offset in the file, size, flags)} of a 64-bit little-endian ELF file."""
    table, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + index * size) for index in range(count)]
    strings = headers[names][4]
    sections = {}
    for name, _, flags, address, offset, length in headers:
        start = strings + name
        sections[elf[start:elf.index(b"\0", start)].decode()] = (address, offset, length, flags)
    return sections


def base_address(sections):
    return min(address for address, _, size, flags in sections.values() if flags & SHF_ALLOC and size)


def pad8(data):
    return bytes(-len(data) % 8)


def raw_profile(elf, sections, counters, bits):
    """The bytes of the profile."""
    data_address, data_offset, data_size, _ = sections["__llvm_prf_data"]
    names_address, names_offset, names_size, _ = sections["__llvm_prf_names"]
    if data_size % DATA_ENTRY or len(counters) != sections["__llvm_prf_cnts"][2]:
        raise ValueError("the sections do not have the layout of raw profile version 10")
    data = elf[data_offset:data_offset + data_size]
    names = elf[names_offset:names_offset + names_size]
    bits_address = sections["__llvm_prf_bits"][0] if bits else data_address
    header = struct.pack("<16Q", MAGIC, VERSION, 0, data_size // DATA_ENTRY, 0, len(counters) // 8, len(pad8(counters)),
                         len(bits), len(pad8(bits)), names_size,
                         (sections["__llvm_prf_cnts"][0] - data_address) % 2**64,
                         (bits_address - data_address) % 2**64, names_address, 0, 0, VALUE_KIND_LAST)
    return b"".join([header, data, counters, pad8(counters), bits, pad8(bits), names, pad8(names)])


class Qmp:
    """QEMU's machine protocol, as much of it as is needed."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rw")
        self.stream.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        json.dump({"execute": name, "arguments": arguments}, self.stream)
        self.stream.flush()
        while True:
            line = self.stream.readline()
            if not line:
                raise ConnectionError(f"QEMU ended during {name}")
            answer = json.loads(line)
            if "error" in answer:
                raise ConnectionError(f"{name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def memory(self, address, size):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "memory"
            self.command("pmemsave", val=address, size=size, filename=str(path))
            return path.read_bytes()


def dump_by_qmp(elf_path, qmp_path, load, out):
    """Read the counters of a running machine; it stays stopped."""
    elf = Path(elf_path).read_bytes()
    sections = read_sections(elf)
    qmp = Qmp(str(qmp_path))
    qmp.command("stop")

    def section(name):
        address, _, size, _ = sections.get(name, (0, 0, 0, 0))
        return qmp.memory(load + address - base_address(sections), size) if size else b""

    Path(out).write_bytes(raw_profile(elf, sections, section("__llvm_prf_cnts"), section("__llvm_prf_bits")))


def main():
    parser = argparse.ArgumentParser(description="counters in memory to a raw profile")
    parser.add_argument("elf")
    parser.add_argument("out")
    parser.add_argument("--qmp")
    parser.add_argument("--load", type=lambda text: int(text, 0))
    parser.add_argument("--counters")
    parser.add_argument("--bits")
    options = parser.parse_args()
    if options.qmp:
        dump_by_qmp(options.elf, options.qmp, options.load, options.out)
        return 0
    elf = Path(options.elf).read_bytes()
    bits = Path(options.bits).read_bytes() if options.bits else b""
    Path(options.out).write_bytes(raw_profile(elf, read_sections(elf), Path(options.counters).read_bytes(), bits))
    return 0


if __name__ == "__main__":
    sys.exit(main())
