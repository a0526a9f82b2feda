#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Latency of a real-time Linux: Debian's cyclictest in a domain with Debian's PREEMPT_RT kernel, on Bulkhead and on Debian's
Xen 4.17, the same kernels and initramfs, under -icount (an instruction is a nanosecond), so that every run gives the same figures.

bench_rt.py            build/bench-rt.md, build/bench-rt.svg
bench_rt.py --write    the plot and its figures become docs/latency.svg

[impl->dsn~bench-rt~1]
"""
import collections
import html
import math
import re
import subprocess
import sys

import tree

WORK = tree.BUILD / "bench"
WAKE_UPS = 2000
INTERVAL_US = 1000
MEMORY_MIB = 256
TIMEOUT = "600"
END = "LATENCY DONE"
RT_ARGS = f"console=ttyAMA0 quiet role=rt settle=1 us={INTERVAL_US} n={WAKE_UPS}"
BUSY_ARGS = "console=ttyAMA0 quiet role=busy"
RAMDISK = "build/deps/initramfs/latency.cpio.gz"
BUCKET = re.compile(r"\b(\d{6}) (\d{6})\s*$")
FIGURE = re.compile(r"# (Min|Avg|Max) Latencies: (\d+)")
BEYOND = re.compile(r"# Histogram Overflows: (\d+)")

Scenario = collections.namedtuple("Scenario", "name what cpus busy bulkhead xen xen_args")
SCENARIOS = [
    Scenario("alone", "alone on its CPU", 1, None, "policy: null", "sched=null", "sched=null"),
    Scenario("apart", "on its own CPU, a busy Linux on the next", 2, "cpus: [1]", "policy: null", "sched=null", "sched=null"),
    Scenario("shared", "on one CPU with a busy Linux", 1,
             "pool: own, period: 10 ms, budget: 5 ms, extra-time: true", "policy: rtds, 400 us in each ms", "credit2, its default", ""),
]


class BenchError(Exception):
    """A run did not give its figures."""


Latency = collections.namedtuple("Latency", "buckets least mean most beyond")


def parse(output):
    """The histogram that cyclictest printed: {us: wake-ups}, and its own figures in us."""
    buckets, figures, beyond = {}, {}, None
    for line in output.splitlines():
        if found := BUCKET.search(line):
            buckets[int(found[1])] = int(found[2])
        elif found := FIGURE.search(line):
            figures[found[1]] = int(found[2])
        elif found := BEYOND.search(line):
            beyond = int(found[1])
    if END not in output or beyond is None or len(figures) != 3 or not buckets:
        raise BenchError("cyclictest did not finish:\n" + "\n".join(output.splitlines()[-20:]))
    return Latency(buckets, figures["Min"], figures["Avg"], figures["Max"], beyond)


def percentile(latency, share):
    """The least latency that so many of all wake-ups do not exceed; the greatest where it lies beyond the histogram."""
    wanted = share * (sum(latency.buckets.values()) + latency.beyond)
    for us in sorted(latency.buckets):
        wanted -= latency.buckets[us]
        if wanted <= 0:
            return us
    return latency.most


def run(command):
    done = subprocess.run(command, cwd=tree.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    return done.stdout.decode(errors="replace")


def on_bulkhead(scenario):
    reserved = "period: 1 ms, budget: 400 us, " if "rtds" in scenario.bulkhead else ""
    text = f"""system: latency
board: {{ name: qemu-virt, cpus: {scenario.cpus} }}
boot-domain: {{ cpu: {scenario.cpus - 1} }}
pools:
  own: {{ cpus: [0], {scenario.bulkhead.split(',')[0]} }}
domains:
  rt: {{ memory: {MEMORY_MIB} MiB, pool: own, {reserved}kernel: debian:linux-6.1-rt, ramdisk: initramfs:latency, bootargs: "{RT_ARGS}" }}
