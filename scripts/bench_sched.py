# SPDX-License-Identifier: Apache-2.0
"""What a decision of each scheduling policy costs with 2, 16 and 128 vCPUs in a pool, and the plot of it.  Part of bench.py;
bench.py --scheduler measures these alone and writes build/scheduler.svg."""
import math

COUNTS = (2, 16, 128)
VCPUS_EACH = 8            # the most that the guest library knows
NULL_CPUS = 8             # as many as QEMU's interrupt controller of the board description has
# figure: (what it is, of which policy, colour)
SERIES = {
    "switch": ("share: from a vCPU to the next that takes turns with it", "#1b6ca8"),
    "arinc": ("arinc653: the same inside a window, 8 vCPUs a partition", "#c0504d"),
    "rtds": ("rtds: a yield to nobody, all others wait for budget or a later deadline", "#4f9a3c"),
    "rtds_wake": ("rtds: timer's deadline to handler of a vCPU that slept, the next one running", "#8a5fb0"),
    "null": ("null: a yield, each vCPU with a CPU of its own", "#777777"),
}
MEANING = {f"{name}_{n}": f"{what}; {min(n, NULL_CPUS) if name == 'null' else n} vCPUs"
           for name, (what, _) in SERIES.items() for n in COUNTS}


def system(cpus, boot_cpu, pools, domains):
    return "\n".join(["system: scheduler", f"board: {{ name: qemu-virt, cpus: {cpus} }}", f"boot-domain: {{ cpu: {boot_cpu} }}",
                      *pools, "domains:", *(f"  d{i}: {{ {domain} }}" for i, domain in enumerate(domains))]) + "\n"


def rounds(vcpus, where):
    """Domains of eight vCPUs; those of the first take turns by yielding and measure a round."""
    each = min(vcpus, VCPUS_EACH)
    return [f"memory: 8 MiB, vcpus: {each}, {where}, kernel: guest:bench, bootargs: "
            f"\"{'rounds=1 settle_s=2 n=300' if i == 0 else 'yield=2'}\"" for i in range(vcpus // each)]


def share(vcpus):
    return system(2, 0, [], rounds(vcpus, "cpus: [1]"))


def arinc(vcpus):
    domains = rounds(vcpus, "pool: p")
    windows = [f"      - {{ domain: d{i}, start: {i * 40} ms, length: 40 ms }}" for i in range(len(domains))]
    return system(2, 0, ["pools:", "  p:", "    cpus: [1]", "    policy: arinc653", f"    major-frame: {len(domains) * 40} ms",
                         "    guard: 100 us", "    windows:", *windows], domains)


def rtds(vcpus, measured="yield=1"):
    """The last has the earliest deadline; the others want to run for ever."""
    other = "memory: 2 MiB, pool: p, kernel: guest:bench, period: 4 s, budget: 1 ms, bootargs: \"yield=2\""
    last = f"memory: 2 MiB, pool: p, kernel: guest:bench, period: 100 ms, budget: 90 ms, bootargs: \"{measured} settle_s=0 n=300\""
    return system(2, 0, ["pools:", "  p: { cpus: [1], policy: rtds }"], [other] * (vcpus - 1) + [last])


def rtds_wake(vcpus):
    return rtds(vcpus, "vtimer=2")


def null(vcpus):
    cpus = min(vcpus, NULL_CPUS)
    pool = ["pools:", f"  p: {{ cpus: [{', '.join(map(str, range(1, cpus)))}], policy: null }}"]
    domain = "memory: 2 MiB, pool: p, cpus: [{}], kernel: guest:bench, bootargs: \"{} settle_s=0 n=300\""
    return system(cpus, 0, pool, [domain.format(cpu, "yield=1" if cpu == 1 else "yield=2") for cpu in range(1, cpus)])


def figures(run):
    """run(description, CPUs) -> {name: {min, mean, max}} of the bench guest."""
    found = {}
    for n in COUNTS:
        for name, text, cpus, key in (("switch", share(n), 2, "round"), ("arinc", arinc(n), 2, "round"), ("rtds", rtds(n), 2, "yield"),
                                      ("rtds_wake", rtds_wake(n), 2, "wake"), ("null", null(n), min(n, NULL_CPUS), "yield")):
            turns = min(n, VCPUS_EACH) if name == "arinc" else n if name == "switch" else 1
            found[f"{name}_{n}"] = {kind: value // turns for kind, value in run(text, cpus)[key].items()}
    return found


LEFT, WIDTH, HEIGHT, TOP = 60, 420, 240, 30


def svg(found):
    """The least of each figure over the number of vCPUs, that axis logarithmic: a straight line up would be a logarithm."""
    top = max(found[f"{name}_{n}"]["min"] for name in SERIES for n in COUNTS) * 1.1
    base = TOP + HEIGHT

    def at(n):
        return LEFT + 30 + (WIDTH - 60) * math.log2(n / COUNTS[0]) / math.log2(COUNTS[-1] / COUNTS[0])

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 40}" height="{base + 40 + 18 * len(SERIES)}" '
             'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>',
             '<text x="8" y="16">instructions of a decision, by vCPUs in the pool (logarithmic)</text>',
             f'<path d="M{LEFT} {TOP}V{base}H{LEFT + WIDTH}" stroke="black" fill="none"/>']
    parts += [f'<text x="{at(n):.1f}" y="{base + 16}" text-anchor="middle">{n}</text>' for n in COUNTS]
    for row, (name, (what, colour)) in enumerate(SERIES.items()):
        points = [(at(n), base - HEIGHT * found[f"{name}_{n}"]["min"] / top) for n in COUNTS]
        parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none" stroke="{colour}" '
                     'stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/><text x="{x:.1f}" y="{y - 6:.1f}" '
                  f'text-anchor="middle">{found[f"{name}_{n}"]["min"]}</text>' for n, (x, y) in zip(COUNTS, points)]
        parts.append(f'<text x="{LEFT}" y="{base + 36 + 18 * row}" fill="{colour}">{what}</text>')
    return "\n".join(parts) + "\n</svg>\n"
