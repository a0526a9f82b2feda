#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check what a compiler does not: who includes whom, sizes of functions and files, licence lines, words.

Each defect is one line `file:line: error: ...`. Reasons for the sizes that are larger stand in evidence/sizes.md.
[impl->dsn~structure-check~1]
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import tree

# Who may include what: the table of parts in the architecture, as folder prefixes, longest match first.
# A part may always include itself. "xen" and "libc" stand for the public headers and a hosted C library.
FREESTANDING = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdalign.h", "stdnoreturn.h", "limits.h", "assert.h",
                "inttypes.h", "string.h"}
MAY_INCLUDE = {
    "include": set(),
    "hypervisor/lib": {"include"},
    "hypervisor/arch/contract": {"hypervisor/lib", "include", "arch-types"},
    "hypervisor/core": {"hypervisor/arch/contract", "hypervisor/lib", "include", "xen", "arch-types"},
    "hypervisor/sched": {"hypervisor/core", "hypervisor/arch/contract", "hypervisor/lib", "include", "xen"},
    "hypervisor/arch/arm64": {"hypervisor/arch/contract", "hypervisor/lib", "upcall", "include", "xen"},
    # The model does not ship; it looks into the core's records to find what the core forgot.
    "hypervisor/arch/host": {"hypervisor/arch/contract", "hypervisor/lib", "hypervisor/core", "include", "xen", "libc"},
    # The Boot Domain is a guest too: it stands on the guest library's start, exceptions and hypercalls.
    "bootdomain": {"include", "xen", "libfdt", "guests/lib"},
    "guests/lib": {"include", "xen"},
    "toolstack/lib": {"include", "xen"},
    "toolstack/create": {"toolstack/lib", "bootdomain", "include", "xen"},
    "toolstack/shell": {"toolstack/lib", "toolstack/create", "include", "xen", "guests/lib"},
    "toolstack/test": {"toolstack/lib", "toolstack/create", "toolstack/shell", "include", "xen", "guests/lib"},
    "toolstack/linux": {"toolstack/lib", "toolstack/create", "bootdomain", "include", "xen", "libc", "guests/linux"},
    "tools": {"include", "libc", "libfdt", "xen"},
    "guests/linux": {"guests", "libc"},
    "guests": {"include", "xen", "libfdt", "guests/lib"},
}
# Where the compiler looks, for every part and for those whose name starts so.
INCLUDE_ROOTS = {"": ("hypervisor", "include"), "bootdomain": ("bootdomain", "bootdomain/include", "guests/lib/include"),
                 "guests": ("guests/lib/include", "guests/lib/libc"), "tools/": ("tools/bulkhead",),
                 "toolstack": ("toolstack/lib", "toolstack/create", "toolstack/shell", "bootdomain", "guests/lib/include"), "toolstack/linux": ("guests/linux",)}
# Headers that each architecture brings for the contract.
ARCH_TYPES = {"arch_types.h", "arch_inline.h"}
UPCALL = "hypervisor/core/upcall.h"
LIBFDT = {"libfdt.h", "fdt.h", "libfdt_env.h", "zlib.h"}

