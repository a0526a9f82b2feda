/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_common.h"

#include <string.h>

#include "archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct archive archive;
    volatile uint8_t byte;

    if (!archive_index(&archive, data, size)) {
        return 0;
    }
    fuzz_assert(archive.count <= ARCHIVE_MAX_MEMBERS);
    for (uint32_t i = 0; i < archive.count; i++) {
        const struct archive_member *member = &archive.members[i];
        fuzz_assert(strlen(member->name) < ARCHIVE_NAME_BYTES);
        fuzz_assert(member->data >= data && member->size <= size &&
                    (size_t)(member->data - data) <= size - member->size);
        fuzz_assert(archive_find(&archive, member->name) == member);
        if (member->size != 0) {
            byte = member->data[member->size - 1];
        }
    }
    (void)byte;
    return 0;
}
