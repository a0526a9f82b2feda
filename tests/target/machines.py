# SPDX-License-Identifier: Apache-2.0
"""How a target test starts its machine: each takes (root, out, test) and returns an argument list."""
import re
import struct
import subprocess

from console import Failure

TOOL = "build/bulkhead"
UBOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
UEFI = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"
VIRT = ["qemu-system-aarch64", "-cpu", "cortex-a57", "-smp", "4", "-m", "4G", "-nic", "none", "-display", "none",
        "-monitor", "none", "-serial", "stdio", "-no-reboot", "-machine"]
DESCRIPTOR = 0x1000
# Parts of the descriptor, in order: (offset, size) each, behind magic, version and size.
PARTS = ("hypervisor", "board", "boot_domain", "archive", "runtime")


def build(root, out, test):
    """The image of the test's system; its path."""
    image = out / f"{test['name']}.img"
    subprocess.run([TOOL, "build", test["system"], *test.get("build", []), "-o", str(image)], cwd=root, check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return image


def bulkhead_run(root, out, test):
    """The system description in QEMU, as a user starts it."""
    return [TOOL, "run", test["system"], *test.get("options", [])]


def uboot(root, out, test):
    """U-Boot's prompt, with the image in memory at 0x50000000."""
    image = build(root, out, test)
    return [*VIRT, "virt,virtualization=on,gic-version=3,dtb-randomness=off", "-bios", UBOOT, "-device",
            f"loader,file={image},addr=0x50000000,force-raw=on"]


def uefi(root, out, test):
    """EDK2 starts the image as a UEFI application."""
    image = build(root, out, test)
    return [*VIRT, "virt,virtualization=on,gic-version=3,dtb-randomness=off,acpi=off", "-bios", UEFI, "-kernel",
            str(image)]


def without_el2(root, out, test):
    return [*VIRT, "virt,gic-version=3", "-kernel", str(build(root, out, test))]


def dom0less(root, out, test):
    """An image without archive; the domains are those of a device tree written for Xen, their modules in memory where it
    says. test["options"]: domains, as scripts/run-on-xen.sh takes them, which also runs the same tree on Debian's Xen."""
    tree, image = out / f"{test['name']}.dtb", out / f"{test['name']}.img"
    options = test["options"]
    for command in (["scripts/run-on-xen.sh", *options, "--dtb", str(tree), "--dry-run"],
                    [TOOL, "build", "--dom0less", str(tree), "-o", str(image)]):
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    loaders, address = [], 0x50000000
    for name, value in zip(options, options[1:]):
        if name in ("--kernel", "--ramdisk"):
            loaders += ["-device", f"loader,file={value},addr={address:#x},force-raw=on"]
            address += -(-(root / value).stat().st_size // 0x200000) * 0x200000
    return [TOOL, "run", str(image), "--", "-dtb", str(tree), *loaders]


def on_xen(root, out, test):
    """The same tree and modules on Debian's unmodified Xen."""
    del root, out
    return ["scripts/run-on-xen.sh", *test["options"], "--timeout", str(test["timeout"])]


def part(image, name):
    """(offset, size) of a part of an image, and where the descriptor says so."""
    at = DESCRIPTOR + 16 + 16 * PARTS.index(name)
    return *struct.unpack_from("<QQ", image, at), at


def find(image, what, start=0):
    at = image.find(what, start)
    if at < 0:
        raise ValueError(f"the image does not hold {what!r}")
    return at


def damaged(root, out, test):
    """The image after test["damage"](bytearray), started as `bulkhead run` starts any image."""
    path = build(root, out, test)
    image = bytearray(path.read_bytes())
    test["damage"](image)
    path.write_bytes(image)
    return [*VIRT, "virt,virtualization=on,gic-version=3,dtb-randomness=off", "-kernel", str(path)]


# What a test may do to an image.

def board_of_another_version(image):
    offset, _, _ = part(image, "board")
    struct.pack_into("<I", image, offset + 8, 99)


def archive_cut(image):
    offset, size, at = part(image, "archive")
    struct.pack_into("<QQ", image, at, offset, size // 2)


def archive_without_magic(image):
    offset, _, _ = part(image, "archive")
    image[offset:offset + 6] = b"070702"


def archive_member_too_long(image):
    """The first member says that it is 4 GiB long."""
    offset, _, _ = part(image, "archive")
    image[offset + 54:offset + 62] = b"ffffffff"


def archive_name_endless(image):
    offset, _, _ = part(image, "archive")
    image[offset + 94:offset + 102] = b"ffffffff"


def tree_lies_about_its_size(image):
    offset, _, _ = part(image, "archive")
    at = find(image, b"\xd0\x0d\xfe\xed", offset)
    struct.pack_into(">I", image, at + 4, 0x7FFFFFFF)


def kernel_of_another_machine(image):
    """The guest's ELF header says x86-64."""
    offset, _, _ = part(image, "archive")
    at = find(image, b"\x7fELF", offset)
    struct.pack_into("<H", image, at + 18, 62)


def kernel_larger_than_it_is(image):
    """The guest's first program header asks for 1 TiB of memory."""
    offset, _, _ = part(image, "archive")
    at = find(image, b"\x7fELF", offset)
    table, = struct.unpack_from("<Q", image, at + 32)
    struct.pack_into("<Q", image, at + table + 40, 1 << 40)


def too_little_runtime(image):
    offset, _, at = part(image, "runtime")
    struct.pack_into("<QQ", image, at, offset, 0x1000)


def same_privileges(root, test, log):
    """What the description says about rights, and what test["speakers"] say: the same lines."""
    told = subprocess.run([TOOL, "explain", "privileges", test["system"]], cwd=root, check=True, capture_output=True,
                          text=True).stdout.splitlines()
    for speaker in test["speakers"]:
        seen = set(re.findall(rf"{speaker}(rights over .*?)\r?$", log, re.M))
        seen = [line for line in seen if not any(other.startswith(line) for other in seen - {line})]  # shown as it was written
        if sorted(seen) != sorted(told) or not told:
            raise Failure("\n".join([f"{speaker} says", *seen, "-- the description:", *told]))
