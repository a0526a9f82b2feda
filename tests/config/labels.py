#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the host tool makes of descriptions with labels.  usage: labels.py BULKHEAD WORKDIR"""
import pathlib
import re
import struct
import subprocess
import unittest

import work

ROLES = """system: roles
board: { name: qemu-virt, cpus: 6, memory: 512 MiB }
labels: { extra: [system_u:system_r:dm_t, system_u:system_r:domU_t] }
domains:
  ctl: { role: control, safe: true, cpus: [1], memory: 16 MiB, kernel: flat.bin }
  hw: { role: hardware, memory: 16 MiB, kernel: flat.bin, enhanced: yes }
  store: { role: xenstore, safe: true, cpus: [2], memory: 16 MiB, kernel: flat.bin }
  con: { role: console, memory: 16 MiB, kernel: flat.bin }
  disk: { memory: 16 MiB, kernel: flat.bin, enhanced: yes }
  net: { memory: 16 MiB, kernel: flat.bin, enhanced: yes }
  brake: { safe: true, cpus: [3], memory: 16 MiB, kernel: flat.bin }
  info:
    memory: 16 MiB
    kernel: flat.bin
    enhanced: yes
    console: pv
    disks: [{ name: xvda, backend: disk, device: "7:0" }, { name: xvdb, backend: hw, device: "7:1" }]
    nics: [{ backend: net, mac: 00:16:3e:00:00:01 }]
  plain: { memory: 16 MiB, kernel: flat.bin, seclabel: system_u:system_r:dm_t, argo: any }
channels:
  alarm: { ends: [{ domain: brake, port: 1, min-interval: 1 ms }, { domain: info, port: 1 }] }
shared-memory:
  frames: { size: 4 KiB, domains: [{ domain: brake, address: 0x20000000 }, { domain: plain, address: 0x20000000, read-only: true }] }
"""
NUMBERS = {"ctl": 1, "hw": 2, "store": 3, "con": 4, "disk": 5, "net": 5, "brake": 6, "info": 7, "plain": 8}
CONTEXTS = ["unlabeled_t", "control_t", "hardware_t", "store_t", "console_t", "driver_t", "domU_safe_t", "domU_t", "dm_t"]
LABELS, ROW = 32, 33


def run(*command):
    return subprocess.run([BULKHEAD, *command], capture_output=True, text=True, env=ENVIRONMENT)


def build(text, name):
    """The members of the launch archive."""
    pathlib.Path(f"{name}.yaml").write_text(text)
    result = run("build", f"{name}.yaml", "--hypervisor", "hypervisor.bin", "--boot-domain", "boot.bin", "-o", f"{name}.img")
    assert result.returncode == 0, result.stderr
    subprocess.run([BULKHEAD, "image", f"{name}.img", "--extract-archive", f"{name}.cpio"], check=True, env=ENVIRONMENT,
                   stdout=subprocess.DEVNULL)
    names = subprocess.run(["cpio", "-t", "--quiet", "-F", f"{name}.cpio"], capture_output=True, text=True, check=True).stdout.split()
    read = lambda member: subprocess.run(["cpio", "-i", "--quiet", "--to-stdout", "-F", f"{name}.cpio", member],
                                         capture_output=True, check=True).stdout
    return {member: read(member) for member in names}, result.stderr


def numbers(dtb):
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=dtb, capture_output=True, check=True).stdout.decode()
    found = re.findall(r"bulkhead,label = <0x([0-9a-f]+)>;|bulkhead,name = \"(\w+)\";", text)
    names = [name for _, name in found if name in NUMBERS]
    return dict(zip(names, [int(number, 16) for number, _ in found if number]))


