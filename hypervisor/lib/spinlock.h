/* SPDX-License-Identifier: Apache-2.0 */
/* Ticket lock: fair, so a waiter waits for at most (CPUs - 1) critical sections.
 * Ranks are listed in docs/locking.md.  Context: EL2 with interrupts masked.
 * [impl->dsn~spinlock~1] */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/types.h"

struct CAPABILITY("spinlock") spinlock {
    uint32_t next;  /* atomic (relaxed): ticket handed to the next comer */
    uint32_t owner; /* atomic (acquire/release): ticket that holds the lock */
};

/* Until it is ticket's turn.  Bound: (CPUs - 1) critical sections. */
void spin_wait(struct spinlock *l, uint32_t ticket);

static inline void spin_lock(struct spinlock *l) ACQUIRE(l) NO_THREAD_SAFETY
{
    uint32_t ticket = __atomic_fetch_add(&l->next, 1u, __ATOMIC_RELAXED);

    if (UNLIKELY(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)) {
        spin_wait(l, ticket);
    }
}

static inline void spin_unlock(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    __atomic_store_n(&l->owner, l->owner + 1u, __ATOMIC_RELEASE);
}

/* What the expression gives, worked out with the lock held. */
#define LOCKED(lock, expression)                                                                                       \
    ({                                                                                                                 \
        spin_lock(lock);                                                                                               \
        __auto_type locked_value_ = (expression);                                                                      \
        spin_unlock(lock);                                                                                             \
        locked_value_;                                                                                                 \
    })

#endif
