/* SPDX-License-Identifier: Apache-2.0 */
/* gzip data, inflated in pieces whose size is in the first byte. */
#include "boot_common.h"

#include "gunzip.h"

#define ROOM 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[ROOM];
    struct gunzip gunzip;
    enum gunzip_result result = GUNZIP_MORE;
    uint64_t total = 0;

    if (size < 2) {
        return 0;
    }
    uint64_t piece = (uint64_t)data[0] * 64 + 1;
    gunzip_open(&gunzip, &data[1], size - 1);
    while (result == GUNZIP_MORE && total < ROOM) {
        uint64_t got = 0;
        uint64_t room = (ROOM - total < piece) ? ROOM - total : piece;
        result = gunzip_read(&gunzip, &out[total], room, &got);
        fuzz_assert(got <= room && (result != GUNZIP_MORE || got == room));
        fuzz_assert((result == GUNZIP_BAD) == (gunzip.reason != NULL));
        total += got;
    }
    fuzz_kernel(&data[1], size - 1);
    return 0;
}
