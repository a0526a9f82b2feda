#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prove the functions of a file by Frama-C's WP: prove.sh FILE.c FUNCTIONS INCLUDES...  Exit code 0: every goal is proved, those of
# run-time errors too.
set -eu
file=$1 functions=$2
shift 2
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
why3 config detect >/dev/null 2>&1
result=$(frama-c -wp -wp-fct "$functions" -wp-rte -warn-unsigned-overflow -wp-prover cvc4,z3 -wp-timeout 120 -wp-par 2 \
  -cpp-extra-args="$*" "$file" 2>&1) || { printf '%s\n' "$result"; exit 1; }
printf '%s\n' "$result" | grep -E 'Proved goals|Failed|Timeout|Unknown' || true
printf '%s\n' "$result" | sed -n 's/^\[wp\] Proved goals: *\([0-9]*\) *\/ *\([0-9]*\)$/\1 \2/p' |
  { read -r proved all && test "$proved" = "$all" && test "$all" -gt 0; }
