/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/hypercall.h>
#include <guest/pattern.h>
#include <guest/print.h>

#include <xen/sched.h>

void pattern_fill(uint64_t *words, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        words[i] = pattern_word(i, 0);
    }
}

void pattern_check(const char *who, uint64_t *words, uint64_t first, uint64_t end, uint64_t round)
{
    for (uint64_t i = first; i < end; i++) {
        if (words[i] != pattern_word(i, round)) {
            print("%s: memory CORRUPT at 0x%llx: 0x%016llx, not 0x%016llx\n", who, (unsigned long long)&words[i],
                  (unsigned long long)words[i], (unsigned long long)pattern_word(i, round));
            shutdown(SHUTDOWN_crash);
        }
        words[i] = pattern_word(i, round + 1);
    }
}
