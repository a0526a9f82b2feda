# SPDX-License-Identifier: Apache-2.0
"""What each script here begins with.  usage: SCRIPT BULKHEAD WORKDIR [TEST...]"""
import os
import pathlib
import struct
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DESCRIPTOR = 0x1000


def write(name, data):
    pathlib.Path(name).write_bytes(data.encode() if isinstance(data, str) else data)


def hypervisor():
    """The least that the tool takes for a hypervisor: its headers and its descriptor."""
    data = bytearray(0x1100)
    for offset, form, *values in ((0, "<H", 0x5A4D), (56, "<4s", b"ARM\x64"), (60, "<I", 64), (64, "<4sHH", b"PE\0\0", 0xAA64, 1),
                                  (64 + 20, "<HHH", 160, 0x206, 0x20B), (DESCRIPTOR, "<QII", 0x474D494B4C554221, 1, 112),
                                  (DESCRIPTOR + 16, "<QQ", 0, len(data))):
        struct.pack_into(form, data, offset, *values)
    return bytes(data)


def enter():
    """Into the working directory, where small images are put.  Returns the tool's path, and the environment it runs in."""
    bulkhead = str(pathlib.Path(sys.argv[1]).resolve())
    os.makedirs(sys.argv[2], exist_ok=True)
    os.chdir(sys.argv[2])
    for name, data in (("hypervisor.bin", hypervisor()), ("boot.bin", "boot domain"), ("flat.bin", "flat")):
        write(name, data)
    return bulkhead, dict(os.environ, BULKHEAD_ROOT=str(ROOT))


def decompile(tree):
    """A device tree as dtc 1.7 prints it: older ones print a list of strings as one, with \\0 between them."""
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=tree, capture_output=True,
                          check=True).stdout.decode().replace("\\0", '", "')


def run_tests():
    """Those of the script, or the ones that are named."""
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:])
