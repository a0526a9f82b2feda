/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include <string.h>

#include "sha256_constants.h"

#define ROUNDS      64u
#define WORD_BYTES  4u
#define LENGTH_AT   56u /* of a last block: bits so far, eight bytes */
#define BITS_A_BYTE 8u

static const uint32_t constants[ROUNDS] = {SHA256_CONSTANTS};

static uint32_t rotate(uint32_t value, uint32_t by)
{
    return value >> by | value << (32u - by);
}

static void expand(uint32_t w[ROUNDS], const uint8_t *block)
{
    for (uint32_t i = 0; i < SHA256_BLOCK_BYTES / WORD_BYTES; i++) {
        const uint8_t *from = &block[i * WORD_BYTES];
        w[i] = (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
    }
    for (uint32_t i = SHA256_BLOCK_BYTES / WORD_BYTES; i < ROUNDS; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

static void compress(uint32_t state[SHA256_WORDS], const uint8_t *block)
{
    uint32_t w[ROUNDS];
    uint32_t v[SHA256_WORDS]; /* a to h */

    expand(w, block);
    (void)memcpy(v, state, sizeof(v));
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + constants[i] + w[i];
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        v[7] = v[6];
        v[6] = v[5];
        v[5] = v[4];
        v[4] = v[3] + t1;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = v[0];
        v[0] = t1 + s0 + majority;
    }
    for (uint32_t i = 0; i < SHA256_WORDS; i++) {
        state[i] += v[i];
    }
}

void sha256_open(struct sha256 *sha)
{
    static const struct sha256 start = {.state = {SHA256_INITIAL}};

    *sha = start;
}

void sha256_add(struct sha256 *sha, const uint8_t *data, uint64_t bytes)
{
    uint64_t done = 0;

    while (done < bytes) {
        uint64_t at = sha->bytes % SHA256_BLOCK_BYTES;
        uint64_t room = SHA256_BLOCK_BYTES - at;
        uint64_t piece = (bytes - done < room) ? bytes - done : room;

        if (piece == SHA256_BLOCK_BYTES) {
            compress(sha->state, &data[done]);
        } else {
            (void)memcpy(&sha->block[at], &data[done], piece);
            if (piece == room) {
                compress(sha->state, sha->block);
            }
        }
        sha->bytes += piece;
        done += piece;
    }
}

void sha256_close(struct sha256 *sha, uint32_t digest[SHA256_WORDS])
{
    uint64_t bits = sha->bytes * BITS_A_BYTE;
    uint64_t used = sha->bytes % SHA256_BLOCK_BYTES;
    uint64_t zeroes = ((used < LENGTH_AT) ? LENGTH_AT : (SHA256_BLOCK_BYTES + LENGTH_AT)) - used;
    uint8_t end[SHA256_BLOCK_BYTES + sizeof(bits)];

    (void)memset(end, 0, sizeof(end));
    end[0] = 0x80u;
    for (uint32_t i = 0; i < sizeof(bits); i++) {
        end[zeroes + i] = (uint8_t)(bits >> (BITS_A_BYTE * (sizeof(bits) - 1u - i)));
    }
    sha256_add(sha, end, zeroes + sizeof(bits));
    (void)memcpy(digest, sha->state, sizeof(sha->state));
}
