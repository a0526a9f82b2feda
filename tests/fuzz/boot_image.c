/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel of any format. */
#include "boot_common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size != 0) {
        fuzz_kernel(data, size);
    }
    return 0;
}
