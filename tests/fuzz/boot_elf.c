/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF kernel: whatever the input is, it begins as one. */
#include "boot_common.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[1 << 16];
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1};

    if (size < sizeof(ident) || size > sizeof(file)) {
        return 0;
    }
    memcpy(file, data, size);
    memcpy(file, ident, sizeof(ident));
    fuzz_kernel(file, size);
    return 0;
}
