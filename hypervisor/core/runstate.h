/* SPDX-License-Identifier: Apache-2.0 */
/* Where a vCPU's time went, in the form of the Xen ABI.
 * [impl->dsn~runstate~1] */
#ifndef CORE_RUNSTATE_H
#define CORE_RUNSTATE_H

#include "core/vcpu.h"
#include "lib/types.h"

struct vcpu_runstate_info;

void runstate_init(struct vcpu *v);
/* v can run / runs / stops to run now, for the reason that its state tells.  Context: home. */
void runstate_ready(struct vcpu *v, ticks_t now);
void runstate_run(struct vcpu *v, ticks_t now);
void runstate_stop(struct vcpu *v, ticks_t now);
/* Register the area at the guest virtual address that is stored at arg; resolved now.  -EFAULT, -EINVAL not RAM.
 * Context: v is current. */
err_t runstate_register(struct vcpu *v, gva_t arg) MUST_CHECK;
/* Nanoseconds running, runnable, blocked and offline; a snapshot, exact for the caller's own vCPU. */
void runstate_read(const struct vcpu *v, struct vcpu_runstate_info *out);
/* v's registered area says what runstate_read says; done whenever v begins to run.  Context: home. */
void runstate_publish(struct vcpu *v);

#endif
