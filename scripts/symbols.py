#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn a first link of the hypervisor into the symbol table that its fault dump prints from.

usage: symbols.py NM ELF OUT.S
Layout (hypervisor/arch/arm64/panic.c): u32 count, u32 0, {u32 offset from image_start, u32 offset of name}..., names.
"""
import subprocess
import sys


def main():
    nm, elf, out = sys.argv[1:4]
    base = 0
    functions = []
    for line in subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout.splitlines():
        address, kind, name = line.split()[:3]
        if name == "image_start":
            base = int(address, 16)
        if kind in "tT" and not name.startswith(("$", ".L")):
            functions.append((int(address, 16), name))
    names_at = 8 + 8 * len(functions)
    with open(out, "w", encoding="ascii") as f:
        f.write('    .section .symbols, "a"\n    .balign 8\n')
        f.write(f"    .long {len(functions)}, 0\n")
        for address, name in functions:
            f.write(f"    .long {address - base:#x}, {names_at}\n")
            names_at += len(name) + 1
        for _, name in functions:
            f.write(f'    .asciz "{name}"\n')


if __name__ == "__main__":
    main()
