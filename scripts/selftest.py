#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Test the scripts themselves: tests/scripts/*_test.py."""
import sys
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests" / "scripts"
suite = unittest.defaultTestLoader.discover(str(TESTS), pattern="*_test.py")
result = unittest.TextTestRunner(verbosity=1).run(suite)
failed = len(result.failures) + len(result.errors)
sys.stderr.flush()
print(f"DONE {result.testsRun - failed} passed, {failed} failed")
sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
