# SPDX-License-Identifier: Apache-2.0
"""What the checking scripts share: the files of the tree, compile commands, running many small commands."""
import json
import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


def files(*folders, suffixes=None, root=ROOT):
    """Paths (relative to root, as text) of the tree's files, sorted: those that git knows or
    would add, or all but build/."""
    if (root / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, check=True).stdout
        names = [name for name in listed.decode().split("\0") if name and (root / name).is_file()]
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*")
                 if path.is_file() and path.relative_to(root).parts[0] != "build"]
    if folders:
        names = [name for name in names if name.startswith(tuple(folder.rstrip("/") + "/" for folder in folders))]
    if suffixes:
        names = [name for name in names if Path(name).suffix in suffixes]
    return sorted(set(names))


def compile_commands(preset, *folders):
    """{source file relative to ROOT: argument list} of a configured preset, of sources under folders."""
    database = BUILD / preset / "compile_commands.json"
    if not database.exists():
        return {}
    commands = {}
    for entry in json.loads(database.read_text()):
        path = Path(os.path.normpath(Path(entry["directory"]) / entry["file"]))
        if not path.is_relative_to(ROOT):
            continue
        name = str(path.relative_to(ROOT))
        if name.startswith(tuple(folder.rstrip("/") + "/" for folder in folders)):
            commands.setdefault(name, entry.get("arguments") or shlex.split(entry["command"]))
    return commands


def run_all(jobs, workers=None):
    """Run (label, argument list) jobs side by side; [(label, exit code, output)] in the order given."""
    def one(job):
        label, command = job
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return label, done.returncode, done.stdout.decode(errors="replace")
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        return list(pool.map(one, jobs))
