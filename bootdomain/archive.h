/* SPDX-License-Identifier: Apache-2.0 */
/* The launch archive: index of a newc cpio.  Nothing in it is trusted: every length is checked against the archive's end
 * before it is used.
 * [impl->dsn~boot-archive~1] */
#ifndef BOOTDOMAIN_ARCHIVE_H
#define BOOTDOMAIN_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#define ARCHIVE_MAX_MEMBERS 1024u /* padding members not counted */
#define ARCHIVE_NAME_BYTES  128u  /* with the NUL */

struct archive_member {
    const char *name; /* NUL-terminated, in the archive */
    const uint8_t *data;
    uint64_t size; /* bytes */
};

struct archive {
    uint32_t count;
    struct archive_member members[ARCHIVE_MAX_MEMBERS];
};

/* Index the cpio at [base, base + size); padding members (LAUNCH_PAD_PREFIX) are left out.
 * False when it is refused; the reason has been said.
 * Bound: one step for each 110 bytes of the archive, and ARCHIVE_MAX_MEMBERS comparisons a member. */
bool archive_index(struct archive *archive, const uint8_t *base, uint64_t size);

/* The member of that name, or NULL. */
const struct archive_member *archive_find(const struct archive *archive, const char *name);

#endif
