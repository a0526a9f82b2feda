/* SPDX-License-Identifier: Apache-2.0 */
/* Argo: its part of a domain. */
#ifndef CORE_ARGO_TYPES_H
#define CORE_ARGO_TYPES_H

#include "lib/list.h"
#include "lib/spinlock.h"

struct argo_domain {
    struct spinlock lock; /* rank 2.5: the rings */
    struct list rings;    /* guarded by lock */
    uint32_t count;       /* guarded by lock */
};

#endif
