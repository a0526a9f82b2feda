#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second compiler and a static analyser over the sources that ship.

check_compile.py gcc    GCC compiles what clang compiles, warnings are errors
check_compile.py tidy   clang-tidy with the tree's .clang-tidy; a file that did not change is not looked at again

Both take the sources and their options from the compile commands of the configured presets.
"""
import hashlib
import re
import sys
from pathlib import Path

import tree

GCC = {"arm64": "aarch64-linux-gnu-gcc", "host": "gcc"}
SECOND = {"arm64": ("hypervisor", "bootdomain", "guests"), "host": ("tools",)}
TIDY = {"arm64": ("hypervisor", "bootdomain"), "host": ("tools",)}
TIDY_STAMPS = tree.BUILD / "check" / "tidy"
# Options that only clang knows, or that choose its target, output and instrumentation.
CLANG_ONLY = ("--target=", "-fuse-ld", "-Wthread-safety", "-Wno-thread-safety", "-fcoverage", "-fprofile", "-fsanitize",
              "-fno-sanitize", "-Weverything", "-fcolor-diagnostics", "-fintegrated-as", "-Wno-gnu", "-Wno-c99-designator",
              "-Wimplicit-int-conversion", "-Wno-unused-command-line-argument", "-mllvm", "-fdebug-prefix-map")
# GCC's own limits.h then does not look for the C library's, which is not there.
GCC_FREESTANDING = {"arm64": ["-D_LIBC_LIMITS_H_"], "host": []}
GCC_WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wvla", "-Wstrict-prototypes", "-Wmissing-prototypes",
                "-Wlogical-op", "-Wduplicated-cond",
                # clang judges these: GCC wants more than a cast to void, and knows one signedness of char only.
                "-Wno-unused-result", "-Wno-type-limits", "-Wno-unknown-pragmas"]


def source_options(arguments):
    """The options of a compile command that say what is compiled: no output, no source, no compiler."""
    options, skip = [], False
    for argument in arguments[1:]:
        if skip:
            skip = False
        elif argument in ("-o", "-MF", "-MT", "-MQ", "-target", "-Xclang"):
            skip = True
        elif argument in ("-c", "-MD", "-MMD") or argument.endswith((".c", ".S")):
            continue
        else:
            options.append(argument)
    return options


def gcc_options(options):
    return [option for option in options if not option.startswith(CLANG_ONLY)]


def is_third_party(name):
    return name.startswith("build/")


def commands_of(table):
    for preset, folders in table.items():
        for name, arguments in sorted(tree.compile_commands(preset, *folders).items()):
            if name.endswith(".c") and not is_third_party(name):
                yield preset, name, arguments


def told(output):
    """The findings without the paths to them; all of the output if none looks like a finding."""
    lines = [line for line in output.splitlines() if re.search(r": (fatal )?(error|warning): ", line)]
    return lines or output.splitlines()


def report(results, title):
    failed = 0
    for label, code, output in results:
        if code != 0:
            failed += 1
            print(f"{label}: error: {title}")
            print("\n".join(told(output)))
    print(f"{title}: {len(results)} files, {failed} with findings")
    return 1 if failed else 0


def nothing_configured(table):
    """A preset without compile commands would pass every check."""
    missing = [preset for preset in table if not tree.compile_commands(preset, *table[preset])]
    for preset in missing:
        print(f"error: build/{preset} holds no compile commands; run make first")
    return bool(missing)


def second_compiler():
    if nothing_configured(SECOND):
        return 1
    jobs = [(name, [GCC[preset], *gcc_options(source_options(arguments)), *GCC_FREESTANDING[preset], *GCC_WARNINGS, "-O2", "-c", name, "-o",
                    "/dev/null"]) for preset, name, arguments in commands_of(SECOND)]
    return report(tree.run_all(jobs), "second compiler")


def fingerprint(name, options):
    """Of all that clang-tidy's verdict depends on: the preprocessed source, the options, the rules."""
    preprocessed = tree.run_all([(name, ["clang-19", *options, "-E", "-P", name])], 1)[0][2]
    rules = (tree.ROOT / ".clang-tidy").read_text()
    source = (tree.ROOT / name).read_text(errors="replace")
    return hashlib.sha256("\0".join([preprocessed, source, rules, *options]).encode()).hexdigest()


def static_analysis():
    if nothing_configured(TIDY):
        return 1
    TIDY_STAMPS.mkdir(parents=True, exist_ok=True)
    jobs, stamps = [], {}
    # The host tool walks nested descriptions by recursion; what runs on the target may not.
    extra = {"arm64": [], "host": ["--checks=-misc-no-recursion"]}
    for preset, name, arguments in commands_of(TIDY):
        options = source_options(arguments)
        stamp = TIDY_STAMPS / fingerprint(name, options)
        if not stamp.exists():
            stamps[name] = stamp
            jobs.append((name, ["clang-tidy-19", "--quiet", "-p", f"build/{preset}", *extra[preset], name]))
    results = tree.run_all(jobs)
    for name, code, _ in results:
        if code == 0:
            stamps[name].touch()
    return report(results, "clang-tidy")


def main(arguments):
    actions = {"gcc": second_compiler, "tidy": static_analysis}
    if len(arguments) != 1 or arguments[0] not in actions:
        print(__doc__, file=sys.stderr)
        return 2
    return actions[arguments[0]]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
