# SPDX-License-Identifier: Apache-2.0
"""The console driver of the target tests, against small programs instead of a machine.
[utest->dsn~target-runner~1]
"""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "target"))
from console import Failure, Script, play  # noqa: E402


class Console(unittest.TestCase):
    def run_program(self, program, lanes, forbid=(), timeout=10, must_exit=None):
        with tempfile.TemporaryDirectory() as folder:
            play([sys.executable, "-u", "-c", program], Script(lanes, forbid), Path(folder) / "log", timeout, folder,
                 must_exit)

    def reason(self, *arguments, **keywords):
        with self.assertRaises(Failure) as caught:
            self.run_program(*arguments, **keywords)
        return str(caught.exception)

    def test_lines_in_order_pass(self):
        self.run_program("print('one'); print('two')", [["one", "two"]])

    def test_lines_out_of_order_fail(self):
        self.assertIn("still waiting for /two/", self.reason("print('two'); print('one')", [["one", "two"]]))

    def test_one_line_does_not_serve_two_expectations(self):
        self.assertIn("still waiting for /one/", self.reason("print('one')", [["one", "one"]]))

    def test_lanes_are_independent(self):
        self.run_program("print('b1'); print('a1'); print('b2'); print('a2')", [["a1", "a2"], ["b1", "b2"]])

    def test_a_list_comes_in_any_order(self):
        self.run_program("print('b'); print('a'); print('c')", [[["a", "b"], "c"]])
        self.assertIn("waiting for /b/", self.reason("print('a'); print('a'); print('c')", [[["a", "b"], "c"]]))

    def test_forbidden_line_fails(self):
        self.assertIn("forbidden line /panic/", self.reason("print('panic'); print('end')", [["end"]], ["panic"]))

    def test_forbidden_line_before_the_end_fails_with_must_exit(self):
        self.assertIn("forbidden", self.reason("print('end'); print('panic')", [["end"]], ["panic"], must_exit=0))

    def test_silence_ends_with_the_time(self):
        self.assertIn("the time is over", self.reason("import threading; threading.Event().wait()", [["x"]], timeout=0.5))

    def test_endless_output_ends_with_the_time(self):
        self.assertIn("the time is over", self.reason("while True: print('y')", [["x"]], timeout=0.5))

    def test_answers_a_prompt_without_line_end(self):
        self.run_program("print('got', input('=> '))", [["=> ", ("send", "hello\n"), "got hello"]])

    def test_what_one_lane_takes_before_its_end_is_whole_for_another(self):
        self.run_program("print('got', input('a line '))", [["a line", ("send", "x\n"), "got x"], ["a line got x"]])

    def test_exit_code_is_checked(self):
        self.assertIn("exit code 3, expected 0", self.reason("print('x'); raise SystemExit(3)", [["x"]], must_exit=0))

    def test_colours_and_carriage_returns_are_removed(self):
        self.run_program(r"print('\x1b[31mred\x1b[0m green\r')", [["^red green$"]])


if __name__ == "__main__":
    unittest.main()
