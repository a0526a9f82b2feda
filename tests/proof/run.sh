#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Check a Promela model completely: run.sh MODEL.  Exit code 0: every state was reached and none is bad.
set -eu
model=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
spin -a "$model"
cc -O2 -DSAFETY -DCOLLAPSE -DVECTORSZ=256 -o pan pan.c
./pan -m1000000 | tee result
grep -q 'errors: 0$' result
! grep -qE 'max search depth too small|search was not completed|aborted' result
