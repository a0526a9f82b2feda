# SPDX-License-Identifier: Apache-2.0
"""Write bench figures as JSON, as a table and as a plot."""
import html
import json
import math

import bench_sched

ORDER = ["boot_first_domain", "boot_per_domain", "boot_per_domain_64", "restart_16", "restart_64", "restart_image", "restart_forced", "hypercall_null", "psci_version", "gicd_read",
         "sgi_self", "ipi_vcpu", "vtimer", "evtchn_self", "evtchn_cross_cpu", "evtchn_cross_domain", "grant_map", "grant_unmap",
         "grant_copy_page", "add_to_physmap", "partition_switch", "refusal", "refusal_held", "domaininfo", "domaininfo_labels",
         "pv_disk", "pv_tcp"]
MEANING = {
    "boot_first_domain": "reset to the first instruction of the first domain (1 CPU, 64 MiB)",
    "boot_per_domain": "each further small domain, of 16 MiB",
    "restart_16": "restart of a crashed domain of 16 MiB, from its crash to its first instruction",
    "restart_64": "the same of 64 MiB: nine tenths are scrubbing",
    "restart_image": "the same with an image of 16 MiB",
    "restart_forced": "that again, on a CPU that forces write-back for guests (neoverse-n2)",
    "boot_per_domain_64": "each further domain of 64 MiB: nine tenths are scrubbing",
    "hypercall_null": "xen_version hypercall",
    "psci_version": "PSCI_VERSION call",
    "gicd_read": "trapped read of the distributor",
    "sgi_self": "SGI to oneself, to its handler",
    "ipi_vcpu": "SGI to a vCPU on another CPU, to its handler",
    "vtimer": "virtual timer's deadline to its handler",
    "evtchn_self": "event to oneself, to its upcall handler",
    "evtchn_cross_cpu": "event to a vCPU on another CPU, to its handler",
    "evtchn_cross_domain": "event to another domain on the same CPU, to its handler",
    "grant_map": "grant mapped: one page",
    "grant_unmap": "grant unmapped: one page",
    "grant_copy_page": "grant copied: one page of 4 KiB",
    "add_to_physmap": "grant frame placed by XENMEM_add_to_physmap",
    "partition_switch": "from a vCPU to another on the same CPU",
    **{f"vtimer_{name}{many}": f"deadline to handler on a null CPU{what}{', 100,000 times' if many else ''}"
       for many in ("", "_100k")
       for name, what in (("alone", ""), ("event", ", the next CPU sends events (one a second may pass)"),
                          ("trap", ", the next CPU traps"), ("hypercall", ", the next CPU makes hypercalls"),
                          ("restart", ", the next CPU's domain is restarted without end"),
                          ("interrupt", ", the next CPU is interrupted without end"),
                          ("tlbi", ", the next CPU invalidates TLBs"),
                          ("spin", ", the next CPU runs its guest's own code: the emulator's turns"))},
    **bench_sched.MEANING,
    **{f"{key}_{name}": f"{what}, {where}"
       for key, what in (("evtchn_self", "event to oneself"), ("grant_map", "grant mapped"), ("grant_unmap", "grant unmapped"),
                         ("grant_copy_page", "grant copied"))
       for name, where in (("2", "2 domains"), ("16", "16 domains"), ("128", "128 domains"), ("1000_ports", "1,000 more ports"))},
    "pv_disk": "1 MiB read from a disk of another domain, by Debian's drivers at both ends (all domains together)",
    "pv_tcp": "1 MiB by TCP from another domain, likewise",
    "refusal": "domctl refused to a domain that holds no right at all",
    "refusal_held": "domctl refused to a domain that holds another right over the target",
    "domaininfo": "XEN_DOMCTL_getdomaininfo of another domain, which is allowed",
    "domaininfo_labels": "the same under a label policy, which allows it",
}
# What is aimed at, in instructions (mean), or as a share of Xen's.
AIM = {"boot_first_domain": 4_000_000, "restart_16": 971_088, "restart_64": 2_984_354, "restart_image": 5_836_481,
       "restart_forced": 5_836_481, "hypercall_null": 120, "psci_version": 130, "gicd_read": 190, "sgi_self": 330,
       "vtimer": 330, "evtchn_self": 400, "refusal": 150, "refusal_held": 250}
SHARE = {"boot_per_domain": 0.25, "evtchn_cross_cpu": 0.35, "evtchn_cross_domain": 0.35, "grant_map": 0.35,
         "grant_unmap": 0.35, "grant_copy_page": 0.35, "add_to_physmap": 0.35, "partition_switch": 0.4,
         "pv_disk": 1.0, "pv_tcp": 1.0}