FUNCTION_LINES = 60
FILE_LINES = 500
SOURCE = {".c", ".h", ".S"}
SIZED = SOURCE | {".py", ".sh"}
LICENCE = "SPDX-License-Identifier: Apache-2.0"
NO_LICENCE_LINE = re.compile(r"^LICENSE$|\.json$|\.gitignore$|^\.clang-format$|\.svg$|\.png$|/corpus/|^tests/.*\.(dts|dtb|bin|img|cpio|gz|expected|txt)$")
WORDS = {
    r"\b(TODO|FIXME|XXX|HACK)\b": "finish it, or write it in docs/CAVEATS.md",
    r"(?<![\w/.~$}-])/(home|work|Users)/\w": "the tree must not know where it is checked out",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def part_of(name):
    """The part that a file belongs to, or None outside of the table."""
    matches = [part for part in MAY_INCLUDE if name.startswith(part + "/")]
    return max(matches, key=len) if matches else None


def included_part(name, quoted, header, known):
    """(part, file) that an include means; the file is None for headers outside of the tree."""
    if header in ARCH_TYPES:
        return "arch-types", None
    here = str(Path(name).parent / header)
    roots = [root for part, folders in INCLUDE_ROOTS.items() if name.startswith(part) for root in folders]
    for candidate in ([here] if quoted else []) + [f"{root}/{header}" for root in roots]:
        resolved = os.path.normpath(candidate)
        if resolved in known:
            return part_of(resolved), resolved
    if header.startswith("xen/"):
        return "xen", None
    if header in LIBFDT:
        return "libfdt", None
    return ("free" if header in FREESTANDING else "libc"), None


def check_includes(names, root=tree.ROOT):
    errors = []
    known = set(names)
    for name in names:
        part = part_of(name)
        if part is None or Path(name).suffix not in SOURCE:
            continue
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            other, file = included_part(name, found[1] == '"', found[2], known)
            allowed = MAY_INCLUDE[part]
            if other in allowed or other == part or other == "free" or (file == UPCALL and "upcall" in allowed):
                continue
            if other == "arch-types" and part.startswith("hypervisor/arch/"):
                continue
            errors.append(f"{name}:{number}: error: {part} may not include {found[2]} ({other or 'unknown'}); "
                          f"allowed: {', '.join(sorted(allowed)) or 'nothing'}")
    return errors


def read_reasons(path):
    """{(file, function or None): line number} of evidence/sizes.md: lines "- `file` `function`: reason"."""
    reasons = {}
    if path.exists():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r"^- `([^`]+)`(?: `([^`]+)`)?: \S", line)
            if found:
                reasons[found[1], found[2]] = number
    return reasons


def function_sizes(names, root=tree.ROOT):
    """(file, function, first line, lines) of every function."""
    command = ["ctags", "-L", "-", "-f", "-", "--fields=+ne", "--kinds-C=f", "--kinds-Python=fm", "--excmd=number"]
    listing = subprocess.run(command, cwd=root, input="\n".join(names), capture_output=True, text=True, check=True)
    for row in listing.stdout.splitlines():
        cells = row.split("\t")
        fields = dict(cell.split(":", 1) for cell in cells[3:] if ":" in cell)
        if len(cells) > 3 and "end" in fields:
            first = int(fields["line"])
            yield cells[1], cells[0], first, int(fields["end"]) - first + 1


def check_sizes(names, root=tree.ROOT):
    errors = []
    reasons = read_reasons(root / "evidence" / "sizes.md")
    used = set()
    sized = [name for name in names if Path(name).suffix in SIZED]
    for name in sized:
        lines = len((root / name).read_text(errors="replace").splitlines())
        if lines > FILE_LINES:
            used.add((name, None))
            if (name, None) not in reasons:
                errors.append(f"{name}:1: error: {lines} lines; split it where two jobs meet (limit {FILE_LINES})")
    coded = [name for name in sized if Path(name).suffix in {".c", ".h", ".py"}]
    for name, function, line, lines in function_sizes(coded, root):
        if lines > FUNCTION_LINES:
            used.add((name, function))
            if (name, function) not in reasons:
                errors.append(f"{name}:{line}: error: {function}() has {lines} lines (limit {FUNCTION_LINES})")
    for key, number in reasons.items():
        if key not in used:
            errors.append(f"evidence/sizes.md:{number}: error: no longer needed, remove it")
    return errors


def check_licence(names, root=tree.ROOT):
    errors = []
    for name in names:
        if NO_LICENCE_LINE.search(name):
            continue
        with open(root / name, "rb") as file:
            head = file.read(400)
        if head and b"\0" not in head and LICENCE.encode() not in head:
            errors.append(f"{name}:1: error: no line `{LICENCE}`")
    return errors


def check_words(names, root=tree.ROOT):
    errors = []
    for name in names:
        if name.endswith(("check_structure.py", "structure_test.py", "LICENSE")) or "/corpus/" in name:
            continue
        data = (root / name).read_bytes()
        if b"\0" in data[:4096]:
            continue
        for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
            for pattern, advice in WORDS.items():
                if found := re.search(pattern, line):
                    errors.append(f"{name}:{number}: error: `{found[0]}`: {advice}")
    return errors


CHECKS = {"includes": check_includes, "sizes": check_sizes, "licence": check_licence, "words": check_words}


def main(selected):
    names = tree.files()
    errors = [error for name, check in CHECKS.items() if not selected or name in selected for error in check(names)]
    print("\n".join(errors), end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
