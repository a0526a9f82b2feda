# SPDX-License-Identifier: Apache-2.0
"""The commands that start a machine for a target test: each takes (root, out, test) and returns an argument list."""

TOOL = "build/bulkhead"


def bulkhead_run(root, out, test):
    """The system description in QEMU, as a user starts it."""
    return [TOOL, "run", test["system"], *test.get("options", [])]
