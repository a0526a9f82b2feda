# SPDX-License-Identifier: Apache-2.0
"""Every target test: the system, how it is started, what its console must show.

name      of the test; system: its description; options: of `bulkhead run`
lanes     expectations, see console.Script: several lists advance side by side
forbid    lines that must not appear, instead of run.NEVER
timeout   seconds, generous: it only ends what hangs
machine   a function of machines.py instead of `bulkhead run`
must_exit the machine must end by itself with this code
damage    what machines.damaged does to the image
inject    a fault put in by the debugger: called with (Gdb, hypervisor's ELF file) before the machine runs
after     called with the root folder, the test and its console once it has passed; raises console.Failure
speakers  of machines.same_privileges: what stands before their lines
exact     it judges instructions of the release build: coverage leaves it out
Tags of what a test shows stand above it.
"""
import gdb
import machines
import neighbours
import traces
import translation
from console import Failure
from lines import BRAKE, CTRL_A3, DONE, EXITED, FAILED, FATAL, HALTED, MAX, SYSTEMS, cluster, goes_on
from roles import ROLES


def guest(name, **more):
    """One test guest that prints TEST lines and DONE."""
    return {"name": name, "system": f"{SYSTEMS}/{name}.yaml", "lanes": [[DONE]], "forbid": [FATAL, FAILED], **more}


GUESTS = ["t_debug", "t_fp", "t_fp_max", "t_gic", "t_mem", "t_mem_large", "t_psci", "t_timer", "t_trap", "t_xenver"]
NOT_STARTED = [r"hello +16384 KiB +1 +not started", r"0 of 1 domains started"]
HELLO = [r"\(hello\) hello by console_io", r"\(hello\) hello by PL011"]
PANIC = r"\(infotainment\).*Kernel panic - not syncing"


def hello(name, first, **more):
    """The smallest system, started in some way."""
    return {"name": name, "system": "examples/hello.yaml", "lanes": [[first, *HELLO]], "timeout": 60, **more}


def damaged(name, damage, *lines):
    """The smallest system's image with one defect; the lines must tell it."""
    return {"name": name, "system": "examples/hello.yaml", "machine": "damaged", "damage": damage,
            "lanes": [list(lines)], "forbid": [FATAL, r"hello by"], "timeout": 60}


def one_life(_root, test, text):
    """The kernel ran once."""
    if (lives := text.count("(end) end: how 3")) != 1:
        raise Failure(f"{test['name']}: {lives} lives, not 1")


def linux(name, base, options, timeout=240):
    """A Debian kernel's tests with other options than usual."""
    return guest(name, system=f"{SYSTEMS}/{base}.yaml", options=options, timeout=timeout)


# [itest->dsn~image-layout~1, dsn~boot-info~1, dsn~upcalls~1, dsn~image-header~1, dsn~boot-domain-entry~1]
# [itest->dsn~platform~1, dsn~sched-ops~1]
STARTS = [
    hello("hello", r"Bulkhead on qemu-virt: 4 CPUs, 4096 MiB of RAM"),
    *[hello(f"hello-{n}-cpus", rf"Bulkhead on qemu-virt: {n} CPUs", options=["--cpus", str(n)])
      for n in (1, 2, 3, 5, 6, 7, 8)],
    *[hello(f"hello-{name}", r"Bulkhead on qemu-virt: 4 CPUs", options=["--cpu", cpu])
      for name, cpu in (("a72", "cortex-a72"), ("max", MAX))],
    hello("hello-imx8mp", r"Bulkhead on imx8mp-evk: 4 CPUs", options=["--board", "imx8mp-evk"]),
    hello("hello-uboot", "Hit any key", machine="uboot",
          lanes=[["Hit any key", ("send", "\n"), "=> ", ("send", "booti 0x50000000 - ${fdtcontroladdr}\n"),
                  r"Bulkhead on qemu-virt", *HELLO]]),
    # [itest->dsn~uefi-image~1, dsn~uefi-start~1]
    hello("hello-uefi", r"Bulkhead on qemu-virt", machine="uefi"),
]

