/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_BOOT_COMMON_H
#define FUZZ_BOOT_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stop the fuzzer unless `holds`. */
void fuzz_assert(int holds);

/* kernel_examine() of the bytes; when it accepts them, what it decided must lie in the file and in the domain's RAM. */
void fuzz_kernel(const uint8_t *data, size_t size);

#endif
