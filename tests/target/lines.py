# SPDX-License-Identifier: Apache-2.0
"""What many target tests look for, and type."""
SYSTEMS = "tests/target/systems"
MAX = "max,pauth-impdef=on"  # a CPU that forces write-back for guests (FEAT_S2FWB); cortex-a57, the usual one, does not
DONE = r"DONE [1-9]\d* passed, 0 failed"
FATAL = r"bulkhead: FATAL"
FAILED = r"TEST \S+ FAIL|DONE \d+ passed, [1-9]"
EXITED = r"boot services ended, status 0"
HALTED = r"the launch failed \(status 1\) and the system description says halt"
CTRL_A3 = "\x01\x01\x01"
BRAKE = r"\(brake\) brake: seq"


def cluster(name="cluster"):
    """The task of that kind in a domain of this name has done its work once more."""
    return rf"\({name}\) cluster: seq .* ok"


def goes_on(event, line, times=3):
    """A lane: after the event, a task goes on."""
    return [event, *[line] * times]
