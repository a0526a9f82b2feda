# SPDX-License-Identifier: Apache-2.0
"""Drive a machine's console: wait for lines in order, send input, forbid lines. Nothing sleeps, nothing is retried.

[impl->dsn~target-runner~1]
"""
import os
import re
import selectors
import signal
import subprocess
import time

TAIL_LINES = 60
NOISE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Failure(Exception):
    """The test failed; the text says why."""


class Lane:
    """Expectations that must come true one after the other; several lanes advance side by side.

    An item is a regular expression that a line (or a prompt without line end) must contain, a list of them that may
    come in any order, or ("send", text).
    """

    def __init__(self, items):
        self.items = [item if isinstance(item, tuple) else
                      [re.compile(pattern) for pattern in (item if isinstance(item, list) else [item])] for item in items]
        self.at = 0
        self.seen = 0  # characters of a line without end that it has taken

    def is_done(self):
        return self.at == len(self.items)

    def take_send(self):
        """The text to send now, or None."""
        if not self.is_done() and isinstance(self.items[self.at], tuple):
            self.at += 1
            return self.items[self.at - 1][1]
        return None

    def feed(self, line):
        if self.is_done() or isinstance(self.items[self.at], tuple):
            return False
        waiting = self.items[self.at]
        found = next((pattern for pattern in waiting if pattern.search(line)), None)
        if found is None:
            return False
        waiting.remove(found)
        if not waiting:
            self.at += 1
        return True

    def waits_for(self):
        item = self.items[self.at]
        return f"input {item[1]!r}" if isinstance(item, tuple) else " and ".join(f"/{p.pattern}/" for p in item)


class Script:
    """What a test expects of the console."""

    def __init__(self, lanes, forbid=()):
        self.lanes = [Lane(items) for items in lanes]
        self.forbid = [re.compile(pattern) for pattern in forbid]

    def is_done(self):
        return all(lane.is_done() for lane in self.lanes)

    def check_forbidden(self, line):
        for pattern in self.forbid:
            if pattern.search(line):
                raise Failure(f"forbidden line /{pattern.pattern}/: {line}")

    def feed(self, line, ended=True):
        """A line, or what there is of it: more of it, and all that lanes have not taken, comes later."""
        self.check_forbidden(line)
        advanced = [lane.feed(line[lane.seen:]) for lane in self.lanes]
        for lane, taken in zip(self.lanes, advanced):
            lane.seen = 0 if ended else len(line) if taken else lane.seen
        return True in advanced

    def sends(self):
        """Input that is due, in order."""
        texts = []
        for lane in self.lanes:
            while (text := lane.take_send()) is not None:
                texts.append(text)
        return texts

    def missing(self):
        return [lane.waits_for() for lane in self.lanes if not lane.is_done()]


class Machine:
    """A process with a console on its standard input and output, in a process group of its own."""

    def __init__(self, command, log, cwd):
        self.log = open(log, "wb")
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.partial = b""
        self.lines = []

    def read(self, deadline):
        """New bytes, b"" at the end of the output; Failure when the time is over."""
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not self.selector.select(remaining):
            raise Failure("the time is over")
        data = os.read(self.process.stdout.fileno(), 65536)
        self.log.write(data)
        self.log.flush()
        return data

    def send(self, text):
        try:
            self.process.stdin.write(text.encode("latin-1"))
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise Failure(f"the machine ended before input {text!r}") from error

    def stop(self):
        """End the whole group; the exit code if it had ended by itself."""
        code = self.process.poll()
        if code is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()
        return code

    def tail(self):
        return self.lines[-TAIL_LINES:]


# What the emulator says of itself comes in the midst of a line of the console.
EMULATOR = re.compile(rb"qemu-system-aarch64: warning: [^\n]*\n")


def clean(data):
    return NOISE.sub("", data.decode("latin-1"))


def advance(machine, script, data):
    """Hand the new output to the script: whole lines, then what stands without a line end."""
    *lines, machine.partial = EMULATOR.sub(b"", machine.partial + data).split(b"\n")
    for raw in lines:
        line = clean(raw)
        machine.lines.append(line)
        script.feed(line)
        for text in script.sends():
            machine.send(text)
    if machine.partial and script.feed(clean(machine.partial), ended=False):
        for text in script.sends():
            machine.send(text)


def play(command, script, log, timeout, cwd, must_exit=None, at_start=None, at_end=None):
    """Run command until the script is done. must_exit: then it must end by itself with this code.
    at_start() is called when the process exists; at_end() while it still runs, once the script is done.

    Raises Failure with the reason and the end of the console."""
    machine = Machine(command, log, cwd)
    deadline = time.monotonic() + timeout
    try:
        if at_start:
            at_start()
        for text in script.sends():
            machine.send(text)
        ended = False
        while not ended and (not script.is_done() or must_exit is not None):
            data = machine.read(deadline)
            ended = data == b""
            advance(machine, script, data)
        if not script.is_done():
            raise Failure(f"ended with {machine.process.wait(10)}, still waiting for {'; '.join(script.missing())}")
        if must_exit is not None and machine.process.wait(10) != must_exit:
            raise Failure(f"exit code {machine.process.returncode}, expected {must_exit}")
        if at_end:
            at_end()
    except Failure as failure:
        waiting = "; ".join(script.missing())
        reason = str(failure) if "waiting" in str(failure) or not waiting else f"{failure}; waiting for {waiting}"
        raise Failure("\n".join([reason, "-- end of the console:", *machine.tail(), clean(machine.partial)])) from None
    finally:
        machine.stop()
