#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure Bulkhead and Debian's Xen 4.17 side by side, in executed instructions.

bench.py                   build/bench.md, build/bench.svg, build/bench.json; fails if a figure of Bulkhead got worse
bench.py --gate            Bulkhead only, no files, and a fiftieth more is allowed: what `make test` runs
bench.py --scheduler       the cost of a choice of each policy alone, and its plot build/scheduler.svg
bench.py --write-baseline  today's figures of Bulkhead become docs/bench-baseline.json

The machine: QEMU virt, cortex-a57, 4 GiB, -icount shift=4,sleep=off on both (a counter tick is an instruction, and idle time
is skipped: what a run gives does not depend on the workstation).  Operations: the same bench guest on both.  Boot: one CPU,
domains that do nothing, the first of 64 MiB, further ones of 16 and of 64 MiB; instructions from reset to a domain's first one, counted by a QEMU plugin on the unchanged binaries.
[impl->dsn~bench-gate~1]
"""
import bisect
import json
import re
import struct
import subprocess
import sys

import bench_pv
import bench_report
import bench_sched
import size_report
import tree

WORK = tree.BUILD / "bench"
BASELINE = tree.ROOT / "docs" / "bench-baseline.json"
GUEST = "build/arm64/guests/bench/bench.bin"
QEMU_ENTRY = 0x40000000   # QEMU's own first instruction
IDLE_ENTRY = 0x40080000   # where both hypervisors put an Image with text_offset 0x80000
IDLE_OFFSET = 0x80000
IDLE_BYTES = 4096
FIRST_MIB = 64            # the first domain and the bench guest
SMALL_MIB = 16            # a small further domain, as the safe tasks of examples/cockpit.yaml
MANY = 5
SWITCH = "switch=1"         # the bench guest measures partition_switch alone
PAIR_PORT = 5
GATE_SLACK = 0.02
FUNCTION_REACH = 1 << 16  # an address further behind a function's start belongs to none
TIMEOUT = "240"
RESTART_LINE = re.compile(r"restarted in (\d+) us, 2 times")
LABEL = ", seclabel: system_u:system_r:control_t"  # who may look
FORCED = "neoverse-n2"    # a CPU that forces write-back for guests (FEAT_S2FWB)
TICKS_A_US = 62.5         # and as many instructions
BENCH_LINE = re.compile(r"BENCH (\w+) (\d+) (\d+) (\d+)\s*$")
MARK_LINE = re.compile(r"MARK (\S+) (\d+) (\d+)$", re.M)  # may stand behind a console's unfinished line


class BenchError(Exception):
    """A run did not give its figures."""


def write_idle_image(path):
    """An arm64 Image that waits for interrupts for ever: the smallest guest there is."""
    branch_over_header, wfi, branch_back = 0x14000010, 0xD503207F, 0x17FFFFFF
    header = struct.pack("<IIQQQQQQ4sI", branch_over_header, 0, IDLE_OFFSET, IDLE_BYTES, 0xA, 0, 0, 0, b"ARM\x64", 0)
    path.write_bytes((header + struct.pack("<II", wfi, branch_back)).ljust(IDLE_BYTES, b"\0"))


def build_plugin(path):
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "scripts/plugin/marks.c", "-o", str(path)], cwd=tree.ROOT,
                   check=True)


def write_system(path, name, domains, kernel, memory, vcpus, cpus, bootargs=""):
    text = [f"system: {name}", "board: qemu-virt", "domains:"]
    for number in range(1, domains + 1):
        text += [f"  d{number}:", f"    memory: {memory} MiB", f"    kernel: {kernel}", f"    vcpus: {vcpus}",
                 f"    cpus: {cpus}", f"    bootargs: \"{bootargs}\""]
    path.write_text("\n".join(text) + "\n")


ATTACKS = ["alone", "event", "trap", "hypercall", "restart", "interrupt", "tlbi", "spin"]  # by the attacker's number
SAMPLES = 1000
MANY_SAMPLES = 100_000    # in the full run
MOVED = 1.10
NO_ATTACK = ["alone", "spin"]  # a neighbour that waits, and one that never enters the hypervisor: the emulator's own turns
ATTACK_MS = 1000         # a storm gets through once in that time


def write_attack(path, number, samples):
    """A safe domain on a CPU of its own whose timer is measured, and one that makes a single attack from the next CPU."""
    path.write_text(f"""system: attack