GUESTS = ["t_debug", "t_fp", "t_gic", "t_gic_shared", "t_grant", "t_mem", "t_mem_large", "t_psci", "t_trap", "t_xenver",
          "t_guest"]
TEST_GUESTS = [
    # The architecture's contract, tested at EL2, on both kinds of CPU.  [itest->dsn~forced-write-back~1]
    *[guest(name, system="examples/hello.yaml", options=["--hypervisor", "build/arm64/hypervisor/contract.bin", *cpu],
            lanes=[[rf"TEST caches_off_is_{view} ok", DONE]])
      for name, cpu, view in (("contract", [], "uncached"), ("contract-max", ["--cpu", MAX], "write_back"))],
    *[guest(name) for name in GUESTS],
    *[guest(name, lanes=[[rf"\(first\).*{DONE}"], [rf"\(second\).*{DONE}"]]) for name in ["t_evtchn", "t_evtchn_one_cpu"]],
    guest("t_passthrough", lanes=[[rf"\(owner\).*{DONE}"], [rf"\(other\).*{DONE}"]]),
    guest("t_device_restart", lanes=[[r"owner: crashed", r"owner: restarted", DONE]]),
    guest("t_line_storm", options=["--icount=4"], exact=True, lanes=[[r"owner: interrupt storm", DONE]]),
    guest("t_assign", lanes=[[rf"\({name}\).*{DONE}"] for name in ("control", "guard", "holder", "heir")]),
    # Whoever is hostile, what is safe does not notice.
    guest("t_roles", forbid=[FATAL, FAILED, r"CORRUPT", r"platform is reset"], timeout=240, lanes=[
        *[[rf"\({name}\).*{DONE}"] for name in ("control", "hardware", "ordinary")],
        *[goes_on(event, line) for event in (r"t_roles: the budget is spent", rf"\(ordinary\).*{DONE}") for line in (BRAKE, cluster())]]),
    guest("t_granted", lanes=[[rf"\({name}\).*{DONE}"] for name in ("granter", "mapper", "alone")]),
    # The trace is printed by the Control Domain, and converted here.  [itest->dsn~trace-ring~1]
    guest("tracer", options=["--icount=4"], lanes=[[r"\(control\) tracer: CPU 2: [1-9]\d* records", r"tracer: done"]],
          after=traces.check),
    guest("t_dynamic", lanes=[[r"t_dynamic: 300 lives, 300 restarts", DONE]], timeout=240),
    guest("t_suspend", lanes=[[*[r"sleeper: suspended"] * 3, rf"\(sleeper\).*{DONE}"], [rf"\(control\).*{DONE}"]]),
    # Safe domains are asked before the machine is reset.
    guest("t_power", forbid=[FATAL, FAILED], lanes=[
        [r"control: wants the platform reset", r"careful: wants the platform to go on",
         r"control: wants the platform reset", r"bulkhead: the platform is reset"]]),
    guest("t_power_immediate", forbid=[FATAL, FAILED, r"to go on"], lanes=[
        [r"control: wants the platform reset", r"bulkhead: the platform is reset"]]),
    guest("t_sink", lanes=[[r"granter: crashed", r"granter: restarted", rf"\(granter\).*{DONE}"], [rf"\(mapper\).*{DONE}"]]),
    guest("t_labels", lanes=[[rf"\({name}\).*{DONE}"] for name in ("server", "friend", "stranger", "control")]),
    guest("t_static", lanes=[[rf"\({name}\).*{DONE}"] for name in ("asks", "answers")]),
    guest("t_storm", options=["--icount=4"], lanes=[[r"storm: \d+ upcalls in", DONE]]),
    neighbours.row("t_neighbours", 240),
    # Deadlines are in counter ticks; with --icount these do not depend on how busy this workstation is.
    guest("t_timer", options=["--icount=4"]),
    # Time as the domains see it.  [itest->dsn~tool-pools~1]
    *[guest(name, options=["--icount=4"], timeout=240, exact=True, lanes=[[r"4 of 4|2 of 2|1 of 1|3 of 3", EXITED], [DONE]])
      for name in ("t_arinc", "t_arinc_two", "t_null", "t_rtds")],
    guest("t_share", options=["--icount=4"], timeout=240, exact=True, lanes=[[rf"\(hog{n}\).*{DONE}"] for n in range(1, 6)]),
    guest("t_switch", options=["--icount=4"], timeout=240, exact=True,
          lanes=[[rf"\({name}\).*{DONE}"] for name in ("control", "watch")]),
    guest("t_windows", options=["--icount=4"], timeout=240, exact=True, lanes=[[r"window: CPU 0, 20000 windows", DONE]]),
    # [itest->dsn~real-time-reap~1]
    guest("t_arinc_restart", options=["--icount=2"], timeout=240, exact=True,
          lanes=[[rf"crash: restarted in \d+ us, {n} times" for n in (1, 2, 10)], [r"window: CPU 0, 500 windows", DONE]]),
    guest("t_fp_max", options=["--cpu", MAX]),
    *[guest(f"{name}-max", system=f"{SYSTEMS}/{name}.yaml", options=["--cpu", MAX])
      for name in ("t_debug", "t_gic", "t_mem", "t_trap")],
]

