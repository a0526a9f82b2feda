/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include <string.h>

#define ROUNDS      64u
#define WORD_BYTES  4u
#define LENGTH_AT   56u /* of a last block: bits so far, eight bytes */
#define BITS_A_BYTE 8u

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

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
    memcpy(v, state, sizeof(v));
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
    static const struct sha256 start = {
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};

    *sha = start;
}

void sha256_add(struct sha256 *sha, const uint8_t *data, uint64_t bytes)
{
    while (bytes != 0) {
        uint64_t at = sha->bytes % SHA256_BLOCK_BYTES;
        uint64_t piece = SHA256_BLOCK_BYTES - at;

        piece = (bytes < piece) ? bytes : piece;
        if (piece == SHA256_BLOCK_BYTES) {
            compress(sha->state, data);
        } else {
            memcpy(&sha->block[at], data, piece);
            if (at + piece == SHA256_BLOCK_BYTES) {
                compress(sha->state, sha->block);
            }
        }
        sha->bytes += piece;
        data += piece;
        bytes -= piece;
    }
}

void sha256_close(struct sha256 *sha, uint32_t digest[SHA256_WORDS])
{
    static const uint8_t padding[SHA256_BLOCK_BYTES] = {0x80};
    uint64_t bits = sha->bytes * BITS_A_BYTE;
    uint64_t used = sha->bytes % SHA256_BLOCK_BYTES;
    uint8_t length[sizeof(bits)];

    sha256_add(sha, padding, ((used < LENGTH_AT) ? LENGTH_AT : SHA256_BLOCK_BYTES + LENGTH_AT) - used);
    for (uint32_t i = 0; i < sizeof(length); i++) {
        length[i] = (uint8_t)(bits >> (BITS_A_BYTE * (sizeof(length) - 1 - i)));
    }
    sha256_add(sha, length, sizeof(length));
    memcpy(digest, sha->state, sizeof(sha->state));
}
