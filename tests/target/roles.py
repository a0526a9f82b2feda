# SPDX-License-Identifier: Apache-2.0
"""Target tests of who may do what: rights, the Control Domain's shell, the launch models. Rows as in table.py."""
import machines
import traces
from lines import BRAKE, CTRL_A3, DONE, EXITED, FAILED, FATAL, SYSTEMS, cluster, goes_on

# The launch models: who holds what is as described, and works.  [itest->dsn~launch-models~1]
ROLES = [
    {
        # Control and hardware are two domains: the one restarts the other, which has the devices and no right.
        "name": "launch-split",
        "system": "examples/launch-split.yaml",
        "lanes": [
            [EXITED, r"\(hardware\) hardware: shell on this console", ("send", CTRL_A3), r"Serial input to control",
             ("send", "restart hardware\r"), r"hardware: restarted in \d+ us, 1 times", r"\(hardware\) hardware: shell on this console",
             ("send", "console hardware\r"), r"Serial input to hardware", ("send", "\n"), "# ",
             ("send", "cat /sys/class/rtc/rtc0/name\n"), r"rtc-pl031 9010000"],
            goes_on(r"hardware: restarted", BRAKE),
            goes_on(r"hardware: restarted", cluster("guest")),
        ],
        "forbid": [FATAL, r"CORRUPT"],
        "timeout": 120,
        "after": machines.same_privileges,
        "speakers": [r"\(boot\) boot: "],
    },
    {
        # No domain holds everything; what one serves works, and the watch restarts a domain whose memory it cannot see.
        "name": "launch-disaggregated",
        "system": "examples/launch-disaggregated.yaml",
        "lanes": [
            [EXITED, rf"\(app\) {DONE}", ("send", CTRL_A3), r"Serial input to watch",
             ("send", "privileges app\r"), r"rights over app: watch: destroy pause restart info",
             r"rights over app: model: map-foreign device-model", r"rights over app: consoles: console",
             ("send", "pause watch\r"), r"there is no domain 'watch' that may be seen",
             ("send", "destroy storage\r"), r"destroy of storage is refused: .* 'destroy' over it \[right-over-domain\]",
             ("send", "dmesg\r"), r"dmesg is refused: .* 'console' that it needs \[right-over-platform\]",
             ("send", "restart app\r"), r"app: restarted", rf"\(app\) {DONE}"],
        ],
        "forbid": [FATAL, r"CORRUPT", FAILED, r"Kernel panic"],
        "timeout": 180,
        "after": machines.same_privileges,
        "speakers": [r"\(boot\) boot: "],
    },
    {
        # One domain holds the devices and every right; bhctl in it, by privcmd, is told what the description says.
        # [itest->dsn~bhctl-linux~1]
        "name": "launch-dom0",
        "system": "examples/launch-dom0.yaml",
        "lanes": [
            [EXITED, [r"\(dom0\) dom0: shell on this console", r"\(guest\) guest: shell on this console"],
             ("send", CTRL_A3), r"Serial input to dom0", ("send", "\n"),
             ("send", "cat /sys/class/rtc/rtc0/name\n"), r"rtc-pl031 9010000",
             ("send", "cat /sys/class/gpio/*/label\n"), r"9030000\.pl061",
             ("send", "bhctl list\n"), r"Name +ID +Mem", r"dom0 +1 +256 .* control +safe", r"task +\d+ +16 +1 .* domu +safe",
             ("send", "bhctl mem guest\n"), r"guest +3 +131072 +131072 +\d+$",
             ("send", "bhctl pause guest\n"), "dom0# $", ("send", "bhctl list guest\n"), r"guest +\d+ +128 +1 +--p--- ",
             ("send", "bhctl unpause guest\n"), "dom0# $", ("send", "bhctl pause task; echo code-$?\n"),
             r"pause of task is refused: it is a safe domain, .* the right 'pause' \[safe-domain-protected\]", "code-3",
             ("send", "bhctl mem nobody; echo code-$?\n"), r"there is no domain 'nobody'", "code-4",
             ("send", "bhctl restart guest\n"), r"guest: restarted in \d+ us, 1 times", r"\(guest\) guest: shell on this console",
             ("send", "bhctl health guest --json\n"), r'"name": "guest", "restarts": 1, ',
             ("send", "bhctl dmesg 0 | grep us,.1\n"), r"\(dom0\).*\(bulkhead\) guest: restarted in",
             ("send", "bhctl vcpu-list\n"), r"task +2 +0 +3 ", ("send", "bhctl sched\n"), r"guest +0 +0 +no",
             ("send", "bhctl privileges\n"), r"rights over the platform: .*info$", ("send", "\n"), "dom0# $"],
            goes_on(r"guest: restarted", cluster("task")),
        ],
        "forbid": [FATAL, r"CORRUPT"],
        "timeout": 120,
        "after": machines.same_privileges,
        "speakers": [r"\(boot\) boot: ", r"\(dom0\) (?:dom0# )?"],
    },
    {
        # A stock kernel reboots and powers off when it is asked; what it leaves in memory is dumped.
        # [itest->dsn~bhctl-request~1, dsn~bhctl-dump~1, dsn~boot-store-shutdown~1, dsn~bhctl-trace~1]
        "name": "requests",
        "system": f"{SYSTEMS}/requests.yaml",
        "lanes": [
            [EXITED, [r"\(dom0\) dom0: shell on this console", r"\(guest\) guest: shell on this console"],
             ("send", CTRL_A3), r"Serial input to dom0", ("send", "\n"), "dom0# $",
             ("send", "bhctl reboot guest\n"), r"guest: wants to reboot \(shutdown code 1\)", r"guest: restarted in",
             r"\(guest\) guest: shell on this console", ("send", "\n"), "dom0# $",
             ("send", "bhctl shutdown guest; echo code-$?\n"), [r"guest: powered off \(shutdown code 0\)", "code-0"], "dom0# $",
             ("send", "bhctl dump guest /tmp/core && grep -c 'Linux version 6.1' /tmp/core\n"), r"\(dom0\) [1-9]\d*$", "dom0# $",
             ("send", "bhctl dump plain /tmp/plain && head -c 4 /tmp/plain; bhctl list plain\n"), "ELF",
             r"plain +\d+ +16 +1 +[rb-]+ ", "dom0# $",
             ("send", "bhctl trace 20 >/tmp/trace; echo code-$?\n"), "code-0", "dom0# $", ("send", "cat /tmp/trace\n"),
             r"TRACE 42525431", "dom0# $",
             ("send", "bhctl shutdown task; echo code-$?\n"),
             r"shutdown of task is refused: it is a safe domain, .* 'destroy' \[safe-domain-protected\]", "code-3", "dom0# $",
             ("send", "bhctl dump task /tmp/task; echo code-$?; ls /tmp\n"),
             r"dump of task is refused: it is a safe domain, .* 'map-foreign' \[safe-domain-protected\]", "code-3", r"core +plain +trace$",
             "dom0# $", ("send", "bhctl shutdown plain; echo code-$?\n"),
             r"shutdown failed: it is not connected .* \[no-request-to-domains\]", "code-1", *[cluster("plain")] * 2],
            goes_on(r"guest: restarted", cluster("task")),
        ],
        "forbid": [FATAL, r"CORRUPT", r"Kernel panic"],
        "timeout": 180,
        "after": traces.shows(1, "hypercall bulkhead_op"),  # its own last call
    },
    {
        # The same from the shell without an operating system, which has no files.  [itest->dsn~bhctl-shell-store~1]
        "name": "shell-requests",
        "system": f"{SYSTEMS}/shell-requests.yaml",
        "lanes": [
            [EXITED, r"\(guest\) guest: shell on this console", ("send", CTRL_A3), r"Serial input to control",
             ("send", "reboot guest\r"), r"guest: wants to reboot \(shutdown code 1\)", r"\(guest\) guest: shell on this console",
             ("send", "\r"), r"bhctl> $", ("send", "shutdown guest\r"), r"guest: powered off \(shutdown code 0\)",
             ("send", "\r"), r"bhctl> $", ("send", "shutdown guest\r"), r"shutdown failed: not in the state", "exit code 1",
             ("send", "shutdown store\r"), r"shutdown of store is refused: .* \[safe-domain-protected\]", "exit code 3",
             ("send", "dump guest f\r"), r"dump failed: there are no files here.* \[no-files\]", "exit code 1"],
        ],
        "forbid": [FATAL, r"Kernel panic"],
        "timeout": 120,
    },
    {
        # Debian's own libxenctrl lists, inspects, pauses and unpauses, and is refused what is protected.
        # [itest->dsn~stock-libxenctrl~1]
        "name": "libxenctrl",
        "system": f"{SYSTEMS}/libxenctrl.yaml",
        "lanes": [[rf"\(control\) {DONE}"], *[goes_on(rf"\(control\) {DONE}", cluster(name)) for name in ("task", "guest")]],
        "forbid": [FATAL, FAILED, r"CORRUPT", r"xenctrl: does not open"],
        "timeout": 120,
    },
    {
        # Nobody holds a right, and who fails comes back all the same.
        "name": "launch-static",
        "system": "examples/launch-static.yaml",
        "lanes": [
            [EXITED, r"\(linux\) LINUX UP", r"linux: restarted in \d+ us, 1 times", r"\(linux\) LINUX UP"],
            goes_on(r"linux: restarted", BRAKE), goes_on(r"linux: restarted", cluster()),
        ],
        "forbid": [FATAL, r"CORRUPT"],
        "timeout": 120,
        "after": machines.same_privileges,
        "speakers": [r"\(boot\) boot: "],
    },
    {
        # What the description says and what the Boot Domain read from the hypervisor at its end are the same.
        # [itest->dsn~tool-privileges~1, dsn~boot-grants~1]
        "name": "privileges",
        "system": f"{SYSTEMS}/privileges.yaml",
        "lanes": [[r"\(boot\) boot: rights over brake: control: pause info", r"\(boot\) boot: rights over the platform: brake: platform",
                   EXITED]],
        "timeout": 60,
        "after": machines.same_privileges,
        "speakers": [r"\(boot\) boot: "],
    },
    {
        # A shell in a safe Control Domain: it lists, pauses what it may, and is told the rule where it may not.
        # [itest->dsn~bhctl-shell~1, dsn~example-control~1, dsn~bhctl-errors~1, dsn~bhctl-health~2]
        "name": "control",
        "system": "examples/control.yaml",
        "lanes": [
            [EXITED, r"\(infotainment\) LINUX UP", r"\(infotainment\) infotainment: heartbeat", ("send", CTRL_A3), r"Serial input to control",
             ("send", "list\r"), r"Name +ID +Mem", r"control +1 +16 .* control +safe", r"brake +\d+ +16 +1 .* domu +safe",
             r"infotainment +\d+ +256 .* domu +-",
             ("send", "restart infotainment\r"), r"infotainment: restarted in \d+ us, 1 times", r"\(infotainment\) LINUX UP",
             r"\(infotainment\) infotainment: heartbeat",
             ("send", "restart brake\r"), r"restart of brake is refused: .* the right 'restart' \[safe-domain-protected\]",
             ("send", "restart cluster\r"), r"restart of cluster is refused: .* the right 'restart' \[safe-domain-protected\]",
             ("send", "health infotainment\r"), r"infotainment +1 +\d+\.\d+ +0 .* call +-",
             ("send", "sched\r"), r"infotainment +0 +0 +no",
             ("send", "pause brake\r"),
             r"pause of brake is refused: it is a safe domain, .* the right 'pause' \[safe-domain-protected\]", "exit code 3",
             ("send", "destroy brake\r"), r"destroy of brake is refused: .* the right 'destroy' \[safe-domain-protected\]",
             ("send", "pause infotainment\r"), r"bhctl> $", ("send", "list infotainment\r"), r"infotainment +\d+ +256 +1 +--p--- ",
             ("send", "unpause infotainment\r"), r"\(infotainment\) .*heartbeat",
             ("send", "pause cluster\r"), r"bhctl> $", ("send", "list cluster\r"), r"cluster +\d+ +16 +1 +--p--- ",
             ("send", "unpause cluster\r"), cluster(),
             ("send", "destroy infotainment\r"), r"bhctl> $", ("send", "info infotainment\r"),
             r"there is no domain 'infotainment' that may be seen", "exit code 4",
             # Both safe domains agree.  [itest->dsn~guest-power~1]
             ("send", "power reset\r"), r"control: wants the platform reset", r"bulkhead: the platform is reset"],
            goes_on(BRAKE + " 1 ", BRAKE, 5),
        ],
        "forbid": [FATAL, r"CORRUPT"],
        "timeout": 240,
    },
    {
        # [itest->dsn~bhctl-reserve~1, dsn~rtds-admission~1]
        "name": "control-budget",
        "system": f"{SYSTEMS}/control-budget.yaml",
        "lanes": [[EXITED, ("send", CTRL_A3), r"Serial input to control", ("send", "sched\r"), r"audio +20000 +4000 +yes", r"radio +20000 +4000 +no",
                   ("send", "reserve motor 10000 1000\r"), r"reserve of motor is refused: it is a safe domain, .*\[safe-domain-protected\]",
                   ("send", "reserve audio 20000 17000\r"),
                   r"CPU 2 would be promised 17000/20000 \(audio\) \+ 4000/20000 \(radio\) = 1050000 millionths of its time",
                   r"would sum up to more than one \[admission\]",
                   ("send", "reserve audio 20000 13000\r"), r"CPU 2 would .* = 850000 millionths of its time, and more to domains that may not",
                   ("send", "reserve audio 20000 12000 extra\r"), ("send", "sched audio\r"), r"audio +20000 +12000 +yes"]],
        "forbid": [FATAL],
        "timeout": 120,
    },
    {
        "name": "control-trace",
        "system": "examples/control.yaml",
        "lanes": [[EXITED, ("send", CTRL_A3), r"Serial input to control", BRAKE, ("send", "trace 100\r"), r"TRACE 42525431",
                   r"bhctl> $"]],
        "forbid": [FATAL],
        "timeout": 240,
        "after": traces.shows(2, "interrupt 27", "d2v0"),  # the safe task beside it takes its timer's interrupt, and goes on
    },
    {
        # Domains at run time: started, run, restart, end; whatever the launch did not set aside is refused by name. The Linux
        # verifies its images.  [itest->dsn~boot-verify~1]
        # [itest->dsn~bhctl-create~1, dsn~bhctl-create-ordinary~1, dsn~dynamic-domains~1, dsn~dynamic-memory~1]
        # [itest->dsn~dynamic-cpus~1, dsn~dynamic-ordinary~1]
        "name": "dynamic",
        "system": f"{SYSTEMS}/dynamic.yaml",
        "lanes": [
            [EXITED, ("send", CTRL_A3), r"Serial input to control", ("send", "create visitor --paused\r"), r"bhctl> $",
             ("send", "list visitor\r"), r"visitor +3 +2 +1 +--p---", ("send", "privileges visitor\r"),
             r"rights over visitor: control: create destroy pause restart",
             ("send", "unpause visitor\r"), r"\(visitor\) hello by console_io: 1 CPU, 2 MiB", ("send", "list visitor\r"),
             r"visitor +3 +2 +1 +---s--",
             ("send", "create visitor\r"), r"visitor.*: it exists already", "exit code 1", ("send", "create linux\r"),
             r"\(linux\) LINUX UP linux cpus=2 hypervisor=xen", r"\(linux\) linux: heartbeat",
             ("send", "create large\r"), r"'large': it has 524288 KiB, .* left; .* \[dynamic-memory\]", "exit code 3",
             ("send", "create many\r"), r"'many': the hypervisor refuses to create the domain: no number, or not so many vCPUs, .* \[dynamic-domains\]",
             ("send", "create closed\r"), r"'closed': the hypervisor refuses to set its CPUs: .* \[dynamic-cpus\]",
             ("send", "create grand\r"), r"'grand': it is safe, which only the launch gives; .* \[dynamic-ordinary\]", "exit code 3",
             ("send", "create nobody\r"), r"the archive has 6 domains, none 'nobody'", "exit code 4",
             ("send", "restart linux\r"), r"linux: restarted in \d+ us, 1 times", r"\(linux\) LINUX UP",
             ("send", "destroy linux\r"), r"bhctl> $", ("send", "destroy visitor\r"), r"bhctl> $",
             ("send", "create linux\r"), r"\(linux\) LINUX UP", r"\(linux\) linux: heartbeat",
             ("send", "list\r"), r"linux +3 +128 +2 "],
            goes_on(BRAKE + " 1 ", BRAKE, 5),
        ],
        "forbid": [FATAL, r"CORRUPT"],
        "timeout": 240,
    },
    {
        # The same by a Linux that is in charge, from a file.  [itest->dsn~bhctl-create-linux~1]
        "name": "dynamic-linux",
        "system": f"{SYSTEMS}/dynamic-linux.yaml",
        "lanes": [
            [EXITED, r"\(dom0\) dom0: shell on this console", ("send", CTRL_A3), r"Serial input to dom0", ("send", "\n"),
             "dom0# $", ("send", "a=/dynamic-linux-later.cpio\n"), "dom0# $",
             ("send", "bhctl create $a visitor; echo code-$?\n"), r"\(visitor\) hello by console_io: 1 CPU, 2 MiB",
             "dom0# $", ("send", "bhctl create $a ticker --paused; echo code-$?\n"), "code-0", "dom0# $",
             ("send", "bhctl list ticker\n"), r"ticker +4 +16 +1 +--p---", "dom0# $", ("send", "bhctl unpause ticker\n"),
             r"\(ticker\) cluster: seq 1 ", "dom0# $", ("send", "bhctl restart ticker\n"), r"ticker: restarted in \d+ us, 1 times",
             r"\(ticker\) cluster: seq 1 ", "dom0# $",
             ("send", "bhctl create $a closed; echo code-$?\n"), r"no number, or not so many vCPUs, .* \[dynamic-domains\]",
             "code-1", "dom0# $", ("send", "bhctl destroy visitor\n"), "dom0# $",
             ("send", "bhctl create $a closed; echo code-$?\n"), r"set its CPUs: .* \[dynamic-cpus\]", "code-1", "dom0# $",
             ("send", "bhctl create /nothing; echo code-$?\n"), r"the file cannot be read", "code-1", "dom0# $",
             ("send", "t() { bhctl create $a visitor && bhctl destroy visitor; }\n"), "dom0# $",
             ("send", "for i in $(seq 20); do t || break; done; echo i-$i\n"), "i-20", "dom0# $",
             ("send", "bhctl destroy ticker\n"), "dom0# $", ("send", "bhctl list\n"), r"task +2 +16"],
            goes_on(r"ticker: restarted", cluster("task")),
        ],
        "forbid": [FATAL, r"CORRUPT"],
        "timeout": 120,
    },
    {
        # What the description says, what the Boot Domain says it did, and what the toolstack reads, are the same.
        # [itest->dsn~tool-privileges~1, dsn~boot-grants~1]
        "name": "control-privileges",
        "system": "examples/control.yaml",
        "lanes": [[EXITED, ("send", CTRL_A3), r"Serial input to control", ("send", "privileges\r"), r"rights over the platform: .*",
                   ("send", "help\r"), r"bhctl> $"]],
        "forbid": [FATAL],
        "timeout": 120,
        "after": machines.same_privileges,
        "speakers": [r"\(boot\) boot: ", r"\(control\) "],
    },
]
