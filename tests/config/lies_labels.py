# SPDX-License-Identifier: Apache-2.0
"""Label policies that cannot be used, made from the default one; part of lies.py. [utest->dsn~label-compile~1]
[utest->dsn~label-archive~1]
"""
import pathlib
import subprocess

SYSTEM = """system: x
board: qemu-virt
labels: {{ policy: {policy}{more} }}
domains:
  a: {{ memory: 16 MiB, kernel: flat.bin{domain} }}
"""
LEVELS = [("# ---- types ----", "sensitivity s0;\ndominance { s0 }\nlevel s0;\nmlsconstrain domain destroy (l1 eq l2);\n"),
          ("user system_u roles system_r;", "user system_u roles system_r level s0 range s0;"), ("_t\n", "_t:s0\n")]
CONTEXT = "sid domU system_u:system_r:domU_t\n"


def system(policy="lie.conf", more="", domain=""):
    return SYSTEM.format(policy=policy, more=more, domain=domain)


def changed(text, *changes):
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def with_levels(text):
    """Contexts of initial sids get a level."""
    head, tail = changed(text, *LEVELS[:2]).rsplit("user system_u", 1)
    return head + "user system_u" + changed(tail, LEVELS[2])


def compiled(text, *options):
    pathlib.Path("made.conf").write_text(text)
    subprocess.run(["checkpolicy", *options, "-o", "lie.pol", "made.conf"], check=True, capture_output=True)
    return pathlib.Path("lie.pol").read_bytes()


XEN = ("-t", "Xen", "-c", "30")


def last_sid(data):
    """Where the binary has the number of its last initial sid: behind how many there are, the highest first."""
    return data.rindex(2 * (12).to_bytes(4, "little")) + 4


def sources():
    """Name, changes of the default policy, and what the description says."""
    many = " ".join(f"t{i}_t" for i in range(31))
    none = ("# ----", "#")
    long = "domU_with_a_name_that_is_longer_than_the_log_wants_t"
    return [
        ("good", [none], {}),
        ("file", [none], {"policy": "nothere.conf"}),
        ("syntax", [("role system_r;", "roll system_r;")], {}),
        ("unknown-type", [(CONTEXT, "sid domU system_u:system_r:no_t\n")], {}),
        ("neverallow", [("role system_r;", "allow control_t domU_safe_t:domain pause;\nrole system_r;")], {}),
        ("without-checkpolicy", [none], {}),
        ("booleans", [("role system_r;", "bool open true;\nif (open) { allow domU_t domU_t:hvm dm; }\nrole system_r;"),
                      ("neverallow ~{ control_t dm_t } domain_type:{ domain2 hvm } *;", "")], {}),
        ("permissive", [("role system_r;", "permissive domU_t;\nrole system_r;")], {}),
        ("devices", [(CONTEXT, CONTEXT + "pirqcon 33 system_u:object_r:irq_t\n")], {}),
        ("sids", [(CONTEXT, ""), ("sid domU\n", "")], {}),
        ("class", [("soft_reset", "warm_reset")], {}),
        ("levels", LEVELS[:1], {}),
        ("many", [("# ---- types ----", "".join(f"type {name};\n" for name in many.split())),
                  ("security_t unlabeled_t domain_type", f"security_t unlabeled_t domain_type {many}")],
         {"more": ", extra: [" + ", ".join(f"system_u:system_r:{name}" for name in many.split()) + "]"}),
        ("long", [("domU_t", long)], {"domain": f", seclabel: system_u:system_r:{long}"}),
        ("other-default", [("domU_t", "guest_t")], {}),
        ("user", [none], {"domain": ", seclabel: root:system_r:domU_t"}),
        ("own-labels", [none], {"domain": ", seclabel: system_u:system_r:driver_t",
                                "more": ", mode: permissive, extra: [system_u:system_r:domU_t]"}),
        ("level-in-label", [none], {"domain": ", seclabel: \"system_u:system_r:domU_t:s0\""}),
        ("extra", [none], {"more": ", extra: [system_u:system_r:domU_t, nobody]"}),
    ]


def binary(default, sid=None):
    """The default policy, compiled; with this number in place of the last initial sid's."""
    data = bytearray(compiled(default, *XEN))
    if sid is not None:
        data[last_sid(data)] = sid
    return data


def add_policies(case, write, default):
    def policy(name, make_policy, file="lie.conf", **more):
        @case("label-" + name, "check", "lie.yaml")
        def make():
            write("flat.bin", "flat")
            write(file, make_policy())
            write("lie.yaml", system(more.pop("policy", file), **more))

    for name, changes, more in sources():
        policy(name, lambda changes=changes: changed(default, *changes), **more)
    policy("empty", lambda: "")
    policy("binary-good", lambda: binary(default), "lie.pol")
    policy("binary-levels", lambda: compiled(with_levels(default), "-M", *XEN), "lie.pol")
    policy("binary-target", lambda: compiled(default), "lie.pol")
    policy("binary-cut", lambda: binary(default)[:2000], "lie.pol")
    policy("binary-magic", lambda: binary(default)[:4], "lie.pol")
    policy("binary-sid-twice", lambda: binary(default, 11), "lie.pol")
    policy("binary-sid-beyond", lambda: binary(default, 14), "lie.pol")


def add(case, write, root, lies):
    # ---- compiled policies in a launch archive ----
    matrix = (0x314C4C42).to_bytes(4, "little") + (2).to_bytes(4, "little") + bytes(7304)

    def lie_matrix(name, data, label="bulkhead,label = <1>;"):
        lies.lie_archive("labels-" + name, lambda: lies.cpio(
            [("launch.dtb", lies.launch(lies.domain(extra=label))), ("labels", data), lies.FLAT]))

    add_policies(case, write, (root / "policy/default.conf").read_text())
    lie_matrix("good", matrix)
    lie_matrix("cut", matrix[:-1])
    lie_matrix("magic", b"x" + matrix[1:])
    lie_matrix("count", matrix[:4] + bytes(4) + matrix[8:])
    lie_matrix("many", matrix[:4] + (33).to_bytes(4, "little") + matrix[8:])
    lie_matrix("text", matrix[:16 + 4224] + b"x" * 64 + matrix[16 + 4224 + 64:])
    lie_matrix("domain", matrix, "bulkhead,label = <2>;")
    lie_matrix("number", matrix, "bulkhead,label = <32>;")