LINUX = [
    *[guest(name, timeout=240) for name in ("linux-6.1-up", "linux-6.1-smp", "linux-6.12-up", "linux-6.12-smp",
                                                "linux-6.1-rt-smp")],
    # More vCPUs than CPUs.  [itest->dsn~round-robin~1, dsn~run-loop~1]
    linux("linux-6.12-smp-on-1-cpu", "linux-6.12-smp", ["--cpus", "1"]),
    linux("linux-6.1-smp-on-2-cpus", "linux-6.1-smp", ["--cpus", "2"]),
    linux("linux-6.12-smp-on-8-cpus", "linux-6.12-smp", ["--cpus", "8"]),
    linux("linux-6.12-smp-a72", "linux-6.12-smp", ["--cpu", "cortex-a72"]),
    linux("linux-6.12-smp-max", "linux-6.12-smp", ["--cpu", MAX]),
    # QEMU 10.0.2 does not connect this machine's virtual interrupt lines (later releases do), so a guest gets as far as it
    # can without an interrupt; nor does the board have a clock that knows the date.
    {**linux("linux-6.1-up-imx8mp", "linux-6.1-up", ["--board", "imx8mp-evk"]), "forbid": [FATAL],
     "lanes": [[r"LINUX UP linux-6.1-up cpus=1 hypervisor=xen", r"TEST linux_hypervisor ok", r"TEST linux_cpus ok"]]},
    # Static memory, direct-mapped and not.
    {**guest("direct-map", timeout=240), "lanes": [[r"\(direct\) " + DONE], [r"\(fixed\) hello by PL011"]]},
]



def hostile(name, **more):
    """Two domains that do everything wrong beside safe ones that do not notice; nothing is printed for it.  Afterwards the
    safe ones still meet their releases and find their memory as it was."""
    done = r"\(hostile2\) " + DONE
    return guest(name, forbid=[FATAL, FAILED, r"CORRUPT", r"hostile: sweep:"], timeout=240, lanes=[
        [r"\(hostile1\) " + DONE], goes_on(done, BRAKE), goes_on(done, cluster())], **more)


