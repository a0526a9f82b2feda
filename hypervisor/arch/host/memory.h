/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_HOST_MEMORY_H
#define ARCH_HOST_MEMORY_H

#include "lib/types.h"

/* New RAM of this size, zero on both sides of the caches. */
void host_memory_reset(uint64_t bytes);

#endif