board: {{ name: qemu-virt, cpus: 2 }}
boot-domain: {{ cpu: 1 }}
pools:
  own: {{ cpus: [0], policy: null }}
domains:
  victim: {{ safe: true, memory: 16 MiB, pool: own, kernel: guest:bench, bootargs: "vtimer=1 settle_s=1 n={samples}" }}
  attacker:
    memory: 16 MiB
    cpus: [1]
    kernel: guest:attacker
    bootargs: "attack={number} port={PAIR_PORT}"
    restartable: true
    health: {{ crash: restart, max-restarts: 1000000, within: 1 }}
channels:
  storm:
    ends: [{{ domain: victim, port: {PAIR_PORT}, min-interval: {ATTACK_MS} ms }}, {{ domain: attacker, port: {PAIR_PORT} }}]
""")


def attack_figures(samples, suffix=""):
    """The virtual timer's deadline to handler alone, and beside each attack."""
    figures = {}
    for number, name in enumerate(ATTACKS):
        system = WORK / f"attack-{name}.yaml"
        write_attack(system, number, samples)
        figures[f"vtimer_{name}{suffix}"] = parse_operations(run(bulkhead_command(system, 2, "BENCH done")))["vtimer"]
    return figures


def scheduler_figures():
    """What a choice costs with more and more vCPUs of a CPU that want to run."""
    def measure(text, cpus):
        (WORK / "scheduler.yaml").write_text(text)
        return parse_operations(run(bulkhead_command(WORK / "scheduler.yaml", cpus, "BENCH done")))
    return bench_sched.figures(measure)


FLAT = ["evtchn_self", "grant_map", "grant_unmap", "grant_copy_page"]  # cost the same however large the system
CROWDS = {"2": (2, 0), "16": (16, 0), "128": (128, 0), "1000_ports": (2, 1000)}  # domains, ports of one


def write_crowd(path, domains, ports):
    """The bench guest on a CPU of its own, and domains that do nothing on the next one."""
    text = ["system: crowd", "board: { name: qemu-virt, cpus: 2 }", "domains:",
            f"  d0: {{ memory: 64 MiB, cpus: [0], kernel: guest:bench, bootargs: \"n=200 ports={ports}\" }}"]
    text += [f"  d{number}: {{ memory: 3 MiB, cpus: [1], kernel: idle.img }}" for number in range(1, domains)]
    path.write_text("\n".join(text) + "\n")


def crowd_figures():
    figures = {}
    for name, (domains, ports) in CROWDS.items():
        write_crowd(WORK / "crowd.yaml", domains, ports)
        found = parse_operations(run(bulkhead_command(WORK / "crowd.yaml", 2, "BENCH done")))
        figures |= {f"{key}_{name}": found[key] for key in FLAT}
    return figures


def grown(figures):
    """What costs more in a larger system, as text."""
    return [f"error: {key}_{name} mean: {figures[f'{key}_{name}']['mean']} instructions, {figures[f'{key}_2']['mean']} with 2 domains"
            for key in FLAT for name in CROWDS if figures[f"{key}_{name}"]["mean"] > figures[f"{key}_2"]["mean"] * (1 + GATE_SLACK)]


def write_pair(path):
    """Two domains on one CPU with a channel between them."""
    text = ["system: pair", "board: qemu-virt", "domains:"]
    for role in (1, 2):
        text += [f"  d{role}:", "    memory: 16 MiB", "    kernel: guest:bench", "    cpus: [0]",
                 f"    bootargs: role={role} port={PAIR_PORT}"]
    text += ["channels:", "  pair:", f"    ends: [{{ domain: d1, port: {PAIR_PORT} }}, {{ domain: d2, port: {PAIR_PORT} }}]"]
    path.write_text("\n".join(text) + "\n")


