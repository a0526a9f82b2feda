#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn a first link of the hypervisor into the symbol table that its fault dump prints from.

usage: symbols.py NM ELF OUT.S
Layout (hypervisor/arch/arm64/panic.c): for each function, by address, u16 distance from the one before in
instructions, NUL-terminated name.
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
        if kind in "tT" and not name.startswith(("$", ".L", "OUTLINED")):
            functions.append((int(address, 16), name))
    with open(out, "w", encoding="ascii") as f:
        f.write('    .section .symbols, "a"\n')
        for address, name in functions:
            f.write(f'    .2byte {(address - base) // 4:#x}\n    .asciz "{name}"\n')
            base = address


if __name__ == "__main__":
    main()
