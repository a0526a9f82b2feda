/* SPDX-License-Identifier: Apache-2.0 */
/* A trapped guest access to emulated device registers.
 * [impl->dsn~mmio~1] */
#ifndef ARCH_ARM64_MMIO_H
#define ARCH_ARM64_MMIO_H

#include "lib/types.h"

struct mmio {
    uint64_t offset; /* bytes from the start of the region */
    uint32_t size;   /* 1, 2, 4 or 8 bytes */
    bool write;
    uint64_t value; /* write: zero-extended; read: result, zero-extended by the handler */
    bool again; /* result: no answer yet, the guest is to make the same access again; its registers stay as they are */
};

#endif
