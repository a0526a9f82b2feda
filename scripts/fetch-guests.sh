#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetch the unmodified guests from Debian into build/deps; nothing is installed, each package is only unpacked:
#   linux-6.1/vmlinuz, linux-6.12/vmlinuz   Debian kernels for arm64, with the Xen and VirtIO modules beside them
#   linux-6.1-rt/vmlinuz                    the same with PREEMPT_RT
#   modules-6.1/*.ko, modules-6.12/*.ko     their modules that the tests of paravirtual devices load
#   busybox/busybox                         static, for the initramfs
#   u-boot-xenguest/u-boot.bin              U-Boot for a Xen guest, built from the source that fetch-sources.sh fetched
#   libxen/usr                              libxenctrl and the C library, static, and their headers: of this machine's release
#   xen-4.17/xen                            Debian's Xen, which `make bench` measures beside Bulkhead
#   cyclictest/*                            rt-tests' latency measurement with its libraries, for a domain of `make bench-rt`
#   xen-tools-4.17/*                        its xenstored and init-dom0less with their libraries, for a domain 0 of `make bench-pv`
# Does nothing where they are there. `fetch-guests.sh NAME...` fetches only the named ones.
# [impl->dsn~fetch-guests~1]
set -eu
cd "$(dirname "$0")/.."
root=$PWD
deps=$root/build/deps
work=$deps/guests.part.$$ # others may fetch at the same time
trap 'rm -rf "$work"' EXIT

die() {
    echo "fetch-guests: $*" >&2
    exit 1
}

# Every version of package $1 that the lists know, one "Depends" entry a line.
depends_of() {
    APT_CONFIG=$deps/apt/apt.conf apt-cache show "$1" 2>/dev/null | sed -n 's/^Depends: //p' | tr ',' '\n' |
        sed 's/^ *//; s/ .*//'
}

# The versioned image package of kernel series $1 (6.1, 6.12, 6.1-rt) behind linux-image-arm64, linux-image-rt-arm64.
kernel_package() {
    case $1 in
    *-rt) flavour=rt-arm64 ;;
    *) flavour=arm64 ;;
    esac
    depends_of "linux-image-$flavour:arm64" |
        grep "^linux-image-$(echo "${1%-rt}" | sed 's/\./\\./g')\.[0-9].*-$flavour\$" | sort -V | tail -n 1
}

# Download package $1 and unpack the paths that follow (tar patterns) into $work/root.
unpack() {
    package=$1
    shift
    rm -rf "$work"
    mkdir -p "$work/root"
    echo "setup: fetching $package (unpacked into build/deps, not installed)"
    (cd "$work" && "$root/scripts/apt.sh" download "$package:arm64" >"$work/log" 2>&1) || {
        tail -n 5 "$work/log" >&2
        die "cannot download $package:arm64; see the messages of apt above"
    }
    set -- --wildcards "$@"
    dpkg-deb --fsys-tarfile "$work"/*.deb | tar -C "$work/root" -xf - "$@" 2>"$work/log" || {
        cat "$work/log" >&2
        die "$package does not hold what is expected of it"
    }
}

# Put what was unpacked in place in one step, so an interrupted run starts over.
settle() {
    basename "$work"/*.deb .deb >"$work/root/VERSION"
    rm -rf "${deps:?}/$1"
    mv "$work/root" "$deps/$1"
    rm -rf "$work"
}

fetch_linux() {
    series=$1
    name=linux-$series
    [ ! -f "$deps/$name/VERSION" ] || return 0
    scripts/apt.sh
    package=$(kernel_package "$series")
    [ -n "$package" ] || die "no linux-image of series $series in the package lists; remove build/deps/apt to read them again"
    unpack "$package" './boot/vmlinuz-*' '*/kernel/drivers/xen/*' '*/xen-*.ko*' '*/virtio*.ko*' '*/modules.*'
    mv "$work"/root/boot/vmlinuz-* "$work/root/vmlinuz"
    rmdir "$work/root/boot"
    settle "$name"
}

# Of the kernel that is there, so that they fit; where the lists have only a later one, that one replaces it.
fetch_modules() {
    fetch_linux "$1"
    have=$(cat "$deps/linux-$1/VERSION")
    [ "$have" != "$(cat "$deps/modules-$1/VERSION" 2>/dev/null)" ] || return 0
    scripts/apt.sh
    package=$(kernel_package "$1")
    [ "$package" = "${have%%_*}" ] || rm -rf "${deps:?}/linux-$1"
    unpack "$package" '*/fs/ext4/ext4.ko*' '*/fs/jbd2/jbd2.ko*' '*/fs/mbcache.ko*' '*/lib/crc16.ko*' \
        '*/crypto/crc32c_generic.ko*' '*/drivers/block/loop.ko*' '*/xen-blkfront.ko*' '*/xen-blkback.ko*' \
        '*/xen-netfront.ko*' '*/xen-netback.ko*' '*/xenfs.ko*' '*/xen-privcmd.ko*'
    [ "$(basename "$work"/*.deb .deb)" = "$have" ] || rm -rf "${deps:?}/linux-$1"
    mkdir "$work/flat"
    find "$work/root" -name '*.ko*' -exec mv {} "$work/flat" \;
    find "$work/flat" -name '*.xz' -exec xz -d {} +
    rm -rf "$work/root"
    mv "$work/flat" "$work/root"
    settle "modules-$1"
    fetch_linux "$1"
}

fetch_busybox() {
    [ ! -f "$deps/busybox/VERSION" ] || return 0
    unpack busybox-static '*/bin/busybox'
    mv "$(find "$work/root" -name busybox -type f)" "$work/busybox"
    rm -rf "$work/root"
    mkdir "$work/root"
    mv "$work/busybox" "$work/root/busybox"
    settle busybox
}

