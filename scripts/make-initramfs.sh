#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make FOLDER/NAME.cpio.gz from guests/linux/NAME-init and Debian's static busybox, for each *-init.  FOLDER is the
# argument, by default build/deps/initramfs.  The same inputs give the same bytes.  Does nothing where the archive is
# newer than what it is made of.
# [impl->dsn~initramfs~1]
set -eu
umask 022
cd "$(dirname "$0")/.."
deps=build/deps
busybox=$deps/busybox/busybox
out=${1:-$deps/initramfs}
sources=guests/linux

if [ ! -f "$busybox" ]; then
    echo "make-initramfs: no $busybox; run scripts/fetch-guests.sh busybox" >&2
    exit 1
fi

make_one() {
    name=$1
    file=$out/$name.cpio.gz
    if [ -f "$file" ] && [ -z "$(find "$sources" "$busybox" scripts/make-initramfs.sh -newer "$file")" ]; then
        return 0
    fi
    tree=$out/$name.tree
    rm -rf "$tree"
    mkdir -p "$tree/bin" "$tree/dev" "$tree/etc" "$tree/proc" "$tree/sys" "$tree/tmp"
    install -m 755 "$busybox" "$tree/bin/busybox"
    install -m 755 "$sources/panic" "$tree/bin/panic"
    install -m 644 "$sources/common" "$sources/shell" "$tree/etc"
    install -m 755 "$sources/$name-init" "$tree/init"
    find "$tree" -exec touch -h -d '2026-01-01 00:00:00 UTC' {} +
    (cd "$tree" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -9n >"$file.part"
    mv "$file.part" "$file"
    rm -rf "$tree"
}

mkdir -p "$out"
for init in "$sources"/*-init; do
    init=${init##*/}
    make_one "${init%-init}"
done
