/* SPDX-License-Identifier: Apache-2.0 */
/* The end of boot services: set once, never cleared.
 * [impl->dsn~boot-seal~1] [impl->dsn~seal-cpus~1] [impl->dsn~dynamic-cpus~1] */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "bulkhead/bulkhead_op.h"
#include "core/vcpu.h"
#include "lib/types.h"

/* From now on: no Boot Domain, no move of a right over the platform or an initial domain. */
/* cpus: those of the first 64, all that there are, that domains of later may have. */
void seal(uint32_t status, uint64_t cpus);
bool is_sealed(void);
/* A domain other than the Boot Domain has been started, or boot services have ended. */
bool seal_is_started(void);
/* A safe domain of the launch has its home on cpu: no domain that is built after the seal may have that CPU. */
void seal_keep_cpu(uint32_t cpu);
bool seal_keeps_cpu(uint32_t cpu);
/* BULKHEAD_OP_BOOT_RECORD: how the launch went. */
err_t seal_record(struct vcpu *v, struct domain *d, void *structure);
void seal_note_reset(ticks_t ticks);
/* The first unpause of a domain that is not the Boot Domain; later ones do not count. */
void seal_note_start(ticks_t ticks);

#endif