MOST = 16
BAR, GAP, LEFT, WIDTH = 12, 10, 170, 560


def names(*sides):
    known = [name for name in ORDER if any(name in side for side in sides)]
    return known + sorted({name for side in sides for name in side} - set(known))


def cell(figure):
    return f"{figure['min']:,} / {figure['mean']:,} / {figure['max']:,}" if figure else "-"


def markdown(bulkhead, xen, size, boot):
    marks, where = boot
    lines = ["# Bench", "", "Executed instructions, minimum / mean / maximum. QEMU virt, cortex-a57, 4 GiB, `-icount`.", "",
             "| figure | what | Bulkhead | Xen 4.17 | Xen : Bulkhead | aim |", "|---|---|---|---|---|---|"]
    for name in names(bulkhead, xen):
        ours, theirs = bulkhead.get(name), xen.get(name)
        ratio = f"{theirs['mean'] / ours['mean']:.1f}" if ours and theirs and ours["mean"] else "-"
        aim = f"{AIM[name]:,}" if name in AIM else f"Xen x {SHARE[name]}" if name in SHARE else "-"
        lines.append(f"| {name} | {MEANING.get(name, '')} | {cell(ours)} | {cell(theirs)} | {ratio} | {aim} |")
    lines += ["", "## Where the instructions of a boot go", "",
              "Executed since reset when this point is first reached, one domain, one CPU, without verification of modules.",
              "", "| point | instructions |", "|---|---|"]
    for name, at in sorted(((label, n) for label, counts in marks.items() for n in counts[-1:]), key=lambda row: row[1]):
        lines.append(f"| {POINTS.get(name, name)} | {at:,} |")
    lines += ["", "| function | instructions until the first domain |", "|---|---|"]
    lines += [f"| {name} | {count:,} |" for count, name in where[:MOST]]
    lines.append(f"| all others | {sum(count for count, _ in where[MOST:]):,} |")
    lines += ["", "## Size", "", f"- lines of code at EL2: {size['lines']:,}",
              f"- text and constants at EL2: {size['text']:,} bytes (limit 131,072); header and function names beside them: "
              f"{size['symbols']:,} bytes",
              f"- hypervisor as loaded: {size['image']:,} bytes",
              *[f"- {name}: {count:,} bytes" for name, count in size["systems"].items()], ""]
    return "\n".join(lines)


POINTS = {"first": "the Boot Domain's first instruction", "core": "the hypervisor's core (`upcall_start`)",
          "exit": "the Boot Domain's exit", "guest": "the first domain's first instruction"}


def svg(bulkhead, xen):
    """Bars on a logarithmic scale, Bulkhead above Xen for each figure."""
    shown = names(bulkhead, xen)
    top = max([figure["mean"] for side in (bulkhead, xen) for figure in side.values()] + [10])
    scale = WIDTH / math.log10(top)
    height = len(shown) * (2 * BAR + GAP) + 40
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 130}" height="{height}" '
             'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>',
             '<text x="8" y="16">mean, executed instructions, logarithmic: '
             '<tspan fill="#1b6ca8">Bulkhead</tspan> <tspan fill="#c0504d">Xen 4.17</tspan></text>']
    for row, name in enumerate(shown):
        y = 30 + row * (2 * BAR + GAP)
        parts.append(f'<text x="{LEFT - 6}" y="{y + BAR + 4}" text-anchor="end">{html.escape(name)}</text>')
        for offset, side, colour in ((0, bulkhead, "#1b6ca8"), (BAR, xen, "#c0504d")):
            if name in side:
                mean = side[name]["mean"]
                width = max(1.0, scale * math.log10(max(mean, 1)))
                parts.append(f'<rect x="{LEFT}" y="{y + offset}" width="{width:.1f}" height="{BAR - 1}" fill="{colour}"/>'
                             f'<text x="{LEFT + width + 4:.1f}" y="{y + offset + BAR - 3}">{mean:,}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def write(build, bulkhead, xen, size, boot):
    record = {"bulkhead": bulkhead, "xen": xen, "size": {key: size[key] for key in ("lines", "text", "image")}}
    (build / "bench.json").write_text(json.dumps(record, indent=2) + "\n")
    (build / "bench.md").write_text(markdown(bulkhead, xen, size, boot))
    (build / "bench.svg").write_text(svg(bulkhead, xen))