SYSTEM_TESTS = [
    {
        "name": "tasks",
        "system": f"{SYSTEMS}/tasks.yaml",
        "lanes": [[r"2 of 2 domains started", EXITED], [rf"\(brake\) brake: seq {n} jitter" for n in (1, 2, 3)],
                  [rf"\(cluster\) cluster: seq {n} speed .* ok" for n in (1, 2, 3)]],
        "forbid": [FATAL, r"CORRUPT", r"seq 4"],
        "timeout": 60,
    },
    {
        # The demo: one kernel is killed from the safe shell, the other one panics; both come back, and the safe tasks go on.
        "name": "cockpit",
        "system": "examples/cockpit.yaml",
        "lanes": [
            [r"5 of 5 domains started", EXITED, [rf"\({name}\) {name}: shell on this console" for name in ("hardware", "infotainment")],
             ("send", CTRL_A3), r"Serial input to control",
             ("send", "restart hardware\r"), r"hardware: restarted in \d+ us, 1 times by now",
             r"\(hardware\) hardware: shell on this console",
             ("send", "console infotainment\r"), r"Serial input to infotainment", ("send", "\n"), "# ",
             ("send", "panic\n"), PANIC, r"\(bulkhead\) infotainment: wants to reboot \(shutdown code 1\)",
             r"infotainment: restarted in \d+ us, 1 times by now", r"\(infotainment\) infotainment: shell on this console"],
            [BRAKE + " 1 ", r"hardware: restarted", *[BRAKE] * 2, PANIC, *[BRAKE] * 2],
            [r"\(cluster\) cluster: seq 1 ", r"hardware: restarted", *[cluster()] * 2, PANIC, *[cluster()] * 2],
        ],
        "forbid": [FATAL, r"CORRUPT", r"\(hardware\).*(panic - not|rcu.*stall|BUG:)"],
        "timeout": 240,
    },
    {
        # [itest->dsn~uart~1]
        # Input follows Ctrl-A three times; what is typed reaches only the domain in focus, whose last lines are shown again.
        # [itest->dsn~console-scroll-back~1, dsn~console-stamps~1]
        "name": "console-switch",
        "system": f"{SYSTEMS}/shells.yaml",
        "lanes": [
            [[r"\(one\) one: shell on this console", r"\(two\) two: shell on this console"],
             ("send", CTRL_A3), r"Serial input to one", ("send", "\n"), "# ",
             ("send", "echo typed-$((6*7))-on-$domain\n"), "typed-42-on-one", ("send", CTRL_A3),
             r"Serial input to two", r"\(two\) two: shell on this console",
             ("send", "\necho typed-$((6*7))-on-$domain\n"), "typed-42-on-two",
             ("send", CTRL_A3), r"Serial input to the hypervisor", ("send", "d"), r"4 CPUs, 4096 MiB of RAM",
             r"1 one +running", r"vCPU 0@CPU", r"2 two +running",
             ("send", "td"), r"^\[ +\d+\.\d{6}\] \(bulkhead\) 4 CPUs"],
        ],
        "timeout": 180,
    },
    {
        # The Hardware Domain's clock: found, read, and its alarm an interrupt.  The GPIO controller is found.
        # [itest->dsn~tool-hardware-devices~1]
        "name": "linux-hardware",
        "system": f"{SYSTEMS}/linux-hardware.yaml",
        "lanes": [
            [r"\(hardware\) hardware: shell on this console", ("send", CTRL_A3), r"Serial input to hardware",
             ("send", "\n"), "# ",
             ("send", "cd /sys/class/rtc/rtc0; cat name date\n"), r"rtc-pl031 9010000", r"20[2-9]\d-\d\d-\d\d", "# ",
             ("send", "cat /sys/class/gpio/*/label\n"), r"9030000\.pl061", "# ",
             ("send", "echo +1 > wakealarm; cd /proc; n='[1-9].*rtc-pl031'\n"), "# ",
             ("send", 'until grep -q "$n" interrupts; do :; done; echo a-$((6*7))\n'),
             r"a-42"],
        ],
        "timeout": 180,
    },
    {
        # Every way in which a domain can end itself; the safe one beside them goes on.
        "name": "ends",
        "system": f"{SYSTEMS}/ends.yaml",
        "lanes": [
            *[[rf"\({name}\) end: how", rf"\(bulkhead\) {name}: {how} \(shutdown code {code}\)"]
              for name, how, code in (("poweroff", "powered off", 0), ("reboot", "wants to reboot", 1),
                                      ("suspend", "suspended", 2), ("crash", "crashed", 3), ("watchdog", "watchdog expired", 4),
                                      ("off", "powered off", 0), ("reset", "wants to reboot", 1))],
            [r"\(exception\) synchronous exception: vector 4 ESR 0000000002000000", r"exception: crashed"],
            [r"\(cpu-off\) end: how 12"],
            goes_on(r"\(no-vector\) end: how 14", cluster(), 4),
        ],
        "forbid": [FATAL, r"end: still here", r"CORRUPT"],
        "timeout": 120,
    },
    # What ended the life before is told, and memory that is kept counts: always, not over a crash, never.
    # [itest->dsn~life-cause~1] [itest->dsn~guest-life~1]
    guest("t_start", timeout=120, lanes=[
        [line for n, count in enumerate(counts)
         for line in (rf"\({name}\) DONE 3 passed, 0 failed", rf"\({name}\) t_start: life {n} counts {count}$")]
        for name, counts in (("warm", (1, 2, 3, 4)), ("mixed", (1, 2, 1, 2)), ("cold", (1, 1, 1, 1)))]),
    # Start conditions of partitions, warm and cold, and who runs in time that is lent.  [itest->dsn~guest-life~1]
    guest("partitions", system="examples/partitions.yaml", timeout=120, lanes=[
        *[[rf"\({name}\) partition: {line} steps so far$" for line in ("NORMAL_START, cold, 0", "PARTITION_RESTART, warm, 64", last)]
          for name, last in (("nav", "HM_PARTITION_RESTART, warm, 128"), ("display", "HM_PARTITION_RESTART, cold, 0"))],
        [r"\(logger\) cluster: seq 1 "]]),
    {
        # t_restart's guest where each start is verified first; a Linux that panics, too.  [itest->dsn~boot-verify~1]
        "name": "t_verify",
        "system": f"{SYSTEMS}/t_verify.yaml",
        "lanes": [
            [*[line for n in range(6)
               for line in (rf"\(victim\) t_restart: life {n}$", r"\(victim\) DONE 4 passed, 0 failed",
                            rf"victim: restarted in \d+ us, {n + 1} times by now")], r"victim: restarted too often"],
            [*[r"\(linux\).*Booting Linux", r"\(linux\).*Kernel panic - not syncing",
               r"linux: wants to reboot"] * 2, r"linux: restarted too often"],
        ],
        "forbid": [FATAL, FAILED, r"verify:", r"x1-x3 nonzero", r"\(linux\).*MMU enabled"],
        "timeout": 240,
    },
    {
        # A bit of the sealed kernel changes: no life of it begins again, and the limit of restarts ends it.
        # [itest->dsn~boot-verify~1]
        "name": "t_verify_flip",
        "system": f"{SYSTEMS}/t_verify_flip.yaml",
        "inject": gdb.flip_sealed_image,
        "lanes": [[r"\(end\) end: how 3", r"end: crashed \(",
                   *[line for n in (1, 2)
                     for line in (rf"end: restarted in \d+ us, {n} times by now",
                                  r"\(end\) verify: kernel is not as it was launched; this life ends", r"end: crashed \(")],
                   r"end: restarted too often", ("send", "d"), r"1 end +crashed .* 2 restarts"]],
        "after": one_life,
        "timeout": 120,
    },
    *[{
        # A domain that ends itself in six ways comes back as it was launched six times, then the limit holds.
        # [itest->dsn~boot-launch-record~1] [itest->dsn~tool-health~1] [itest->dsn~forced-write-back~1]
        "name": name,
        "system": f"{SYSTEMS}/t_restart.yaml",
        "options": options,
        "lanes": [
            [*[line for n, end in enumerate(("crashed", "wants to reboot", "wants to reboot", "fault at its fault handler",
                                             "watchdog expired", "access to what is not there"))
               for line in (rf"\(victim\) t_restart: life {n}$", r"\(victim\) DONE 4 passed, 0 failed",
                            rf"victim: {end} \(", rf"victim: restarted in \d+ us, {n + 1} times by now")],
             r"\(victim\) t_restart: life 6$", r"\(victim\) DONE 4 passed, 0 failed", r"victim: crashed \(",
             r"victim: restarted too often", ("send", "d"), r"2 victim +crashed .* 6 restarts"],
            [cluster()] * 3,
        ],
        "forbid": [FATAL, FAILED, r"CORRUPT"],
        "timeout": 120,
    } for name, options in (("t_restart", []), ("t_restart-max", ["--cpu", MAX]))],
    hostile("hostile"),
]

