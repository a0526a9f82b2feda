#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`bulkhead run` with a program in QEMU's place that does what each test tells it.  usage: run_verb.py BULKHEAD WORKDIR"""
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import unittest

import work

# The stand-in runs the Python text in $FAKE; say() and hear() are its console.
FAKE = """#!/usr/bin/env python3
import os, signal, sys, time
def say(text):
    os.write(1, text.encode("latin-1"))
def hear():
    return os.read(0, 4096).decode("latin-1")
open(os.environ["FAKE_PID"], "w").write(str(os.getpid()))
open(os.environ["FAKE_ARGS"], "w").write("\\n".join(sys.argv[1:]))
exec(os.environ["FAKE"])
"""
FOREVER = "\nsignal.pause()"


def start(fake, *options, stdin=subprocess.DEVNULL, file="run.yaml"):
    environment = dict(ENVIRONMENT, PATH=f"{os.getcwd()}/bin:{os.environ['PATH']}", FAKE=fake,
                       FAKE_PID="pid", FAKE_ARGS="args")
    pathlib.Path("pid").unlink(missing_ok=True)
    return subprocess.Popen([BULKHEAD, "run", file, "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", *options],
                            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def run(fake, *options, **more):
    process = start(fake, *options, **more)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output.decode("latin-1"), errors.decode()


def is_running():
    try:
        os.kill(int(pathlib.Path("pid").read_text()), 0)
    except ProcessLookupError:
        return False
    return True


class Run(unittest.TestCase):
    """[utest->dsn~tool-run~1] [utest->dsn~tool-qemu~1]"""

    def tearDown(self):
        if pathlib.Path("pid").exists():
            self.assertFalse(is_running(), "the child outlived the run")

    def test_ends_with_0_once_the_pattern_is_seen(self):
        code, output, _ = run("say('one\\ntwo 42\\n')" + FOREVER, "--headless", "--until", "two [0-9]+")
        self.assertEqual((code, output), (0, "one\ntwo 42\n"))

    def test_a_prompt_without_line_end_is_seen(self):
        self.assertEqual(run("say('login: ')" + FOREVER, "--headless", "--until", "^login: $")[0], 0)

    def test_a_pattern_may_arrive_in_pieces(self):
        fake = "for c in 'ready\\n': say(c)" + FOREVER
        self.assertEqual(run(fake, "--headless", "--until", "^ready$")[0], 0)

    def test_all_patterns_must_be_seen_in_any_order(self):
        fake = "say('b\\n')\nsay('a\\n')" + FOREVER
        self.assertEqual(run(fake, "--headless", "--until", "^a$", "--until", "^b$")[0], 0)
        code, _, errors = run("say('a\\n')", "--headless", "--until", "^a$", "--until", "^b$")
        self.assertEqual((code, errors), (4, "bulkhead run: QEMU ended before the pattern was seen\n"))

    def test_ends_with_5_once_a_forbidden_pattern_is_seen(self):
        self.assertEqual(run("say('panic\\nready\\n')" + FOREVER, "--headless", "--until", "ready", "--fail", "panic")[0], 5)

    def test_ends_with_3_when_the_time_is_over(self):
        code, _, errors = run("say('one\\n')" + FOREVER, "--headless", "--until", "two", "--timeout", "0.5")
        self.assertEqual((code, errors), (3, "bulkhead run: 0.5 seconds are over\n"))

    def test_a_child_that_ignores_the_request_to_end_is_killed(self):
        fake = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsay('up\\n')\nwhile True: signal.pause()"
        self.assertEqual(run(fake, "--headless", "--until", "up")[0], 0)

    def test_otherwise_the_exit_code_is_that_of_qemu(self):
        self.assertEqual(run("sys.exit(7)", "--headless")[0], 7)
        self.assertEqual(run("os.kill(os.getpid(), signal.SIGKILL)", "--headless")[0], 128 + 9)

    def test_messages_of_qemu_come_through(self):
        code, _, errors = run("sys.stderr.write('no such option\\n'); sys.exit(1)", "--headless")
        self.assertEqual((code, errors), (1, "no such option\n"))

    def test_missing_qemu_is_said(self):
        os.rename("bin/qemu-system-aarch64", "bin/away")
        path = os.environ["PATH"]
        os.environ["PATH"] = ""
        try:
            code, _, errors = run("", "--headless")
        finally:
            os.environ["PATH"] = path
            os.rename("bin/away", "bin/qemu-system-aarch64")
        self.assertEqual(code, 127)
        self.assertEqual(errors, "bulkhead: qemu-system-aarch64 cannot be started (No such file or directory); install it, or "
                                 "run `make setup`\n")

    def test_log_holds_the_console_and_silences_a_headless_run(self):
        code, output, _ = run("say('one\\n')", "--headless", "--log", "console.log")
        self.assertEqual((code, output, pathlib.Path("console.log").read_text()), (0, "", "one\n"))

    def test_log_that_cannot_be_written_is_said(self):
        code, _, errors = run("", "--headless", "--log", "/dev/null/x")
        self.assertEqual((code, errors), (1, "/dev/null/x:0x0: the log cannot be written; name another file [file-write]\n"))

    def test_input_reaches_the_console_unchanged(self):
        fake = "say('go\\n')\ntext = ''\nwhile len(text) < 8: text += hear()\nsay(repr(text) + '\\n')" + FOREVER
        process = start(fake, "--until", "'ab", stdin=subprocess.PIPE)
        output, _ = process.communicate(b"ab\x01\x01\x01\x01x\x03", timeout=60)
        self.assertIn(b"'ab\\x01\\x01\\x01\\x01x\\x03'", output)
        self.assertEqual(process.returncode, 0)

    def test_a_signal_ends_both(self):
        process = start("say('up\\n')" + FOREVER, "--headless")
        self.assertEqual(process.stdout.readline(), b"up\n")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_ends_when_nobody_reads_the_console(self):
        process = start("say('up\\n')\nhear()\nwhile True: say('more\\n')", "--timeout", "30", stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"up\n")
        process.stdout.close()
        process.stdin.write(b"go")
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 128 + signal.SIGPIPE)
        process.stderr.close()

    def test_the_child_ends_with_its_killed_parent(self):
        process = start("say('up\\n')" + FOREVER, "--headless")
        self.assertEqual(process.stdout.readline(), b"up\n")
        child = int(pathlib.Path("pid").read_text())
        pidfd = os.pidfd_open(child)
        process.kill()
        process.communicate()
        self.assertTrue(select.select([pidfd], [], [], 30)[0])
        os.close(pidfd)
        pathlib.Path("pid").unlink()


