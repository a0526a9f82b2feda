#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make a Debian 12 or 13 machine ready to build, run and test Bulkhead: install what scripts/packages.txt
# lists and is missing, then fetch sources and guests into build/deps. Says what it does; says nothing when
# there is nothing to do. Run it as root or as a user who may use sudo; /etc/apt stays as it is.
# [impl->dsn~setup~1]
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/deps
log=build/setup.log

say() {
    echo "setup: $*"
}

die() {
    echo "setup: $*" >&2
    exit 1
}

is_installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# name@release: only there.
missing_packages() {
    . /etc/os-release
    sed 's/#.*//; s/ .*//; /^$/d' scripts/packages.txt | while read -r name; do
        case $name in
        *"@${VERSION_CODENAME:-}") name=${name%@*} ;;
        *@*) continue ;;
        esac
        if ! is_installed "$name"; then
            echo "$name"
        fi
    done
}

qemu_major() {
    qemu-system-aarch64 --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p'
}

# One line that moves on a terminal, silence otherwise; everything goes to the log.
show_progress() {
    if [ -t 1 ]; then
        tee -a "$log" | awk '/^(Get:|Unpacking|Setting up)/ {
            n++; printf "\r\033[Ksetup: %4d  %.60s", n, ($1 ~ /^Get:/ ? "fetch " $5 : $0); fflush() } END { printf "\r\033[K" }'
    else
        cat >>"$log"
    fi
}

install_packages() {
    say "installing $(echo "$*" | wc -w) packages with apt (log: $log):"
    echo "$*" | fold -s -w 100 | sed 's/^/    /'
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "needs root: run it as root, or install sudo"
    fi
    # The status of apt, not of the progress display.
    { scripts/apt.sh install "$@" 2>&1 || touch build/deps/.install-failed; } | show_progress
    if [ -f build/deps/.install-failed ]; then
        rm -f build/deps/.install-failed
        tail -n 15 "$log" >&2
        die "apt could not install the packages above; see $log"
    fi
}

check_system() {
    . /etc/os-release
    case "${ID:-} ${VERSION_ID:-}" in
    "debian 12" | "debian 13") ;;
    *) die "this is ${PRETTY_NAME:-not Debian}; needed: Debian 12 or 13" ;;
    esac
    release=$VERSION_CODENAME
}

install_missing() {
    : >"$log"
    missing=$(missing_packages | grep -vx qemu-system-arm || true)
    if [ -n "$missing" ]; then
        check_system
        # shellcheck disable=SC2086
        install_packages $missing
    fi
    if [ "$(qemu_major || true)" -ge 10 ] 2>/dev/null; then
        return
    fi
    check_system
    if [ "$release" = bookworm ]; then
        install_packages -t bookworm-backports qemu-system-arm
    else
        install_packages qemu-system-arm
    fi
    [ "$(qemu_major)" -ge 10 ] || die "QEMU 10 or later is needed, this is $(qemu_major); remove the other qemu-system-aarch64 from PATH"
}

# Xen's public headers under a directory of their own, so that nothing else of /usr/include is seen by the target.
link_headers() {
    mkdir -p build/deps/xen-include
    ln -sfn /usr/include/xen build/deps/xen-include/xen
}

install_missing
link_headers
for step in fetch-sources fetch-guests make-initramfs; do
    if [ -x "scripts/$step.sh" ]; then
        "scripts/$step.sh"
    fi
done