"""
    if scenario.busy:
        text += (f"  busy: {{ memory: {MEMORY_MIB} MiB, {scenario.busy}, kernel: debian:linux-6.1, ramdisk: initramfs:latency, "
                 f"bootargs: \"{BUSY_ARGS}\" }}\n")
    file = WORK / f"latency-{scenario.name}.yaml"
    file.write_text(text)
    return parse(run(["build/bulkhead", "run", str(file), "--headless", "--icount=0", "--cpu", "cortex-a57", "--memory", "4 GiB",
                      "--timeout", TIMEOUT, "--until", END]))


def on_xen(scenario):
    command = ["scripts/run-on-xen.sh", "--cpus", str(scenario.cpus), "--timeout", TIMEOUT, "--until", END,
               "--xen-args", scenario.xen_args]
    domains = [("linux-6.1-rt", RT_ARGS)] + ([("linux-6.1", BUSY_ARGS)] if scenario.busy else [])
    for kernel, bootargs in domains:
        command += ["--kernel", f"build/deps/{kernel}/vmlinuz", "--memory", str(MEMORY_MIB), "--ramdisk", RAMDISK,
                    "--bootargs", bootargs]
    return parse(run([*command, "--", "-icount", "shift=0,sleep=off", "-seed", "1"]))


def markdown(results):
    lines = ["# Wake-up latency of a real-time Linux", "",
             f"cyclictest, {WAKE_UPS:,} wake-ups, one every {INTERVAL_US} us, in a domain with Debian's PREEMPT_RT kernel; QEMU virt, "
             "cortex-a57, `-icount shift=0`: 1 us is 1,000 instructions, the guest kernel's own included.", "",
             "| the domain is | on | least | mean | 99 % | 99.9 % | most |", "|---|---|---|---|---|---|---|"]
    for scenario, sides in results:
        for (side, latency), policy in zip(sides, (scenario.bulkhead, scenario.xen)):
            lines.append(f"| {scenario.what} | {side} ({policy}) | {latency.least:,} us | {latency.mean:,} us | "
                         f"{percentile(latency, 0.99):,} us | {percentile(latency, 0.999):,} us | {latency.most:,} us |")
    return "\n".join(lines) + "\n"


LEFT, WIDTH, HEIGHT, GAP, TOP = 60, 640, 120, 56, 34
COLOURS = ("#1b6ca8", "#c0504d")
FIRST_US, LAST_US = 10, 100_000
BAR = 2  # width of a bar: it stands for all latencies that lie within it on the scale, about 3 %


def at_us(us):
    return LEFT + WIDTH * math.log10(min(max(us, FIRST_US), LAST_US) / FIRST_US) / math.log10(LAST_US / FIRST_US)


def at_count(count, base):
    return base - HEIGHT * math.log10(max(count, 1) + 1) / math.log10(WAKE_UPS + 1)


def bars(latency):
    """{number of a bar from the left: wake-ups}; what lies beyond the histogram is in the last one."""
    counts = collections.Counter()
    for us, count in [*latency.buckets.items(), (LAST_US, latency.beyond)]:
        counts[min(int((at_us(us) - LEFT) / BAR), WIDTH // BAR - 1)] += count
    return {number: counts[number] for number in sorted(counts) if counts[number]}


def panel(scenario, sides, base):
    parts = [f'<text x="{LEFT}" y="{base - HEIGHT - 8}">{html.escape(scenario.what)}: '
             f'<tspan fill="{COLOURS[0]}">Bulkhead ({scenario.bulkhead})</tspan>, '
             f'<tspan fill="{COLOURS[1]}">Xen 4.17 ({scenario.xen})</tspan></text>',
             f'<path d="M{LEFT} {base}h{WIDTH}" stroke="black"/>']
    decade = FIRST_US
    while decade <= LAST_US:
        label = f"{decade} us" if decade < 1000 else f"{decade // 1000} ms"
        parts.append(f'<path d="M{at_us(decade):.1f} {base}v4" stroke="black"/>'
                     f'<text x="{at_us(decade):.1f}" y="{base + 16}" text-anchor="middle">{label}</text>')
        decade *= 10
    for count in (1, 10, 100, 1000):
        parts.append(f'<text x="{LEFT - 4}" y="{at_count(count, base) + 4:.1f}" text-anchor="end">{count}</text>')
    for (_, latency), colour in zip(sides, COLOURS):
        path = "".join(f"M{LEFT + BAR * number + BAR // 2} {base}V{at_count(count, base):.1f}" for number, count in bars(latency).items())
        parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="{BAR}" stroke-opacity="0.7"/>')
    return parts


def svg(results):
    """One panel a scenario: wake-ups over latency, both logarithmic."""
    height = TOP + len(results) * (HEIGHT + GAP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" height="{height}" font-family="sans-serif" '
             'font-size="11"><rect width="100%" height="100%" fill="white"/>',
             f'<text x="8" y="16">cyclictest: of {WAKE_UPS:,} wake-ups, how many so late, a bar for each 3 % of latency; both scales logarithmic</text>']
    for row, (scenario, sides) in enumerate(results):
        parts += panel(scenario, sides, TOP + (row + 1) * (HEIGHT + GAP) - GAP / 2)
    return "\n".join(parts) + "\n</svg>\n"


def main(arguments):
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        results = []
        for scenario in SCENARIOS:
            print(f"bench-rt: {scenario.what}", flush=True)
            results.append((scenario, [("Bulkhead", on_bulkhead(scenario)), ("Xen 4.17", on_xen(scenario))]))
    except BenchError as error:
        print(f"bench-rt: {error}", file=sys.stderr)
        return 1
    (tree.BUILD / "bench-rt.md").write_text(markdown(results))
    (tree.BUILD / "bench-rt.svg").write_text(svg(results))
    if arguments == ["--write"]:
        (tree.ROOT / "docs" / "latency.svg").write_text(svg(results))
    print(markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
