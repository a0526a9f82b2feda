/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spinlock.h"

#if defined(__aarch64__)
/* The store to owner clears the waiter's exclusive monitor, which is an event: WFE ends. */
#define RELAX() __asm__ volatile("wfe" ::: "memory")
static inline uint32_t load_owner(const uint32_t *p)
{
    uint32_t v;
    __asm__ volatile("ldaxr %w0, %1" : "=r"(v) : "Q"(*p) : "memory");
    return v;
}
#else
int sched_yield(void); /* POSIX; the library includes nothing of the workstation */
#define RELAX() sched_yield()
static inline uint32_t load_owner(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
#endif

void spin_wait(struct spinlock *l, uint32_t ticket)
{
    while (load_owner(&l->owner) != ticket) {
        RELAX();
    }
}