BETWEEN = [
    {
        # A freestanding task and a program under a Debian kernel exchange messages.
        # [itest->dsn~evtchn-static~1, dsn~evtchn-fifo~1, dsn~share-memory~1, dsn~boot-shared-memory~1, dsn~linux-guests~1]
        "name": "channels",
        "system": "examples/channels.yaml",
        "lanes": [
            [r"\(linux\) LINUX UP linux cpus=2 hypervisor=xen", r"\(linux\) mailbox$", r"answer: HELLO FROM LINUX",
             r"answer: TWO EVENTS A MESSAGE", r"answer: THREE IS ENOUGH", r"mailman: done"],
            [r"\(post\) post: mailbox at 0x20000000, port 1", r"post: message 1: hello from linux",
             r"post: message 3: three is enough"],
        ],
        "forbid": [FATAL, r"damaged", r"does not open"],
        "timeout": 240,
    },
]

PV_DEVICES = [
    # [itest->dsn~tool-devices~1, dsn~boot-devices~1]
    guest("xenstore", lanes=[[r"\(store\) store: 4 clients"], [r"client3: restarted", rf"\(client3\) {DONE}"],
                             *[[rf"\({name}\) {DONE}"] for name in ("client1", "client2", "hostile")]]),
    guest("pv-server-restart", lanes=[
        [r"\(client\) a line by the ring", r"store: restarted", r"consoles: restarted", r"\(client\) a line by the restarted",
         rf"\(client\) {DONE}"], [rf"\(control\) {DONE}"]]),
    {
        # A console is a ring: what a domain prints has its name, what is typed reaches only the one in focus.
        # [itest->dsn~store-console~1, dsn~console-served~1]
        "name": "pv-console",
        "system": f"{SYSTEMS}/pv-console.yaml",
        "lanes": [
            [[r"\(one\) one: shell on this console", r"\(two\) two: shell on this console"],
             ("send", CTRL_A3), ("send", CTRL_A3), ("send", CTRL_A3), r"Serial input to one", ("send", "\n"), "# ",
             ("send", "echo typed-$((6*7))-on-$domain\n"), "typed-42-on-one", ("send", CTRL_A3),
             r"Serial input to two", ("send", "\necho typed-$((6*7))-on-$domain\n"), "typed-42-on-two",
             ("send", "cat /proc/consoles\n"), r"hvc0 .*E"],
        ],
        "timeout": 180,
    },
    # Stock Debian drivers on both sides.
    *[guest(name, lanes=[[rf"\(front\) {DONE}"]], timeout=240) for name in ("pv-disk", "pv-net", "pv-mixed")],
    guest("pv-6.12", lanes=[[rf"\(front\) {DONE}"], [r"\(back\) .* pages of others have addresses of their own"]], timeout=240),
    # Its second life has disk and network again.  [itest->dsn~store-restarted-client~1]
    {
        # [itest->dsn~guest-u-boot~1]
        "name": "u-boot-xenguest",
        "system": f"{SYSTEMS}/u-boot-xenguest.yaml",
        "options": ["--icount=4"],
        "lanes": [[r"\(u-boot\) PVBLOCK: Failed to read device/vbd directory: ENOENT", r"\(u-boot\) Err: +hypervisor",
                   *[("send", CTRL_A3)] * 3, r"Serial input to u-boot", ("send", "\n"), r"xenguest# ",
                   ("send", "printenv bootdelay\n"), r"bootdelay=10", r"xenguest# ",
                   ("send", "reset\n"), r"u-boot: wants to reboot \(shutdown code 1\)"]],
        "timeout": 60,
    },
    # The back end ends and is started again: its drivers go on with the front end's rings, whose requests wait meanwhile.
    *[guest(name, lanes=[[r"back: restarted", rf"\(front\) {DONE}"]], timeout=240)
      for name in ("pv-back-restart", "pv-back-restart-6.12")],
    # A third domain has the disk: every write is on it, although the back end in the middle ends and is started again.
    *[guest(name, lanes=[[r"back: restarted", r"\(front\) TEST linux_writes ok", rf"\(front\) {DONE}"]], timeout=240)
      for name in ("pv-back-writes", "pv-back-writes-6.12")],
    # What is connected goes on; [itest->dsn~store-restarted-server~1]
    guest("pv-store-restart", lanes=[
        [r"\(control\) control: shell on this console", r"\(front\) front: the store may be restarted", ("send", CTRL_A3),
         r"Serial input to control", ("send", "\n"), "# ", ("send", "bhctl restart store\n"),
         r"store: restarted in", r"\(store\) store: 2 clients", *[("send", CTRL_A3)] * 2, r"Serial input to front", ("send", "\n"), rf"\(front\) {DONE}"]], timeout=100),
    guest("pv-restart", lanes=[[rf"\(front\) {DONE}", r"front: restarted", rf"\(front\) {DONE}"]], timeout=240),
]

