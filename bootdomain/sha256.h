/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4).
 * [impl->dsn~boot-verify~1] */
#ifndef BOOTDOMAIN_SHA256_H
#define BOOTDOMAIN_SHA256_H

#include <stdint.h>

#define SHA256_WORDS       8u
#define SHA256_BLOCK_BYTES 64u

struct sha256 {
    uint32_t state[SHA256_WORDS];
    uint64_t bytes; /* so far */
    uint8_t block[SHA256_BLOCK_BYTES];
};

void sha256_open(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const uint8_t *data, uint64_t bytes);
/* The digest as eight numbers, the first one first. */
void sha256_close(struct sha256 *sha, uint32_t digest[SHA256_WORDS]);

#endif
