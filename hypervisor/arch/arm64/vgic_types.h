/* SPDX-License-Identifier: Apache-2.0 */
/* Owned by the vGIC: its part of a vCPU and of a domain. */
#ifndef ARCH_ARM64_VGIC_TYPES_H
#define ARCH_ARM64_VGIC_TYPES_H

#include "lib/spinlock.h"
#include "lib/types.h"

struct vgic_vcpu {
    uint32_t pad; /* placeholder until the vGIC is written */
};
struct vgic_domain {
    struct spinlock lock;
};
struct vuart {
    struct spinlock lock;
};

#endif