def xen_pair_command():
    command = ["scripts/run-on-xen.sh", "--icount", "--cpus", "1", "--ram", "4G", "--timeout", TIMEOUT, "--until",
               "BENCH done"]
    for role in (1, 2):
        command += ["--kernel", GUEST, "--bootargs", f"role={role} port={PAIR_PORT}", "--channel", str(PAIR_PORT)]
    return command


# What the emulator says of itself comes in the midst of a line of the console.
EMULATOR = re.compile(r"qemu-system-aarch64: warning: [^\n]*\n")


def run(command):
    """Console and standard error of a machine; how it ends is judged by what it said."""
    done = subprocess.run(command, cwd=tree.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return EMULATOR.sub("", done.stdout.decode(errors="replace"))


def tail(text):
    return "\n".join(text.splitlines()[-30:])


def bulkhead_command(system, cpus, until, plugin=(), cpu="cortex-a57"):
    return ["build/bulkhead", "run", str(system), "--headless", "--icount=4", "--cpus", str(cpus), "--cpu", cpu,
            "--memory", "4 GiB", "--timeout", TIMEOUT, "--until", until, "--", *plugin]


def xen_command(domains, kernel, memory, vcpus, cpus, until, plugin=(), bootargs=""):
    command = ["scripts/run-on-xen.sh", "--icount", "--cpus", str(cpus), "--ram", "4G", "--timeout", TIMEOUT, "--until",
               until]
    for _ in range(domains):
        command += ["--kernel", str(kernel), "--memory", str(memory), "--vcpus", str(vcpus), "--bootargs", bootargs]
    return [*command, "--", *plugin]


def parse_operations(output):
    """{name: {min, mean, max}} of a bench guest's console."""
    figures = {}
    for line in output.splitlines():
        if found := BENCH_LINE.search(line):
            figures[found[1]] = dict(zip(("min", "mean", "max"), map(int, found.groups()[1:])))
    if "BENCH done" not in output:
        raise BenchError("the bench guest did not finish:\n" + tail(output))
    figures.pop("empty", None)
    return figures


def parse_marks(output):
    """{name: [instructions at each arrival]}."""
    marks = {}
    for found in MARK_LINE.finditer(output):
        marks.setdefault(found[1], []).append(int(found[3]))
    return marks


def plugin_options(extra=(), last=1):
    marks = [f"mark={IDLE_ENTRY:#x}:guest:{last}:{last}", *extra]
    return ["-plugin", ",".join([str(WORK / "marks.so"), f"profile={WORK}/profile-{last}", *marks])]


def boot_marks():
    """Marks inside Bulkhead that show where the instructions go: addresses from its symbols."""
    elf = size_report.hypervisor_elf()
    listing = subprocess.run(["llvm-nm-19", str(elf)], capture_output=True, text=True, check=True).stdout
    symbols = {line.split()[2]: int(line.split()[0], 16) for line in listing.splitlines() if len(line.split()) == 3}
    wanted = {"core": "upcall_start", "exit": "seal_exit"}
    marks = [f"mark={QEMU_ENTRY:#x}:first:2:0"]
    return marks + [f"mark={symbols[name]:#x}:{label}:1:0" for label, name in wanted.items() if name in symbols]


def functions(elf, base=0):
    """[(address, name)] of an ELF file's functions, ascending."""
    listing = subprocess.run(["llvm-nm-19", "-n", "--defined-only", str(elf)], capture_output=True, text=True,
                             check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [(base + int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tTwW"]


def profile_by_function(path):
    """[(instructions, function)] of a boot, most first."""
    known = sorted(functions(size_report.hypervisor_elf()) +
                   functions(tree.BUILD / "arm64" / "bootdomain" / "bootdomain" / "bootdomain.elf"))
    starts = [address for address, _ in known]
    sums = {}
    for line in path.read_text().splitlines():
        address, count = line.split()
        index = bisect.bisect_right(starts, int(address, 16)) - 1
        near = index >= 0 and int(address, 16) - starts[index] < FUNCTION_REACH
        name = known[index][1] if near else "before translation is on, and QEMU's loader"
        sums[name] = sums.get(name, 0) + int(count)
    return sorted(((count, name) for name, count in sums.items()), reverse=True)


def single(value):
    return {"min": value, "mean": value, "max": value}


def arrivals(output, count):
    reached = parse_marks(output).get("guest", [])
    if len(reached) < count:
        raise BenchError(f"{len(reached)} of {count} domains reached their first instruction:\n{tail(output)}")
    return reached


def boot_figures(boot):
    """boot(domains, MiB of each) -> console with marks; figures and the marks of the run with one domain."""
    figures, marks = {}, {}
    for name, mib in (("boot_per_domain", SMALL_MIB), ("boot_per_domain_64", FIRST_MIB)):
        one = boot(1, mib)
        first = arrivals(one, 1)[0]
        last = arrivals(boot(MANY, mib), MANY)[MANY - 1]
        figures |= {name: single((last - first) // (MANY - 1)), "boot_first_domain": single(first)}
        marks = parse_marks(one)
    return figures, marks


def restart_figure(mib, image_mib=0, cpu="cortex-a57"):
    """Instructions of a restart of a domain of that size, with a small image or one more; nobody else runs."""
    ramdisk = WORK / "ramdisk"
    ramdisk.write_bytes(bytes(image_mib << 20))
    more = f"ramdisk: {ramdisk.resolve()}, " if image_mib else ""
    system = WORK / "restart.yaml"
    system.write_text(f"""system: restart
board: qemu-virt
domains:
  d1: {{ memory: {mib} MiB, kernel: guest:end, {more}bootargs: "how=3", cpus: [1], restartable: true }}
""")
    output = run(bulkhead_command(system, 2, "3 times by now", cpu=cpu))
    found = RESTART_LINE.search(output)
    if not found:
        raise BenchError("the domain was not restarted:\n" + tail(output))
    return single(int(int(found[1]) * TICKS_A_US))


def refusal_figures(labels):
    """Calls over a domain of which the caller may only read the state, without and with a label policy."""
    system = WORK / "refusal.yaml"
    system.write_text(f"""system: refusal
board: qemu-virt
{"labels: default" if labels else ""}
domains:
  d1: {{ memory: 64 MiB, kernel: guest:bench, cpus: [1], bootargs: "refuse=2 labels={labels:d}"{LABEL if labels else ""} }}
  d2: {{ memory: 16 MiB, kernel: {(WORK / "idle.img").resolve()}, cpus: [2], grants: [{{ to: d1, rights: [info] }}] }}
""")
    return parse_operations(run(bulkhead_command(system, 3, "BENCH done")))


def measure_bulkhead():
    def boot(domains, mib):
        system = WORK / f"boot-{domains}.yaml"
        write_system(system, "boot", domains, "idle.img", mib, 1, "[0]")
        return run(bulkhead_command(system, 1, "no such line", plugin_options(boot_marks(), domains)))
    system = WORK / "operations.yaml"
    write_system(system, "operations", 1, "guest:bench", FIRST_MIB, 2, "[1, 2]")
    figures, marks = boot_figures(boot)
    where = profile_by_function(WORK / "profile-1")
    figures |= {f"restart_{mib}": restart_figure(mib) for mib in (SMALL_MIB, FIRST_MIB)}
    figures |= refusal_figures(False) | refusal_figures(True)
    figures["restart_image"] = restart_figure(FIRST_MIB, SMALL_MIB)
    figures["restart_forced"] = restart_figure(FIRST_MIB, SMALL_MIB, FORCED)
    pair = WORK / "pair.yaml"
    switch = WORK / "switch.yaml"
    write_pair(pair)
    write_system(switch, "switch", 1, "guest:bench", FIRST_MIB, 2, "[0]", SWITCH)
    for file, cpus in ((system, 4), (pair, 1), (switch, 1)):
        figures |= parse_operations(run(bulkhead_command(file, cpus, "BENCH done")))
    return figures | attack_figures(SAMPLES), (marks, where)


def moved(figures, suffix=""):
    """Attacks that move the deadline of another CPU, as text."""
    alone = max(figures[f"vtimer_{name}{suffix}"]["mean"] for name in NO_ATTACK)
    return [f"error: vtimer_{name}{suffix} mean: {figures[f'vtimer_{name}{suffix}']['mean']} instructions, {alone} alone"
            for name in ATTACKS[1:-1] if figures[f"vtimer_{name}{suffix}"]["mean"] > alone * MOVED]


def measure_xen():
    def boot(domains, mib):
        # Xen's own first instruction of a domain comes with QEMU's mark out of the way: the address is its own.
        return run(xen_command(domains, WORK / "idle.img", mib, 1, 1, "no such line",
                               plugin_options(last=domains)))
    figures, _ = boot_figures(boot)
    figures |= parse_operations(run(xen_command(1, GUEST, FIRST_MIB, 2, 4, "BENCH done")))
    figures |= parse_operations(run(xen_pair_command()))
    return figures | parse_operations(run(xen_command(1, GUEST, FIRST_MIB, 2, 1, "BENCH done", bootargs=SWITCH)))


def judged(name):
    """Beside a neighbour the worst of many samples depends on when the emulator changes between its CPUs: reported only."""
    return ("min", "mean") if name.startswith("vtimer_") else ("min", "mean", "max")


def worse(figures, baseline, slack=0.0):
    """What got worse by more than the share slack, as text; baseline is {name: {min, mean, max}}."""
    lines = []
    for name, then in sorted(baseline.items()):
        now = figures.get(name)
        if now is None:
            lines.append(f"error: {name} is not measured any more")
            continue
        lines += [f"error: {name} {key}: {now[key]} instructions, {then[key]} in the baseline"
                  for key in judged(name) if now[key] > then[key] * (1 + slack)]
    return lines


def lost(figures):
    """Figures that the baseline has and this run has not: no new baseline without them."""
    return sorted(set(json.loads(BASELINE.read_text()) if BASELINE.exists() else ()) - set(figures))


def judge(figures, slack=0.0, more=()):
    known = BASELINE.exists()
    lines = worse(figures, json.loads(BASELINE.read_text()), slack) if known else ["error: no docs/bench-baseline.json"]
    lines += more
    print("\n".join(lines) if lines else f"bench: {len(figures)} figures, none worse than docs/bench-baseline.json")
    return 1 if lines else 0


def main(arguments):
    WORK.mkdir(parents=True, exist_ok=True)
    write_idle_image(WORK / "idle.img")
    build_plugin(WORK / "marks.so")
    try:
        if arguments == ["--scheduler"]:
            figures = scheduler_figures()
            (tree.BUILD / "scheduler.svg").write_text(bench_sched.svg(figures))
            print("\n".join(f"{name}: {bench_report.cell(figure)}" for name, figure in figures.items()))
            return 0
        print("bench: Bulkhead", flush=True)
        figures, boot = measure_bulkhead()
        if arguments == ["--write-baseline"]:
            if missing := lost(figures):
                raise BenchError(f"not measured this time: {', '.join(missing)}; the baseline stays as it was")
            BASELINE.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
            return 0
        if arguments == ["--gate"]:
            return judge(figures, GATE_SLACK, [*moved(figures), *grown(crowd_figures())])
        figures |= scheduler_figures() | crowd_figures() | attack_figures(MANY_SAMPLES, "_100k")
        print("bench: Xen 4.17", flush=True)
        xen = measure_xen()
        pv = bench_pv.measure()
        figures |= pv[0]
        xen |= pv[1]
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    size = size_report.measure()
    bench_report.write(tree.BUILD, figures, xen, size, boot)
    (tree.BUILD / "scheduler.svg").write_text(bench_sched.svg(figures))
    print((tree.BUILD / "bench.md").read_text())
    return judge(figures, more=[*moved(figures), *grown(figures), *bench_pv.judge(*pv)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
