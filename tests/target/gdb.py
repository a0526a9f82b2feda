# SPDX-License-Identifier: Apache-2.0
"""Put a fault into a running machine through QEMU's debugger port, without a hook in the code under test."""
import socket
import subprocess
import time

from console import Failure


class Gdb:
    """As much of the debugger's protocol as is needed; the machine waits (-S) until run_to()."""

    def __init__(self, path, seconds=30):
        deadline = time.monotonic() + seconds
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        while True:
            try:
                self.socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                # QEMU makes the socket when it is ready; there is no event to wait for before that.
                if time.monotonic() > deadline:
                    raise Failure("the debugger's port does not open") from None
                time.sleep(0.02)
        self.data = b""
        self.ask("QStartNoAckMode")

    def ask(self, text):
        """Send a packet; the answer's text."""
        self.socket.sendall(b"$" + text.encode() + b"#%02x" % (sum(text.encode()) % 256))
        return self.answer()

    def answer(self):
        while True:
            start = self.data.find(b"$")
            end = self.data.find(b"#", start + 1)
            if start >= 0 and 0 <= end and len(self.data) >= end + 3:
                text = self.data[start + 1:end].decode()
                self.data = self.data[end + 3:]
                self.socket.sendall(b"+")
                return text
            more = self.socket.recv(4096)
            if not more:
                raise Failure("QEMU closed the debugger's port")
            self.data += more

    def must(self, text):
        if (answer := self.ask(text)) != "OK":
            raise Failure(f"debugger: {text}: {answer or 'not supported'}")

    def run_to(self, *addresses):
        """Let the machine run until one CPU arrives at an address; that CPU is then the one that is spoken of."""
        for address in addresses:
            self.must(f"Z1,{address:x},4")
        stop = self.ask("c")
        for address in addresses:
            self.must(f"z1,{address:x},4")
        thread = stop.partition("thread:")[2].partition(";")[0]
        if not thread:
            raise Failure(f"debugger: stopped without a thread: {stop}")
        self.must(f"Hg{thread}")

    def set_register(self, number, value):
        self.must(f"P{number:x}={value.to_bytes(8, 'little').hex()}")

    def get_register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def write(self, address, data):
        self.must(f"M{address:x},{len(data):x}:{data.hex()}")

    def read_word(self, address):
        return int.from_bytes(bytes.fromhex(self.ask(f"m{address:x},8")), "little")

    def leave(self):
        """The machine runs on without debugger."""
        self.ask("D")
        self.socket.close()


PC = 32
HANG = (0x14000000).to_bytes(4, "little")  # b .


def symbol(elf, name):
    listing = subprocess.run(["llvm-nm-19", str(elf)], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == name:
            return int(words[0], 16)
    raise Failure(f"{elf} has no symbol {name}")


def jump_away(gdb, elf, at="upcall_hypercall", to=0xDEAD0000):
    """A CPU at EL2 continues at an address where nothing is."""
    gdb.run_to(symbol(elf, at))
    gdb.set_register(PC, to)


def break_invariant(gdb, elf, at="upcall_hypercall"):
    """A CPU at EL2 continues at the instruction that the first assertion of the table ends in."""
    gdb.run_to(symbol(elf, at))
    gdb.set_register(PC, gdb.read_word(symbol(elf, "asserts_start")))


def take_vector(gdb, elf, offset, at="upcall_hypercall"):
    """A CPU at EL2 takes an exception vector although nothing happened."""
    gdb.run_to(symbol(elf, at))
    gdb.set_register(PC, symbol(elf, "vectors") + offset)


def swap_vector(gdb, elf, offset):
    """A trap from a guest takes another vector: the registers are those of a real trap."""
    lower_el_sync, table_bytes = 0x400, 0x800
    tables = [symbol(elf, name) for name in ("vectors", "vectors_loop", "vectors_firmware")]
    gdb.run_to(*[table + lower_el_sync for table in tables])
    gdb.set_register(PC, gdb.get_register(PC) // table_bytes * table_bytes + offset)


def hang(gdb, elf, at="upcall_hypercall"):
    """A CPU at EL2 stays where it is for ever, interrupts masked."""
    address = symbol(elf, at)
    gdb.run_to(address)
    gdb.write(address, HANG)


def flip_sealed_image(gdb, elf):
    """At the first restart of a domain, a bit of the sealed copy of its first image changes."""
    page, copy, to, source, size = 4096, symbol(elf, "memcpy"), 0, 1, 2
    gdb.run_to(symbol(elf, "launch_rewind"))
    gdb.run_to(symbol(elf, "launch_ram_at"))  # where the first page goes
    while True:
        gdb.run_to(copy)
        if gdb.get_register(size) and not any(gdb.get_register(n) % page for n in (to, source, size)):
            break
        gdb.ask("s")
    address = gdb.get_register(source) + page // 2
    gdb.write(address, (gdb.read_word(address) ^ 1).to_bytes(8, "little"))
