/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that nobody else changes: each word has a value of its own in every round. */
#ifndef GUEST_PATTERN_H
#define GUEST_PATTERN_H

#include <stdint.h>

/* What word index holds in round round. */
static inline uint64_t pattern_word(uint64_t index, uint64_t round)
{
    return (index + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ round;
}

/* Round 0. */
void pattern_fill(uint64_t *words, uint64_t count);

/* Words [first, end) are of round, and are of the next one afterwards.  A wrong one is said, named by who, and ends the
 * domain with SHUTDOWN_crash. */
void pattern_check(const char *who, uint64_t *words, uint64_t first, uint64_t end, uint64_t round);

#endif
