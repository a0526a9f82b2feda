/* SPDX-License-Identifier: Apache-2.0 */
/* Every call and sub-operation with every kind of bad address and several kinds of contents. */
#ifndef HOSTILE_SWEEP_H
#define HOSTILE_SWEEP_H

#include <stdint.h>

struct sweep {
    uint64_t (*value)(void *random); /* what a word of a structure may be */
    void *random;
    uint8_t *buffer; /* three pages; the structures lie in the first two */
    uint64_t calls, refusals;
    uint64_t wrong; /* what cannot be read was not answered with -EFAULT */
};

/* All combinations once: about 4,000 calls. */
void sweep_pass(struct sweep *s);

/* Another vCPU's part: change what is being read, for as long as *stop is 0. */
void sweep_disturb(uint8_t *buffer, const volatile uint32_t *stop);

#endif