class Terminal(unittest.TestCase):
    """[utest->dsn~tool-run~1]"""

    def session(self, typed, fake):
        """What the terminal showed, and the exit code, of a run at a terminal into which `typed` is typed at `go`."""
        environment = {"FAKE": fake, "FAKE_PID": "pid", "FAKE_ARGS": "args", "BULKHEAD_ROOT": str(work.ROOT),
                       "PATH": f"{os.getcwd()}/bin:{os.environ['PATH']}"}
        command = [BULKHEAD, "run", "run.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "--timeout", "30"]
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(BULKHEAD, command, dict(os.environ, **environment))
        shown = b""
        while True:
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            if b"go" not in shown and b"go" in shown + data:
                os.write(terminal, typed)
            shown += data
        os.close(terminal)
        return shown.decode("latin-1"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_ctrl_a_x_leaves_and_the_first_line_says_so(self):
        shown, code = self.session(b"\x01x", "say('go\\n')" + FOREVER)
        self.assertEqual(code, 0)
        self.assertTrue(shown.startswith("Ctrl-A x leaves.  Ctrl-A three times moves your input to the next domain.\r\n"), shown)

    def test_ctrl_a_three_times_reaches_the_hypervisor_and_x_behind_it_is_an_x(self):
        fake = "say('go\\n')\ntext = ''\nwhile len(text) < 5: text += hear()\nsay(repr(text) + '\\n')\nsys.exit(9)"
        shown, code = self.session(b"\x01\x01\x01x\x03", fake)
        self.assertIn("'\\x01\\x01\\x01x\\x03'", shown)
        self.assertEqual(code, 9)


class Command(unittest.TestCase):
    """[utest->dsn~tool-qemu~1]"""

    def arguments(self, *options, **more):
        self.assertEqual(run("", "--headless", *options, **more)[0], 0)
        return pathlib.Path("args").read_text().split("\n")

    def pair(self, arguments, name):
        return arguments[arguments.index(name) + 1]

    def test_machine_comes_from_the_board(self):
        arguments = self.arguments()
        self.assertEqual(self.pair(arguments, "-machine"), "virt,virtualization=on,gic-version=3,dtb-randomness=off")
        self.assertEqual((self.pair(arguments, "-cpu"), self.pair(arguments, "-smp"), self.pair(arguments, "-m")),
                         ("cortex-a72", "2", "512M"))
        self.assertNotIn("-dtb", arguments)

    def test_options_change_it(self):
        arguments = self.arguments("--cpu", "max", "--smp", "8", "--memory", "1 GiB", "--icount=4", "--gdb=5555", "--", "-d", "int")
        self.assertEqual((self.pair(arguments, "-cpu"), self.pair(arguments, "-smp"), self.pair(arguments, "-m")),
                         ("max,pauth-impdef=on", "8", "1024M"))
        self.assertEqual(self.pair(arguments, "-icount"), "shift=4,sleep=off")
        self.assertEqual(self.pair(arguments, "-gdb"), "tcp:127.0.0.1:5555")
        self.assertEqual(arguments[-2:], ["-d", "int"])

    def test_an_image_says_cpus_and_memory_itself(self):
        subprocess.run([BULKHEAD, "build", "run.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "-o",
                        "run.img"], check=True, capture_output=True, env=ENVIRONMENT)
        arguments = self.arguments(file="run.img")
        self.assertEqual((self.pair(arguments, "-smp"), self.pair(arguments, "-m"), self.pair(arguments, "-kernel")),
                         ("2", "512M", "run.img"))

    def test_board_without_device_tree_gets_one_and_its_own_serial_port(self):
        arguments = self.arguments("--board", "imx8mp-evk", "--memory", "3 GiB")
        self.assertIn("-dtb", arguments)
        serials = [arguments[i + 1] for i, a in enumerate(arguments) if a == "-serial"]
        self.assertEqual(serials, ["null", "chardev:console"])


def prepare():
    os.makedirs("bin", exist_ok=True)
    path = pathlib.Path("bin/qemu-system-aarch64")
    path.write_text(FAKE.replace("#!/usr/bin/env python3", f"#!{sys.executable}"))
    path.chmod(0o755)
    pathlib.Path("run.yaml").write_text("system: run\nboard: { name: qemu-virt, cpus: 2, memory: 512 MiB, cpu: cortex-a72 }\n"
                                        "domains:\n  a: { memory: 16 MiB, kernel: flat.bin }\n")


if __name__ == "__main__":
    BULKHEAD, ENVIRONMENT = work.enter()
    prepare()
    work.run_tests()
