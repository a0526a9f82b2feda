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

DONE = r"DONE [1-9]\d* passed, 0 failed"
FATAL = r"bulkhead: FATAL"
FAILED = r"TEST \S+ FAIL|DONE \d+ passed, [1-9]"


def guest(name, **more):
    """One test guest that prints TEST lines and DONE."""
    return {"name": name, "system": f"{SYSTEMS}/{name}.yaml", "lanes": [[DONE]], "forbid": [FATAL, FAILED], **more}


GUESTS = ["t_debug", "t_fp", "t_fp_max", "t_gic", "t_mem", "t_mem_large", "t_psci", "t_timer", "t_trap", "t_xenver"]
LINUX = ["linux-6.1-up", "linux-6.1-smp", "linux-6.12-up", "linux-6.12-smp"]

TESTS = [
    {
        "name": "hello",
        "system": "examples/hello.yaml",
        "lanes": [[r"Bulkhead on qemu-virt: 4 CPUs", r"hello"]],
        "timeout": 60,
    },
    *[guest(name) for name in GUESTS],
    *[guest(name, timeout=240) for name in LINUX],
]
