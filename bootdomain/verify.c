/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <string.h>

struct verify_range *verify_add(struct verify *verify, const char *name, uint64_t base, uint64_t bytes)
{
    struct verify_range *range = &verify->ranges[verify->head.count];

    if (bytes == 0 || verify->head.count == VERIFY_MAX_RANGES) {
        return NULL;
    }
    *range = (struct verify_range){.base = base, .bytes = bytes};
    (void)memcpy(range->name, name, strlen(name));
    verify->head.count++;
    return range;
}

void verify_open(struct verify *verify, uint64_t at, uint64_t entry)
{
    struct verify_range *own;
    struct sha256 sha;

    (void)memset(verify, 0, sizeof(*verify));
    verify->head.entry = entry;
    own = verify_add(verify, "this check", at, VERIFY_CODE_BYTES);
    sha256_open(&sha);
    sha256_add(&sha, verify_code, VERIFY_CODE_BYTES);
    sha256_close(&sha, own->digest);
}

void verify_write(const struct verify *verify, uint8_t *page)
{
    (void)memset(page, 0, VERIFY_PAGE_BYTES);
    (void)memcpy(page, verify_code, VERIFY_CODE_BYTES);
    (void)memcpy(&page[VERIFY_CODE_BYTES], &verify->head, sizeof(verify->head));
    (void)memcpy(&page[VERIFY_CODE_BYTES + sizeof(verify->head)], verify->ranges, sizeof(verify->ranges));
}