# A device tree written for Xen, taken as it is; the same on Debian's Xen.
FOR_XEN = ["--kernel", "build/arm64/guests/hello/hello.bin", "--bootargs", "from-the-tree",
           "--kernel", "build/deps/linux-6.1/vmlinuz", "--memory", "256", "--ramdisk",
           "build/deps/initramfs/test.cpio.gz", "--bootargs", "console=ttyAMA0 quiet"]
DOM0LESS = [
    # [itest->dsn~tool-dom0less~1]
    {
        "name": "dom0less", "system": "none", "machine": "dom0less", "options": FOR_XEN,
        "lanes": [[r"\(domU1\) hello by PL011: bootargs \"from-the-tree\""], [r"\(domU2\) LINUX UP"],
                  [r"2 of 2 domains started"]],
        "timeout": 240,
    },
    {
        # The same with a static event channel: the tree with which `make bench` measures Xen.
        # [itest->dsn~boot-channels~1, dsn~evtchn-static~1]
        "name": "dom0less-channel",
        "system": "none",
        "machine": "dom0less",
        "options": [word for role in (1, 2) for word in (
            "--kernel", "build/arm64/guests/bench/bench.bin", "--bootargs", f"role={role} port=5 n=100", "--channel", "5")],
        "lanes": [[r"\(domU1\) BENCH evtchn_cross_domain \d+ \d+ \d+", r"\(domU1\) BENCH done"]],
        "timeout": 120,
    },
    {
        "name": "dom0less-on-xen", "system": "none", "machine": "on_xen", "options": FOR_XEN,
        "lanes": [[r"DOM1: hello by PL011: bootargs \"from-the-tree\""], [r"DOM2: LINUX UP"]],
        "timeout": 240,
    },
]

