/* SPDX-License-Identifier: Apache-2.0 */
/* Where a vCPU's time went, in the form of the Xen ABI.
 * [impl->dsn~runstate~1] */
#ifndef CORE_RUNSTATE_H
#define CORE_RUNSTATE_H

#include "core/vcpu.h"
#include "lib/types.h"

struct vcpu_runstate_info;

/* Register the area at the guest virtual address that is stored at arg; resolved now.  -EFAULT, -EINVAL not RAM.
 * Context: v is current. */
err_t runstate_register(struct vcpu *v, gva_t arg) MUST_CHECK;
/* Nanoseconds running, runnable, blocked and offline; a snapshot, exact for the caller's own vCPU. */
void runstate_read(const struct vcpu *v, struct vcpu_runstate_info *out);
/* v's registered area says what runstate_read says.  Context: v's home; v is about to run. */
void runstate_publish(struct vcpu *v);

#endif
