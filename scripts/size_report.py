#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large is what runs at EL2: lines of code, text and constants, image. Writes build/size.json; fails over the limit.

[impl->dsn~size-report~1]
"""
import json
import re
import struct
import sys
from pathlib import Path

import tree

LIMIT = 128 * 1024
TEXT = (b".text", b".rodata")
HYPERVISOR = ("hypervisor",)
SHARED = re.compile(r'^#include "(bulkhead/\w+\.h)"', re.M)
NOT_TARGET = ("hypervisor/arch/host/", "hypervisor/arch/x86/")
SHF_WRITE, SHF_ALLOC, SHT_NOBITS = 1, 2, 8


def code_lines(text):
    """Lines of C or assembly that hold something other than blanks and comments."""
    count, in_comment = 0, False
    for line in text.splitlines():
        kept, i, quote = False, 0, None
        while i < len(line):
            two = line[i:i + 2]
            if in_comment:
                if two == "*/":
                    in_comment = False
                    i += 1
            elif quote:
                if line[i] == "\\":
                    i += 1
                elif line[i] == quote:
                    quote = None
            elif two == "/*":
                in_comment = True
                i += 1
            elif two == "//":
                break
            else:
                if line[i] in "\"'":
                    quote = line[i]
                kept = kept or not line[i].isspace()
            i += 1
        count += kept
    return count


def shared_headers(texts):
    """{name: text} of the headers of include/ that these texts include, or one that they include."""
    found = {}
    while texts:
        names = {name for text in texts for name in SHARED.findall(text)} - found.keys()
        texts = [(tree.ROOT / "include" / name).read_text(errors="replace") for name in sorted(names)]
        found.update(zip(sorted(names), texts))
    return found


def readonly_bytes(elf):
    """(text and constants, the rest) in bytes of loaded, not writable sections of a 64-bit little-endian ELF file.

    The rest: header, the page of the image descriptor, function names for a fault's backtrace.
    """
    table, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    sections = [struct.unpack_from("<IIQQQQ", elf, table + index * size) for index in range(count)]
    total = {True: 0, False: 0}
    for name, kind, flags, _, _, length in sections:
        if flags & SHF_ALLOC and not flags & SHF_WRITE and kind != SHT_NOBITS:
            at = sections[names][4] + name
            total[elf[at:elf.index(b"\0", at)] in TEXT] += length
    return total[True], total[False]


def hypervisor_elf():
    """The linked hypervisor of the release preset, or None."""
    path = tree.BUILD / "arm64" / "hypervisor" / "hypervisor.elf"
    return path if path.exists() else None


def measure():
    """lines of code, bytes of text and constants, of header and names, of the hypervisor as loaded, {system: bytes}."""
    texts = {name: (tree.ROOT / name).read_text(errors="replace")
             for name in tree.files(*HYPERVISOR, suffixes={".c", ".h", ".S"}) if not name.startswith(NOT_TARGET)}
    shared = shared_headers(texts.values())
    lines = sum(code_lines(text) for text in [*texts.values(), *shared.values()])
    elf = hypervisor_elf()
    binary = elf.with_suffix(".bin") if elf else None
    systems = {path.name: path.stat().st_size for path in sorted(tree.BUILD.glob("*.img"))}
    text, rest = readonly_bytes(elf.read_bytes()) if elf else (0, 0)
    return {"lines": lines, "text": text, "symbols": rest,
            "image": binary.stat().st_size if binary and binary.exists() else 0, "systems": systems}


def main():
    size = measure()
    Path(tree.BUILD / "size.json").write_text(json.dumps(size, indent=2) + "\n")
    systems = "".join(f", {name} {count / 1048576:.1f} MiB" for name, count in size["systems"].items())
    print(f"hypervisor: {size['lines']} lines of code, {size['text']} bytes of text and constants, "
          f"{size['symbols']} of header and function names, "
          f"{size['image']} bytes loaded{systems}")
    if size["text"] == 0:
        print("error: no linked hypervisor under build/arm64/hypervisor; run make first")
        return 1
    if size["text"] > LIMIT:
        print(f"error: text and constants exceed {LIMIT} bytes")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