ARGO = [
    {
        "name": "argo", "system": "examples/argo.yaml", "timeout": 120,
        "lanes": [[r"\(left\) ask: 2000 of 2000 messages were answered right"],
                  [r"\(right\) ask: 2000 of 2000 messages were answered right"]],
    },
]

# [itest->dsn~board-table~1, dsn~boot-exit~1, dsn~start~1]
BAD_STARTS = [
    {**hello("not-at-el2", ""), "machine": "without_el2", "forbid": [r"hello by"],
     "lanes": [[r"bulkhead: not started at EL2; use a boot loader or machine that enters at EL2"]]},
    {**hello("memory-disagrees", ""), "options": ["--", "-m", "2G"], "forbid": [r"hello by"],
     "lanes": [[r"\(boot\) boot: .*memory", HALTED]]},
    damaged("board-version", machines.board_of_another_version,
            r"bulkhead: board table of another version; rebuild the image with the host tool of this hypervisor"),
    damaged("runtime-too-small", machines.too_little_runtime,
            r"bulkhead: image built with too little runtime memory for this board; rebuild it with the host tool"),
    damaged("archive-cut", machines.archive_cut,
            r"launch archive: member \d+, at byte \d+: the data runs past the end of the archive", HALTED),
    damaged("archive-no-magic", machines.archive_without_magic,
            r"launch archive: member 0, at byte 0: no newc header", HALTED),
    damaged("archive-member-too-long", machines.archive_member_too_long,
            r"member 0, at byte 0: the data runs past the end of the archive", HALTED),
    damaged("archive-name-endless", machines.archive_name_endless,
            r"member 0, at byte 0: the length of the name is not 1 to 127 characters", HALTED),
    damaged("launch-tree-lies", machines.tree_lies_about_its_size,
            r"launch.dtb: not a whole device tree \(FDT_ERR_TRUNCATED\); build it again with dtc", HALTED),
    damaged("kernel-other-machine", machines.kernel_of_another_machine,
            r"domain 'hello': the kernel is an ELF file, but not for little-endian AArch64", *NOT_STARTED),
    damaged("kernel-too-large", machines.kernel_larger_than_it_is,
            r"domain 'hello': the kernel's ELF segment 0x40080000 to 0x10040080000 is outside the domain's memory",
            *NOT_STARTED),
]

