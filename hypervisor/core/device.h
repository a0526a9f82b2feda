/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the board that domains have: pages of registers and shared interrupts (SPIs), each with one owner.
 * What the Boot Domain gave to nobody cannot be given later: after its exit register ranges only change hands, whole.
 * -SRCH of all: the domain is being taken apart.
 * [impl->dsn~device-owner~1] [impl->dsn~device-registers~1] [impl->dsn~device-interrupts~1]
 * [impl->dsn~device-sealed~1] */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "core/domain.h"
#include "lib/types.h"

#define DEVICE_RANGES 64u /* of all domains */
#define DEVICE_BATCH  64u /* frames mapped in one call */

/* Once: nobody has anything. */
void device_init(void);

/* d may (allow) or may no longer have machine frames [first, first + count) mapped.  To forbid what d does not have is no
 * error.  -EINVAL empty, RAM, the hypervisor's own, or part of a known range only; -EBUSY another domain has it, or (forbid)
 * it is mapped; -EPERM not known, after the Boot Domain's exit; -ENOSPC.  Bound: DEVICE_RANGES. */
err_t device_permit(struct domain *d, uint64_t first, uint64_t count, bool allow) MUST_CHECK;
/* Map (add) frames that d may have, as device memory, where nothing is, or unmap them.  All or nothing, but unmap on -NOMEM.
 * -E2BIG more than DEVICE_BATCH, -EPERM d may not have them, -EEXIST, -EINVAL, -NOMEM d's tables.
 * Bound: DEVICE_BATCH entries. */
err_t device_map(struct domain *d, gfn_t gfn, uint64_t first, uint64_t count, bool add) MUST_CHECK;
/* One mapping of each frame is gone. */
void device_unmapped(mfn_t first, uint64_t count);

enum device_change {
    DEVICE_PERMIT, /* kept for the domain */
    DEVICE_BIND,   /* and linked to its virtual interrupt of the same number */
    DEVICE_UNBIND, /* no longer linked */
    DEVICE_FORBID, /* nor kept */
};
/* SPI intid of the board.  Unbind and forbid what d does not have is no error.  -EINVAL no SPI of the board, the console's, or
 * none that d has; -EBUSY another domain has it, or (unbind, forbid) a vCPU has it in hand: once more later.  Bound: O(1). */
err_t device_spi(struct domain *d, uint32_t intid, enum device_change change) MUST_CHECK;

/* The end of d, whose vCPUs are in no CPU and which maps nothing any more: its devices are nobody's, their lines masked.
 * One step; *from: 0 first, moves on.  true = more.  Bound: 128 SPIs or DEVICE_RANGES.  [impl->dsn~device-end~1] */
bool device_release(struct domain *d, uint32_t *from) MUST_CHECK;

#endif
