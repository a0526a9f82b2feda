# SPDX-License-Identifier: Apache-2.0
"""The set-up finds the machine's mirror whatever form its sources have, and leaves a ready machine alone.
[utest->dsn~setup~1]
"""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELEASE = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines()
               if "=" in line)["VERSION_CODENAME"]
ONE_LINE = f"deb [arch=amd64,arm64] http://mirror.example/debian {RELEASE} main contrib # comment\n"
STANZA = f"""Types: deb
URIs: http://mirror.example/debian
Suites: {RELEASE} {RELEASE}-updates
Components: main

Types: deb
URIs: http://security.example/debian-security
Suites: {RELEASE}-security
Components: main
"""


class Setup(unittest.TestCase):
    def configure(self, name, text):
        """The result of apt.sh --config with one source file: (exit code, sources.list, message)."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "scripts").mkdir()
            (root / "parts").mkdir()
            shutil.copy(ROOT / "scripts" / "apt.sh", root / "scripts")
            (root / "parts" / name).write_text(text)
            (root / "apt.conf").write_text(f'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "{root}/parts";\n')
            done = subprocess.run([root / "scripts" / "apt.sh", "--config"], capture_output=True, text=True, check=False,
                                  env=dict(os.environ, APT_CONFIG=str(root / "apt.conf")))
            made = root / "build" / "deps" / "apt" / "sources.list"
            return done.returncode, made.read_text() if made.exists() else "", done.stderr

    def test_one_line_source(self):
        code, made, _ = self.configure("a.list", ONE_LINE)
        self.assertEqual(code, 0)
        self.assertIn(f"http://mirror.example/debian {RELEASE} main\n", made)
        self.assertIn("http://mirror.example/debian bookworm-backports main\n", made)

    def test_deb822_source(self):
        code, made, _ = self.configure("a.sources", STANZA)
        self.assertEqual(code, 0)
        self.assertIn(f"http://mirror.example/debian {RELEASE}-updates main\n", made)
        self.assertIn(f"http://security.example/debian-security {RELEASE}-security main\n", made)

    def test_no_source_for_this_release(self):
        code, _, message = self.configure("a.list", "deb http://mirror.example/debian buster main\n")
        self.assertEqual(code, 1)
        self.assertIn(f"name no mirror for Debian {RELEASE}", message)

    def test_a_ready_machine_is_left_alone(self):
        log = (ROOT / "build" / "setup.log")
        done = subprocess.run([ROOT / "scripts" / "setup.sh"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(log.read_text(), "")


if __name__ == "__main__":
    unittest.main()
