/* SPDX-License-Identifier: Apache-2.0 */
/* Every call and sub-operation with every kind of bad address and several kinds of contents. */
#ifndef HOSTILE_SWEEP_H
#define HOSTILE_SWEEP_H

#include <stdint.h>

#define OWN_FRAMES     UINT64_C(0x40000) /* guest frames that this program lives in */
#define OWN_FRAMES_END UINT64_C(0x41000)

/* No guest frame of this program's own: given away or written to, nothing would be left to attack. */
static inline uint64_t spared(uint64_t value)
{
    return value >= OWN_FRAMES && value < OWN_FRAMES_END ? OWN_FRAMES_END : value;
}

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
