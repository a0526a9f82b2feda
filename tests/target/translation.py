# SPDX-License-Identifier: Apache-2.0
"""Read the hypervisor's own translation tables out of a running machine and hold them against what they must be:
nothing writable and executable, a guard page around every stack, no second way to the hypervisor's image.
[itest->dsn~el2-translation~1, dsn~el2-layout~1]
"""
from console import Failure
from gdb import symbol

TABLES = 48
TABLE_BYTES = 4096
CHUNK = 1024  # bytes a packet
PAGE = 4096
VA_CPU, VA_DEVICE, VA_DIRECT = 0x0000401000000000, 0x0000200000000000, 0x0000800000000000
CPU_STRIDE, STACK_LOW, STACK_TOP, CPU_STRUCT, CPU_STRUCT_TOP = 0x10000, 0x1000, 0x9000, 0xA000, 0xC000
LOAD = 0x40200000
CPUS = 4


def read(gdb, address, size):
    data = b""
    while len(data) < size:
        data += bytes.fromhex(gdb.ask(f"m{address + len(data):x},{min(CHUNK, size - len(data)):x}"))
    return data


def leaves(data, physical, table=0, level=0, base=0):
    """(address, size, writable, executable, machine address) of every entry that maps something."""
    for index in range(512):
        at = table * TABLE_BYTES + index * 8
        entry = int.from_bytes(data[at:at + 8], "little")
        shift = 39 - 9 * level
        va = base + (index << shift)
        if not entry & 1:
            continue
        target = entry & 0x0000FFFFFFFFF000
        if level < 3 and entry & 2:
            child = (target - physical) // TABLE_BYTES
            if not 0 < child < TABLES:
                raise Failure(f"table at {target:#x} is none of the hypervisor's")
            yield from leaves(data, physical, child, level + 1, va)
        else:
            yield va, 1 << shift, not entry & (1 << 7), not entry & (1 << 54), target


def expect(condition, what):
    if not condition:
        raise Failure(f"EL2 translation: {what}")


def check_permissions(entries, text, identity):
    for va, size, writable, executable, _ in entries:
        expect(not (writable and executable), f"{va:#x} is writable and executable")
        if executable:
            expect(any(low <= va and va + size <= high for low, high in (text, identity)),
                   f"{va:#x} is executable and not text")


def check_stacks(pages):
    for cpu in range(CPUS):
        area = VA_CPU + cpu * CPU_STRIDE
        for low, high, mapped in ((0, STACK_LOW, False), (STACK_LOW, STACK_TOP, True), (STACK_TOP, CPU_STRUCT, False),
                                  (CPU_STRUCT, CPU_STRUCT_TOP, True), (CPU_STRUCT_TOP, CPU_STRIDE, False)):
            for page in range(area + low, area + high, PAGE):
                expect((page in pages) == mapped, f"CPU {cpu}: page {page:#x} is {'not ' if mapped else ''}mapped")


def check_aliases(entries, end):
    """RAM is seen once, and the hypervisor's image not through the direct map."""
    for va, size, _, executable, machine in entries:
        if VA_DIRECT <= va:
            expect(va == VA_DIRECT + machine and not executable, f"direct map at {va:#x} is wrong")
            expect(machine + size <= LOAD or machine >= end, f"the image is in the direct map at {va:#x}")
        if VA_DEVICE <= va < VA_DEVICE + (1 << 44):
            expect(va == VA_DEVICE + machine and not executable, f"device at {va:#x} is wrong")


def check(gdb, elf):
    """At the first hypercall: all tables are built, a CPU is at EL2."""
    gdb.run_to(symbol(elf, "upcall_hypercall"))
    start = symbol(elf, "image_start")
    tables = symbol(elf, "tables")
    data = read(gdb, tables, TABLES * TABLE_BYTES)
    entries = list(leaves(data, LOAD + tables - start))
    text = symbol(elf, "text_start"), symbol(elf, "text_end")
    check_permissions(entries, text, tuple(LOAD + address - start for address in text))
    check_stacks({va for va, size, *_ in entries if size == PAGE})
    check_aliases(entries, LOAD + symbol(elf, "image_end") - start)
    expect(len(entries) > 20, "hardly anything is mapped")
