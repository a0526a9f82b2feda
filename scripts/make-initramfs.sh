#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make FOLDER/NAME.cpio.gz from guests/linux/NAME-init and Debian's static busybox, for each *-init.  FOLDER is the
# argument, by default build/deps/initramfs.  The same inputs give the same bytes.  Does nothing where the archive is
# newer than what it is made of.  A line `# needs: program NAME, module NAME of KERNEL` of an init adds guests/linux/NAME.c,
# compiled (bhctl: toolstack/), in /bin, and a module of Debian's kernel, unpacked, in /lib; `xen-program NAME` adds
# tests/target/linux/NAME.c, linked with Debian's libxenctrl and C library.  Of an init with modules of 6.1 there is a
# second archive, NAME-6.12, with those of 6.12.  Where there is a folder NAME-disk, its files are an ext4 file system
# /disk.img.  `folder NAME` adds the folders of build/deps/NAME.
# [impl->dsn~initramfs~1]
set -eu
umask 022
cd "$(dirname "$0")/.."
deps=build/deps
busybox=$deps/busybox/busybox
out=${1:-$deps/initramfs}
sources=guests/linux
toolstack=toolstack
fdt=$deps/src/device-tree-compiler/libfdt
zlib=$deps/src/zlib

for needed in busybox cyclictest libxen modules-6.1 modules-6.12; do
    if [ ! -d "$deps/$needed" ]; then
        echo "make-initramfs: no $deps/$needed; run scripts/fetch-guests.sh $needed" >&2
        exit 1
    fi
done

# The sources of bhctl: its own, and those with which the Boot Domain builds domains.
bhctl_sources() {
    echo "$toolstack"/linux/*.c "$toolstack"/create/*.c "$toolstack"/lib/*.c guests/lib/string.c
    for file in bootdomain/*.c bootdomain/*.S; do
        case $file in
        */main.c | */console.c | */labels.c | */hyper_map.c) ;;
        *) echo "$file" ;;
        esac
    done
    for file in fdt fdt_addresses fdt_check fdt_ro fdt_strerror fdt_sw; do echo "$fdt/$file.c"; done
    for file in adler32 crc32 inffast inflate inftrees zutil; do echo "$zlib/$file.c"; done
}

# add_needs TREE INIT SERIES
add_needs() {
    sed -n 's/^# needs: //p' "$2" | tr ',' '\n' | while read -r kind name _ kernel; do
        case $kind in
        program)
            files=$sources/$name.c
            [ "$name" != bhctl ] || files=$(bhctl_sources)
            # shellcheck disable=SC2086  # a list of files
            clang-19 --target=aarch64-linux-gnu -ffreestanding -nostdlib -static -fuse-ld=lld-19 -O2 -Wall -Wextra -Werror \
                -Wno-sign-compare -Wno-unused-parameter -Wno-deprecated-non-prototype -DZ_SOLO -DZLIB_CONST \
                -Wl,--build-id=none -Wl,--gc-sections -ffunction-sections -s -I "$sources" -I "$toolstack/linux" -I "$toolstack/lib" \
                -I "$toolstack/create" -I bootdomain -isystem "$fdt" -isystem "$zlib" -I include -I guests/lib/libc -I guests/lib/include -isystem "$deps/xen-include" -D__XEN_TOOLS__=1 -o "$1/bin/$name" $files
            ;;
        xen-program)
            # Static, with the C library of another architecture: its headers, then this machine's of the kernel.
            # shellcheck disable=SC2046  # lists of options
            aarch64-linux-gnu-gcc --sysroot="$deps/libxen" -static -O2 -Wall -Wextra -Werror -s -Wl,--build-id=none \
                -idirafter /usr/include -idirafter "/usr/include/$(gcc -print-multiarch)" -o "$1/bin/$name" "tests/target/linux/$name.c" \
                $(PKG_CONFIG_LIBDIR=$deps/libxen/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config --static --libs-only-l xencontrol)
            ;;
        folder)
            for part in "$deps/$name"/*/; do
                cp -RP "$part" "$1"
            done
            ;;
        module)
            mkdir -p "$1/lib"
            [ "$kernel" != modules-6.1 ] || kernel=modules-$3
            if [ -f "$deps/$kernel/$name.ko" ]; then
                install -m 644 "$deps/$kernel/$name.ko" "$1/lib"
            else
                # lib/modules in Debian 12, usr/lib/modules in Debian 13
                xz -dc "$(find "$deps/$kernel/" -name "$name.ko.xz")" >"$1/lib/$name.ko"
            fi
            ;;
        esac
    done
}

# An ext4 file system of 16 MiB with the files of folder $1; not by mke2fs -d, which copies the files' own times.
add_disk() {
    export E2FSPROGS_FAKE_TIME=1767225600
    /sbin/mke2fs -q -F -t ext4 -U 6275636b-6865-6164-8000-000000000001 \
        -E hash_seed=6275636b-6865-6164-8000-000000000002,root_owner=0:0 "$tree/disk.img" 16M >/dev/null
    for file_of_disk in "$1"/*; do
        /sbin/debugfs -w -R "write $file_of_disk ${file_of_disk##*/}" "$tree/disk.img" >/dev/null 2>&1
    done
}

# make_one INIT ARCHIVE SERIES
make_one() {
    name=$1
    file=$out/$2.cpio.gz
    if [ -f "$file" ] && [ -z "$(find "$sources" "$toolstack" bootdomain guests/lib tests/target/linux include "$busybox" "$deps/cyclictest/VERSION" "$deps/libxen/VERSION" "$deps/modules-$3/" scripts/make-initramfs.sh -newer "$file")" ]; then
        return 0
    fi
    tree=$out/$2.tree
    rm -rf "$tree"
    mkdir -p "$tree/bin" "$tree/dev" "$tree/etc" "$tree/proc" "$tree/sys" "$tree/tmp"
    install -m 755 "$busybox" "$tree/bin/busybox"
    install -m 755 "$sources/panic" "$tree/bin/panic"
    install -m 644 "$sources/common" "$sources/shell" "$tree/etc"
    install -m 755 "$sources/$name-init" "$tree/init"
    add_needs "$tree" "$sources/$name-init" "$3"
    [ ! -d "$sources/$name-disk" ] || add_disk "$sources/$name-disk"
    find "$tree" -exec touch -h -d '2026-01-01 00:00:00 UTC' {} +
    (cd "$tree" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -9n >"$file.part"
    mv "$file.part" "$file"
    rm -rf "$tree"
}

mkdir -p "$out"
for init in "$sources"/*-init; do
    name=${init##*/}
    name=${name%-init}
    make_one "$name" "$name" 6.1
    if grep -q '^# needs: .*of modules-6.1' "$init"; then
        make_one "$name" "$name-6.12" 6.12
    fi
done
