/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wallclock.h"

#include <xen/xen.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static uint64_t start_seconds; /* const after start: time of day ... */
static ticks_t start_ticks;    /* ... at this moment */

/* a * b / c without overflow for results below 2^64; c below 2^32. */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
    return (a / c) * b + (a % c) * b / c;
}

uint64_t ticks_to_ns(ticks_t t)
{
    return scale(t, NS_PER_SECOND, arch_ticks_hz());
}

ticks_t ns_to_ticks(uint64_t ns)
{
    return scale(ns, arch_ticks_hz(), NS_PER_SECOND);
}

void wallclock_start(void)
{
    start_seconds = arch_wallclock_seconds();
    start_ticks = arch_ticks();
}

/* ns = (ticks << shift) * mul >> 32, with mul as large as fits. */
void wallclock_fill_time(struct vcpu_time_info *t)
{
    uint64_t hz = arch_ticks_hz();
    uint64_t ns = NS_PER_SECOND;
    int8_t shift = 0;

    while (ns >= hz) { /* mul below 1.0, in 32 bits; bound: 64 */
        hz <<= 1;
        shift++;
    }
    while (ns * 2u < hz) {
        ns <<= 1;
        shift--;
    }
    t->version = 0;
    t->tsc_timestamp = 0;
    t->system_time = 0;
    t->tsc_to_system_mul = (uint32_t)((ns << 32) / hz);
    t->tsc_shift = shift;
    t->flags = XEN_PVCLOCK_TSC_STABLE_BIT;
}

void wallclock_init(struct domain *d)
{
    struct shared_info *s = arch_map_frame(d->shared_info);
    uint64_t ns;
    uint64_t seconds;

    d->time_zero = arch_ticks();
    ns = ticks_to_ns(d->time_zero - start_ticks);
    seconds = start_seconds + ns / NS_PER_SECOND;
    s->wc_version = 2; /* even: complete */
    s->wc_sec = (uint32_t)seconds;
    s->wc_sec_hi = (uint32_t)(seconds >> 32);
    s->wc_nsec = (uint32_t)(ns % NS_PER_SECOND);
    wallclock_fill_time(&s->vcpu_info[0].time);
    arch_clean(d->shared_info, 1);
}
