/* SPDX-License-Identifier: Apache-2.0 */
/* Pools and domains in them, on the modelled machine. */
#ifndef SCHED_POOLS_FIXTURE_H
#define SCHED_POOLS_FIXTURE_H

#include "fixture.h"

#define MS    (HOST_HZ / 1000u)
#define NS_MS UINT64_C(1000000)
#define GUARD 10000u /* ns */

extern struct vcpu *boot;

/* The machine, with all memory claimed, a second after its start. */
int start(void **state);
int64_t set_pool(uint32_t pool, uint32_t policy, uint64_t cpus);
int64_t set_schedule(uint32_t pool, uint32_t schedule, const struct bulkhead_window *w, uint32_t count);
/* A domain of `vcpus` vCPUs on the CPUs of mask, in that partition. */
uint16_t domain_in(const char *name, uint32_t vcpus, uint64_t mask, uint32_t partition);
/* Its vCPU 0, unpaused. */
struct vcpu *started(uint16_t domid);
/* What CPU c runs once its timer has fired at `at`. */
struct vcpu *runs_at(uint32_t c, ticks_t at);

#endif