# Faults of the hypervisor itself, put in by the debugger.
EL2_SERROR, LOWER_SYNC, LOWER_IRQ = 0x380, 0x400, 0x480
FAULTS = [
    {
        # [itest->dsn~panic~1]
        "name": "fault-dump",
        "system": "examples/hello.yaml",
        "inject": gdb.jump_away,
        "lanes": [[r"bulkhead: FATAL: synchronous exception at EL2", r"CPU \d, domain '.*' \(32766\) vCPU 0 at pc",
                   r"ESR 8600000. .*FAR 00000000dead0000  ELR 00000000dead0000", r"x0 ", r"x28 ", r"backtrace:",
                   r"hypercall\S*\+0x", r"bulkhead: the machine is stopped"]],
        "forbid": [r"hello by PL011"],
        "timeout": 60,
    },
    {
        # [itest->dsn~panic~1]
        "name": "broken-invariant",
        "system": "examples/hello.yaml",
        "inject": gdb.break_invariant,
        "lanes": [[r"bulkhead: FATAL: assertion '.+' failed at \w+\.c:\d+", r"CPU \d, domain '.*' \(32766\) vCPU 0 at pc",
                   r"ESR f2000001 ", r"x28 ", r"backtrace:", r"bulkhead: the machine is stopped"]],
        "forbid": [r"hello by PL011"],
        "timeout": 60,
    },
    {
        # Not a fault: exits from a guest on a Cortex-A57 pass the loop.  [itest->dsn~branch-history~1, dsn~el2-entry~1]
        "name": "branch-history",
        "system": "examples/hello.yaml",
        "inject": lambda debugger, elf: debugger.run_to(gdb.symbol(elf, "vectors_loop") + LOWER_SYNC),
        "lanes": [[EXITED], HELLO],
        "timeout": 60,
    },
    {
        # Not a fault: the debugger only reads.
        "name": "el2-translation",
        "system": "examples/hello.yaml",
        "inject": translation.check,
        "lanes": [[EXITED], HELLO],
        "timeout": 60,
    },
    {
        "name": "serror-at-el2",
        "system": "examples/hello.yaml",
        "inject": lambda debugger, elf: gdb.take_vector(debugger, elf, EL2_SERROR),
        "lanes": [[r"bulkhead: FATAL: SError at EL2", r"bulkhead: the machine is stopped"]],
        "forbid": [r"hello by PL011"],
        "timeout": 60,
    },
    {
        # [itest->dsn~gic~1]
        "name": "spurious-interrupt",
        "system": "examples/hello.yaml",
        "inject": lambda debugger, elf: gdb.swap_vector(debugger, elf, LOWER_IRQ),
        "lanes": [[EXITED], HELLO],
        "timeout": 60,
    },
    {
        # [itest->dsn~watchdog~1]
        "name": "watchdog-ends-a-hang",
        "system": "examples/hello.yaml",
        "options": ["--board", "imx8mp-evk"],
        "inject": gdb.hang,
        # The machine is started so that a reset ends it; nothing else would.
        "lanes": [[r"Bulkhead on imx8mp-evk"]],
        "must_exit": 0,
        "forbid": [r"hello by", FATAL],
        "timeout": 120,
    },
]

# By name only, minutes long: `tests/target/run.py hostile-long` (make abuse).
LONG = [hostile("hostile-long"), neighbours.row("t_neighbours-long", 7200), guest("t_dynamic-long", timeout=3600),
        guest("t_windows-long", options=["--icount=4"], timeout=3600, exact=True, lanes=[[r"window: CPU 0, 1000000 windows", DONE]])]

TESTS = [*DOM0LESS, *ARGO, *PV_DEVICES, *STARTS, *TEST_GUESTS, *LINUX, *SYSTEM_TESTS, *ROLES, *BETWEEN, *BAD_STARTS, *FAULTS]
