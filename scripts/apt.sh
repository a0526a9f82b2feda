#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# apt-get with package lists of our own under build/deps/apt: /etc/apt and /var/lib/apt stay as they are.
#
#   scripts/apt.sh download NAME:arm64     into the current directory; no root needed
#   scripts/apt.sh source --download-only NAME=VERSION
#   scripts/apt.sh --config                write build/deps/apt/apt.conf and sources.list only
#   scripts/apt.sh install NAME...         root, or with sudo (what scripts/setup.sh does)
#
# The mirrors are the ones that this machine's apt uses. Beside the machine's own release the lists hold
# Debian 12 (bookworm: guests, pinned sources) with updates and backports, sources, and arm64 packages.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/build/deps/apt
keyring=/usr/share/keyrings/debian-archive-keyring
guest_release=bookworm

# What apt would download for an update names every mirror, whatever form the sources are written in.
release_files() {
    mkdir -p "$dir/none/partial"
    apt-get -o Dir::State::Lists="$dir/none" -o Debug::NoLocking=1 update --print-uris 2>/dev/null |
        sed -n "s|^'\(.*\)/dists/\([^/]*\)/InRelease' .*|\2 \1|p" | sort -u
}

write_config() {
    . /etc/os-release
    release=${VERSION_CODENAME:-unknown}
    mirrors=$(release_files)
    base=$(echo "$mirrors" | awk -v r="$release" '$1 == r || $1 == "stable" { print $2; exit }')
    if [ -z "$base" ]; then
        echo "apt.sh: this machine's apt sources name no mirror for Debian $release; add one to /etc/apt/sources.list" >&2
        exit 1
    fi
    for k in gpg pgp; do
        if [ -f "$keyring.$k" ]; then
            signed="[signed-by=$keyring.$k]"
        fi
    done
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    {
        for suite in $(printf '%s\n' "$release" "$guest_release" | sort -u); do
            for part in "$suite" "$suite-updates"; do
                echo "deb ${signed:-} $base $part main"
                echo "deb-src ${signed:-} $base $part main"
            done
        done
        echo "deb ${signed:-} $base $guest_release-backports main"
        echo "$mirrors" | awk -v r="$release-security" -v s="${signed:-}" '$1 == r { print "deb", s, $2, r, "main" }'
    } >"$dir/sources.list"
    {
        echo "Dir::Etc::SourceList \"$dir/sources.list\";"
        echo 'Dir::Etc::SourceParts "-";'
        echo "Dir::State::Lists \"$dir/lists\";"
        echo "Dir::Cache \"$dir/cache\";"
        echo "APT::Architectures { $(dpkg --print-architecture | sed 's/.*/"&"/'); \"arm64\"; };"
        echo 'APT::Sandbox::User "root";'
        echo 'Acquire::Languages "none";'
        echo 'Acquire::Retries "3";'
    } >"$dir/apt.conf"
}

refresh() {
    echo "setup: reading package lists (into build/deps/apt)" >&2
    write_config
    APT_CONFIG=$dir/apt.conf apt-get -qq update >&2
    touch "$dir/lists/.complete"
    fresh=yes
}

run() {
    if [ "$1" = install ]; then
        shift
        sudo=
        if [ "$(id -u)" != 0 ]; then
            sudo=sudo
        fi
        $sudo env APT_CONFIG="$dir/apt.conf" DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
            -o Dir::Cache::archives=/var/cache/apt/archives -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
            install "$@"
    else
        APT_CONFIG=$dir/apt.conf apt-get -q "$@"
    fi
}

if [ "${1:-}" = --config ]; then
    write_config
    exit 0
fi
fresh=no
# Absolute paths are inside the configuration: a tree that was moved gets a new one.
if [ ! -f "$dir/lists/.complete" ] || ! grep -qF "\"$dir/lists\"" "$dir/apt.conf"; then
    refresh
fi
if [ $# = 0 ]; then
    exit 0
fi
# The mirror may have moved on since the lists were read: one look at new lists, then the error is the caller's.
if ! run "$@"; then
    if [ "$fresh" = yes ]; then
        exit 1
    fi
    refresh
    run "$@"
fi
