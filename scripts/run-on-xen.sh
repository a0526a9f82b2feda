#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Boot guests as dom0less domains of Debian's unmodified Xen 4.17 in QEMU: the same kernels that Bulkhead runs,
# for comparison.  Console output goes to standard output (and --log), each domain's with Xen's prefix.
#
# run-on-xen.sh [OPTION...] --kernel FILE [DOMAIN OPTION...] [--kernel FILE [DOMAIN OPTION...]]... [-- QEMU OPTION...]
#   --kernel FILE       begins a domain; arm64 Image (our guests: NAME.bin)
#   --dom0 FILE         begins domain 0 (the options below but --vcpus and --channel); the others then get a xenstore from it
#   --memory MIB        the domain's memory                      (16)
#   --vcpus N           its vCPUs                                (1)
#   --ramdisk FILE
#   --bootargs TEXT
#   --channel PORT      a static event channel to the other one of two domains, PORT at both ends
#   --ram SIZE          of the machine, as QEMU's -m             (4G)
#   --cpus N            of the machine                           (4)
#   --cpu MODEL         (cortex-a57)
#   --xen FILE          (build/deps/xen-4.17/xen)
#   --xen-args TEXT     added to Xen's command line
#   --icount            count instructions, one counter tick each, idle time skipped, as `bulkhead run --icount=4` does
#   --until REGEX       stop when a line matches (Python's syntax); exit code 0
#   --timeout SECONDS   exit code 124 when they pass             (60)
#   --log FILE
#   --dtb FILE          write the device tree given to Xen here and keep it; --dry-run stops then
# Exit code 1: QEMU ended before a line matched.
# [impl->dsn~run-on-xen~1]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

ram=4G cpus=4 cpu=cortex-a57 xen=$root/build/deps/xen-4.17/xen xen_args='' icount='' until='' limit=60 log=/dev/null
dtb='' dry_run=no
domains=0 kind='' enhanced=no-xenstore
work=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

die() {
    echo "run-on-xen: $*" >&2
    exit 2
}

# Modules lie one after the other, 2 MiB-aligned, above Xen and the device tree.
next=$((0x50000000))
loaders=''
place() {
    [ -f "$1" ] || die "no file $1"
    placed=$next
    placed_size=$(stat -L -c %s "$1")
    next=$(((next + placed_size + 0x1fffff) & ~0x1fffff))
    loaders="$loaders -device loader,file=$(realpath "$1"),addr=$placed,force-raw=on"
}

module() {
    place "$2"
    printf 'module@%x { compatible = "multiboot,%s", "multiboot,module"; reg = <0x0 0x%x 0x0 0x%x>; %s };\n' \
        "$placed" "$1" "$placed" "$placed_size" "$3"
}

finish_dom0() {
    {
        echo "xen,dom0-bootargs = \"$bootargs\";"
        module kernel "$kernel" ''
        [ -z "$ramdisk" ] || module ramdisk "$ramdisk" ''
    } >"$work/dom0"
    xen_args="dom0_mem=${memory}M dom0_max_vcpus=1 $xen_args"
    enhanced=enabled
}

finish_domain() {
    [ -n "$kind" ] || return 0
    if [ "$kind" = dom0 ]; then
        finish_dom0
        return 0
    fi
    module kernel "$kernel" "bootargs = \"$bootargs\";" >>"$work/domains"
    if [ -n "$ramdisk" ]; then
        module ramdisk "$ramdisk" '' >>"$work/domains"
    fi
    sed -i "s/@MEMORY@/$((memory * 1024))/; s/@VCPUS@/$vcpus/" "$work/domains"
    echo '};' >>"$work/domains"
}

begin_domain() {
    finish_domain
    kind=$1 kernel=$2 memory=16 vcpus=1 ramdisk='' bootargs=''
    [ "$kind" = domU ] || return 0
    domains=$((domains + 1))
    cat >>"$work/domains" <<EOF
domU$domains { compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; vpl011; xen,enhanced = "@ENHANCED@";
memory = <0 @MEMORY@>; cpus = <@VCPUS@>;
EOF
}

while [ $# -gt 0 ]; do
    case $1 in
    --icount) icount='-icount shift=4,sleep=off -seed 1'; shift; continue ;;
    --dry-run) dry_run=yes; shift; continue ;;
    --) shift; break ;;
    --*) [ $# -ge 2 ] || die "$1 needs a value" ;;
    *) die "unknown argument $1" ;;
    esac
    case $1 in
    --kernel) begin_domain domU "$2" ;;
    --dom0) begin_domain dom0 "$2" ;;
    --memory) memory=$2 ;;
    --vcpus) vcpus=$2 ;;
    --ramdisk) ramdisk=$2 ;;
    --bootargs) bootargs=$2 ;;
    --channel)
        printf 'ec%s: evtchn@%s { compatible = "xen,evtchn-v1"; xen,evtchn = <%s &ec%s>; };\n' \
            "$domains" "$2" "$2" $((3 - domains)) >>"$work/domains" ;;
    --ram) ram=$2 ;;
    --cpus) cpus=$2 ;;
    --cpu) cpu=$2 ;;
    --xen) xen=$2 ;;
    --xen-args) xen_args=$2 ;;
    --until) until=$2 ;;
    --timeout) limit=$2 ;;
    --log) log=$2 ;;
    --dtb) dtb=$2 ;;
    *) die "unknown option $1" ;;
    esac
    shift 2
done
[ "$domains" -gt 0 ] || die "no --kernel given"
finish_domain
[ -f "$xen" ] || die "no $xen; run scripts/fetch-guests.sh xen-4.17"

machine="virt,virtualization=on,gic-version=3,dtb-randomness=off"
qemu="qemu-system-aarch64 -cpu $cpu -smp $cpus -m $ram -nic none -display none -no-reboot"
$qemu -machine "$machine,dumpdtb=$work/board.dtb" >"$work/qemu.log" 2>&1 || { cat "$work/qemu.log" >&2; exit 2; }
{
    dtc -q -I dtb -O dts "$work/board.dtb"
    echo '/ { chosen { #address-cells = <2>; #size-cells = <2>;'
    echo "xen,xen-bootargs = \"console=dtuart dtuart=/pl011@9000000 $xen_args\";"
    [ ! -f "$work/dom0" ] || cat "$work/dom0"
    sed "s/@ENHANCED@/$enhanced/" "$work/domains"
    echo '}; };'
} >"$work/xen.dts"
dtc -q -I dts -O dtb -o "$work/xen.dtb" "$work/xen.dts" || die "dtc refuses the device tree"
[ -z "$dtb" ] || cp "$work/xen.dtb" "$dtb"
[ "$dry_run" = no ] || exit 0

mkfifo "$work/console"
# shellcheck disable=SC2086  # options are lists
timeout "$limit" $qemu -machine "$machine" -serial stdio -monitor none -kernel "$xen" -dtb "$work/xen.dtb" \
    -rtc base=2026-01-01,clock=vm $icount $loaders "$@" >"$work/console" 2>"$work/qemu.log" </dev/null &
pid=$!
code=0
python3 -u -c '
import re, sys
until, log = sys.argv[1], open(sys.argv[2], "w")
for raw in sys.stdin.buffer:
    line = raw.decode(errors="replace").rstrip("\r\n")
    print(line)
    print(line, file=log, flush=True)
    if until and re.search(until, line):
        sys.exit(0)
sys.exit(1)' "$until" "$log" <"$work/console" || code=1
if [ "$code" = 0 ]; then
    exit 0
fi
wait "$pid" || code=$?
pid=
cat "$work/qemu.log" >&2
exit "$code"
