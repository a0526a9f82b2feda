#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configure and build CMake presets into build/PRESET; progress in one line on a terminal, quiet otherwise.
set -eu
cd "$(dirname "$0")/.."
for preset in "$@"; do
    if [ ! -f "build/$preset/build.ninja" ] || [ CMakePresets.json -nt "build/$preset/build.ninja" ]; then
        mkdir -p "build/$preset"
        if ! cmake --preset "$preset" >"build/$preset/configure.log" 2>&1; then
            cat "build/$preset/configure.log" >&2
            echo "build: preset $preset cannot be configured" >&2
            exit 1
        fi
    fi
    if [ -t 1 ]; then
        NINJA_STATUS="build $preset [%f/%t] " ninja -C "build/$preset" --quiet -j "$(nproc)"
    else
        ninja -C "build/$preset" --quiet -j "$(nproc)"
    fi
done
