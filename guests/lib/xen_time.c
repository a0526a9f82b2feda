/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <stddef.h>
#include <xen/memory.h>

#define TRIES 1000u

static uint8_t page[4096] __attribute__((aligned(4096)));

struct shared_info *shared_info_map(void)
{
    struct xen_add_to_physmap request = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = (uint64_t)page >> 12,
    };

    if (memory_op(XENMEM_add_to_physmap, &request) != 0) {
        return NULL;
    }
    return (struct shared_info *)(void *)page;
}

uint64_t wall_clock(const struct shared_info *info, uint32_t *ns)
{
    const volatile struct shared_info *shared = info;
    uint64_t seconds = 0, nanoseconds = 0, uptime;

    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t version = shared->wc_version;

        __asm__ volatile("dmb ishld" ::: "memory");
        seconds = (uint64_t)shared->wc_sec_hi << 32 | shared->wc_sec;
        nanoseconds = shared->wc_nsec;
        __asm__ volatile("dmb ishld" ::: "memory");
        if ((version & 1) == 0 && version == shared->wc_version) {
            break;
        }
    }
    if (seconds == 0) {
        return 0;
    }
    uptime = ticks_to_ns(ticks()) + nanoseconds;
    if (ns != NULL) {
        *ns = (uint32_t)(uptime % UINT64_C(1000000000));
    }
    return seconds + uptime / UINT64_C(1000000000);
}
