# SPDX-License-Identifier: Apache-2.0
"""Every target test: the system, how it is started, what its console must show.

name      of the test; system: its description; options: of `bulkhead run`
lanes     expectations, see console.Script: several lists advance side by side
forbid    lines that must not appear, instead of run.NEVER
timeout   seconds, generous: it only ends what hangs
machine   a function of machines.py instead of `bulkhead run`
must_exit the machine must end by itself with this code
covers    requirement tags of the test, for `make trace`
"""
SYSTEMS = "tests/target/systems"

TESTS = [
    {
        "name": "hello",
        "system": f"{SYSTEMS}/hello.yaml",
        "lanes": [["hello"]],
        "timeout": 60,
    },
]
