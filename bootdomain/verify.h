/* SPDX-License-Identifier: Apache-2.0 */
/* The program that a domain runs before its kernel where the description says `verify`: it compares the SHA-256 of each
 * image in the domain's memory with what it was at the launch, and starts the kernel, or ends the life with
 * SHUTDOWN_crash.  It is the domain's own code, in its memory and its time; it is sealed like the images.
 *
 *     load.verify    +0       code (verify_code.S), table: this page is sealed
 *                    +4 KiB   its working memory
 *                    +8 KiB   its translation table
 * [impl->dsn~boot-verify~1] */
#ifndef BOOTDOMAIN_VERIFY_H
#define BOOTDOMAIN_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel.h"
#include "sha256.h"

#define VERIFY_PAGE_BYTES 4096u
#define VERIFY_ROOM       LAUNCH_VERIFY_ROOM
#define VERIFY_MAX_RANGES (KERNEL_MAX_SEGMENTS + 3u) /* the program itself, ramdisk, device tree */
#define VERIFY_NAME_BYTES 16u
#define VERIFY_LIMIT      (UINT64_C(1) << 39) /* its translation table is for addresses below */

/* As verify_code.S reads them: the head behind the code, then the ranges. */
struct verify_range {
    uint64_t base; /* guest-physical */
    uint64_t bytes;
    uint32_t digest[SHA256_WORDS];
    char name[VERIFY_NAME_BYTES]; /* for its message, with a NUL */
};
_Static_assert(sizeof(struct verify_range) == 64, "verify_code.S");

struct verify_head {
    uint64_t entry; /* of the kernel */
    uint64_t count;
};
_Static_assert(sizeof(struct verify_head) == 16, "verify_code.S");

/* The code, position-independent when it begins a page.  In the tests on the workstation: some bytes. */
#define VERIFY_CODE_BYTES 2048u
extern const uint8_t verify_code[VERIFY_CODE_BYTES];
_Static_assert(VERIFY_CODE_BYTES + sizeof(struct verify_head) + VERIFY_MAX_RANGES * sizeof(struct verify_range) <=
                   VERIFY_PAGE_BYTES,
               "code and table are one page");

struct verify {
    struct verify_head head;
    struct verify_range ranges[VERIFY_MAX_RANGES];
};

/* Begin the table of a program at `at`, with the program itself as its first range. */
void verify_open(struct verify *verify, uint64_t at, uint64_t entry);
/* The next range; its digest follows.  A range of no bytes is left out.  NULL: it was. */
struct verify_range *verify_add(struct verify *verify, const char *name, uint64_t base, uint64_t bytes);
/* Code and table, VERIFY_PAGE_BYTES of them. */
void verify_write(const struct verify *verify, uint8_t *page);

#endif
