#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The fuzz campaign: every libFuzzer program of the tree for its share of SECONDS (default 600), as many side by side as
# there are CPUs, starting from the corpus in tests/fuzz/corpus/NAME. Ends with 1 if one of them finds something; the input
# that did it is then in build/fuzz/NAME/.
set -eu
cd "$(dirname "$0")/.."

run_one() {
    name=$(basename "$1")
    work=build/fuzz/$name
    mkdir -p "$work/corpus"
    if ! "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$work/" \
        "$work/corpus" "tests/fuzz/corpus/$name" >"$work/log" 2>&1; then
        tail -n 30 "$work/log" >&2
        echo "fuzz: $name FAILED; see $work/" >&2
        return 1
    fi
    echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") inputs in $2 s, no finding"
}

if [ "${1:-}" = --one ]; then
    run_one "$2" "$3"
    exit
fi
seconds=${1:-600}
scripts/build.sh host-asan
programs=$(find build/host-asan/fuzz -maxdepth 1 -type f -perm -u+x | sort)
if [ -z "$programs" ]; then
    echo "fuzz: build/host-asan/fuzz holds no fuzzer" >&2
    exit 1
fi
share=$((seconds * $(nproc) / $(echo "$programs" | wc -l)))
[ "$share" -ge 1 ] || share=1
echo "fuzz: $(echo "$programs" | wc -l) programs, $share s each"
echo "$programs" | xargs -P "$(nproc)" -I{} "$0" --one {} "$share"