fetch_xen() {
    [ ! -f "$deps/xen-4.17/VERSION" ] || return 0
    unpack xen-hypervisor-4.17-arm64 './boot/xen-4.17-arm64'
    mv "$work/root/boot/xen-4.17-arm64" "$work/root/xen"
    rmdir "$work/root/boot"
    settle xen-4.17
}

# Of the Xen whose headers the hypervisor is built with: interface versions differ from release to release.
# [impl->dsn~stock-libxenctrl~1]
fetch_libxen() {
    series=$(dpkg-query -W -f '${Version}' libxen-dev | cut -d. -f1,2)
    case $(cat "$deps/libxen/VERSION" 2>/dev/null) in
    "libxen-dev_$series."*) return 0 ;;
    esac
    unpack libc6-dev './usr/include/*' '*/crt*.o' '*/libc.a'
    rm -rf "$deps/libxen.part"
    mv "$work/root" "$deps/libxen.part"
    unpack libxen-dev './usr/include/*' '*/libxen*.a' '*/pkgconfig/*'
    cp -a "$deps/libxen.part/." "$work/root"
    rm -rf "$deps/libxen.part"
    settle libxen
    case $(cat "$deps/libxen/VERSION") in
    "libxen-dev_$series."*) ;;
    *) die "libxen-dev is $series.x on this machine, but $(cat "$deps/libxen/VERSION") for arm64; update libxen-dev" ;;
    esac
}

# Programs and libraries as they lie in /bin and /lib of an initramfs.
fetch_xen_tools() {
    tools=$deps/xen-tools-4.17
    [ ! -f "$tools/VERSION" ] || return 0
    rm -rf "$tools"
    mkdir -p "$tools/bin" "$tools/lib"
    for package in libc6 zlib1g libuuid1 libfdt1 libyajl2 libxenmisc4.17 libxentoollog1 libxenstore4 libxencall1 libxenevtchn1 \
        libxenforeignmemory1 libxengnttab1 libxendevicemodel1 libxenhypfs1 libxentoolcore1 xenstore-utils xen-utils-4.17; do
        unpack "$package" '*'
        for name in bin/xenstored bin/xenstore-write bin/xenstore-chmod bin/init-dom0less lib/ld-linux-aarch64.so.1 \
            lib/libc.so.6 lib/libz.so.1 lib/libuuid.so.1 lib/libfdt.so.1 lib/libyajl.so.2 'lib/libxen*.so.[0-9]' 'lib/libxen*.so.4.17'; do
            find "$work/root" -path "*/${name%/*}/*" -name "${name#*/}" -exec cp -L {} "$tools/${name%/*}" \;
        done
    done
    basename "$work"/*.deb .deb >"$tools/VERSION"
    rm -rf "$work"
}

fetch_cyclictest() {
    program=$deps/cyclictest
    [ ! -f "$program/VERSION" ] || return 0
    rm -rf "$program"
    mkdir -p "$program/bin" "$program/lib"
    unpack libc6 '*/ld-linux-aarch64.so.1' '*/libc.so.6' '*/librt.so.1' '*/libpthread.so.0'
    find "$work/root" -type f -exec cp {} "$program/lib" \;
    unpack libnuma1 '*/libnuma.so.1*'
    find "$work/root" -type f -exec cp {} "$program/lib/libnuma.so.1" \;
    unpack rt-tests '*/bin/cyclictest'
    find "$work/root" -type f -exec cp {} "$program/bin" \;
    basename "$work"/*.deb .deb >"$program/VERSION"
    rm -rf "$work"
}

# [impl->dsn~guest-u-boot~1]
fetch_u_boot() {
    [ ! -f "$deps/u-boot-xenguest/VERSION" ] || return 0
    [ -d "$deps/src/u-boot" ] || die "no source of U-Boot; run scripts/fetch-sources.sh"
    echo "setup: building U-Boot for a Xen guest"
    rm -rf "$work"
    mkdir -p "$work/root"
    for target in xenguest_arm64_defconfig u-boot.bin; do
        SOURCE_DATE_EPOCH=1767225600 make -s -j"$(nproc)" -C "$deps/src/u-boot" O="$work/build" CROSS_COMPILE=aarch64-linux-gnu- \
            "$target" >"$work/log" 2>&1 || {
            tail -n 5 "$work/log" >&2
            die "U-Boot does not build; see the messages of make above"
        }
    done
    mv "$work/build/u-boot.bin" "$work/root"
    make -s -C "$deps/src/u-boot" O="$work/build" ubootversion >"$work/root/VERSION"
    mkdir -p "$deps/u-boot-xenguest"
    mv "$work/root"/* "$deps/u-boot-xenguest"
    rm -rf "$work"
}

[ $# -gt 0 ] || set -- linux-6.1 linux-6.12 linux-6.1-rt modules-6.1 modules-6.12 busybox cyclictest libxen xen-4.17 xen-tools-4.17 u-boot-xenguest
for guest in "$@"; do
    case $guest in
    linux-*) fetch_linux "${guest#linux-}" ;;
    modules-*) fetch_modules "${guest#modules-}" ;;
    busybox) fetch_busybox ;;
    cyclictest) fetch_cyclictest ;;
    libxen) fetch_libxen ;;
    xen-4.17) fetch_xen ;;
    xen-tools-4.17) fetch_xen_tools ;;
    u-boot-xenguest) fetch_u_boot ;;
    *) die "unknown guest $guest; known: linux-6.1 linux-6.12 linux-6.1-rt modules-6.1 modules-6.12 busybox cyclictest libxen xen-4.17 xen-tools-4.17 u-boot-xenguest" ;;
    esac
done