class Labels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.members, cls.said = build(ROLES, "roles")
        cls.matrix = cls.members["labels"]

    def allowed(self, source, target):
        return struct.unpack_from("<I", self.matrix, 16 + 4 * (ROW * source + target))[0]

    def test_the_archive_has_the_matrix(self):
        """[utest->dsn~label-archive~1]"""
        self.assertEqual(len(self.matrix), 16 + 4 * LABELS * ROW + 64 * LABELS + 32 * 32)
        self.assertEqual(struct.unpack_from("<4sIII", self.matrix), (b"BLL1", 9, 0, 0))
        names = [self.matrix[16 + 4 * LABELS * ROW + 64 * i:][:64].rstrip(b"\0").decode() for i in range(LABELS)]
        self.assertEqual(names, [f"system_u:system_r:{name}" for name in CONTEXTS] + [""] * (LABELS - 9))

    def test_each_domain_has_the_number_of_its_label_the_default_one_by_role(self):
        """[utest->dsn~label-archive~1] [utest->dsn~label-compile~1]"""
        self.assertEqual(numbers(self.members["launch.dtb"]), NUMBERS)

    def test_what_the_example_connects_is_allowed(self):
        """[utest->dsn~label-links~1]"""
        self.assertEqual(self.said, "")

    def test_the_control_domain_manages_all_but_the_safe_ones_and_itself(self):
        """[utest->dsn~label-default-policy~1]"""
        destroy = 1 << 1
        managed = [CONTEXTS[i] for i in range(9) if self.allowed(1, i) & destroy]
        self.assertEqual(managed, ["hardware_t", "store_t", "console_t", "driver_t", "domU_t", "dm_t"])
        self.assertFalse(any(self.allowed(i, j) & destroy for i in range(9) if i != 1 for j in range(9)))

    def test_permissive_is_a_flag_and_said(self):
        """[utest->dsn~label-compile~1]"""
        members, said = build(ROLES.replace("labels: {", "labels: { mode: permissive,"), "permissive")
        self.assertEqual(struct.unpack_from("<I", members["labels"], 8)[0], 1)
        self.assertIn("the labels are permissive", said)

    def test_without_labels_nothing_changes(self):
        """[utest->dsn~label-archive~1]"""
        text = re.sub(", seclabel: [a-zA-Z_:]+", "", re.sub("labels: .*\n", "", ROLES))
        members, _ = build(text, "plain")
        self.assertNotIn("labels", members)
        self.assertNotIn(b"bulkhead,label", members["launch.dtb"])
        self.assertEqual(run("explain", "labels", "plain.yaml").stdout, "plain.yaml: no labels: rights alone decide\n")

    def test_inspect_shows_them(self):
        """[utest->dsn~label-archive~1]"""
        text = run("inspect", "roles.img").stdout
        self.assertEqual(text.count("    label       system_u:system_r:driver_t\n"), 2)
        self.assertNotIn("nobody uses it", text)

    def test_explain_lists_labels_and_what_each_may(self):
        """[utest->dsn~label-explain~1]"""
        text = run("explain", "labels", "roles.yaml").stdout
        self.assertTrue(text.startswith("9 labels, enforcing\n"), text)
        self.assertRegex(text, r"\n   5 system_u:system_r:driver_t +disk, net\n")
        self.assertRegex(text, r"\n   0 system_u:system_r:unlabeled_t +\(what has no label\)\n")
        self.assertRegex(text, r"\n  dm_t +domU_t +device-model event grant-read grant-write argo-send argo-register\n")
        self.assertRegex(text, r"\n  control_t +\(platform\) +create platform schedule console measurement info\n")
        self.assertNotRegex(text, r"\n  unlabeled_t ")
        listed = dict(re.findall(r"\n  (control_t +domU_t) +(.*)", text))
        self.assertEqual(len(list(listed.values())[0].split()), bin(self.allowed(1, 7)).count("1"))

    def test_explain_writes_contexts_out_where_types_are_not_enough(self):
        """[utest->dsn~label-explain~1]"""
        pathlib.Path("short.yaml").write_text("""system: x
board: { name: qemu-virt, cpus: 2, memory: 512 MiB }
labels: { mode: permissive, extra: [system_u:object_r:domU_t] }
domains: { a: { memory: 16 MiB, kernel: flat.bin } }
""")
        text = run("explain", "labels", "short.yaml").stdout
        self.assertTrue(text.startswith("3 labels, permissive: refusals are logged, and allowed\n"), text)
        self.assertRegex(text, r"\n  system_u:object_r:domU_t system_u:system_r:domU_t ")

    def test_explain_refuses_what_check_refuses(self):
        """[utest->dsn~label-explain~1]"""
        pathlib.Path("bad.yaml").write_text("system: x\n")
        for command in (["bad.yaml"], ["nothere.yaml"]):
            result = run("explain", "labels", *command)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(run("explain", "labels", "a", "b").returncode, 2)

    def test_the_key_is_explained_too(self):
        """[utest->dsn~label-explain~1]"""
        self.assertIn("The label policy", run("explain", "labels").stdout)


if __name__ == "__main__":
    BULKHEAD, ENVIRONMENT = work.enter()
    work.run_tests()
