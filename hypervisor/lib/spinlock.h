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

void spin_lock(struct spinlock *l) ACQUIRE(l);
void spin_unlock(struct spinlock *l) RELEASE(l);

#endif
