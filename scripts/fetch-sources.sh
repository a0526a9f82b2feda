#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetch the pinned upstream archives of the Debian source packages that the Boot Domain is built from:
#   device-tree-compiler (libfdt)  -> build/deps/src/device-tree-compiler/libfdt
#   zlib (inflate)                 -> build/deps/src/zlib
# and of one that a test runs as a guest:
#   u-boot                         -> build/deps/src/u-boot
# From the Debian mirrors that this machine's apt is set to, checked against the SHA-256 below (which is the one in
# Debian's signed Sources index).  Needs no root and no deb-src line.  Does nothing when the pinned version is there.
set -euf # no globbing: the patterns are for tar
cd "$(dirname "$0")/.."
dest=$PWD/build/deps/src

# name, path under a mirror, SHA-256, what is needed of it
fetch() {
    name=$1 path=$2 sum=$3 keep=$4
    if [ "$(cat "$dest/$name/.pinned" 2>/dev/null)" = "$sum" ]; then
        return 0
    fi
    mkdir -p "$dest/$name"
    file=$dest/${path##*/}
    for mirror in $(apt-get --print-uris update | sed -n "s#^'\(.*\)/dists/.*#\1#p" | sort -u); do
        if [ -f "$file" ] && echo "$sum  $file" | sha256sum --check --quiet --status; then
            break
        fi
        /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -o Acquire::Retries=2 \
            download-file "${mirror%/}/$path" "$file" "SHA256:$sum" >/dev/null 2>&1 || true
    done
    if ! echo "$sum  $file" | sha256sum --check --quiet; then
        echo "fetch-sources: $name: no mirror of this machine has $path with SHA-256 $sum;" \
             "put that file at $file and run again" >&2
        exit 1
    fi
    # shellcheck disable=SC2086  # keep is a list of patterns
    tar -C "$dest/$name" --strip-components=1 --wildcards -xf "$file" $keep
    echo "$sum" > "$dest/$name/.pinned"
    echo "fetch-sources: $name ready"
}

fetch device-tree-compiler pool/main/d/device-tree-compiler/device-tree-compiler_1.7.2.orig.tar.xz \
    92d8ca769805ae1f176204230438fe52808f4e1c7944053c9eec0e649b237539 '*/libfdt/* */BSD-2-Clause'
fetch zlib pool/main/z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2 \
    71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1 '*/*.c */*.h */README'
fetch u-boot pool/main/u/u-boot/u-boot_2023.01+dfsg.orig.tar.xz \
    e75da6f089d063aaef39a1c17f1631791d87700662624e18de2121fa39a1ed44 '*'
