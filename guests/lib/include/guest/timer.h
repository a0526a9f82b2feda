/* SPDX-License-Identifier: Apache-2.0 */
/* Generic timer.  Ticks are those of CNTVCT_EL0. */
#ifndef GUEST_TIMER_H
#define GUEST_TIMER_H

#include <stdint.h>
#include <guest/sysreg.h>

#define TIMER_VIRTUAL_PPI  27u
#define TIMER_PHYSICAL_PPI 30u
#define TIMER_ENABLE       1u
#define TIMER_MASKED       2u
#define TIMER_PENDING      4u

static inline uint64_t ticks(void)
{
    isb();
    return READ_SYSREG(cntvct_el0);
}

static inline uint64_t ticks_per_second(void)
{
    return READ_SYSREG(cntfrq_el0);
}

/* Nanoseconds of an interval below some 500 years. */
static inline uint64_t ticks_to_ns(uint64_t interval)
{
    uint64_t rate = ticks_per_second();

    return interval / rate * UINT64_C(1000000000) + interval % rate * UINT64_C(1000000000) / rate;
}

static inline uint64_t ns_to_ticks(uint64_t ns)
{
    return ns / UINT64_C(1000000000) * ticks_per_second() +
           ns % UINT64_C(1000000000) * ticks_per_second() / UINT64_C(1000000000);
}

/* The virtual timer fires at tick deadline. */
static inline void timer_set(uint64_t deadline)
{
    WRITE_SYSREG(cntv_cval_el0, deadline);
    WRITE_SYSREG(cntv_ctl_el0, TIMER_ENABLE);
    isb();
}

static inline void timer_stop(void)
{
    WRITE_SYSREG(cntv_ctl_el0, 0);
    isb();
}

/* Busy wait. */
static inline void delay_ns(uint64_t ns)
{
    uint64_t end = ticks() + ns_to_ticks(ns);

    while (ticks() < end) {
    }
}

#endif
