/* SPDX-License-Identifier: Apache-2.0 */
#include "core/seal.h"
#include "core/cpu.h"
#include "lib/string.h"

static struct bulkhead_boot_record record; /* exited, ticks_first_domain: atomic; others const after they are set */

static_assert(MAX_CPUS == 64u, "the bitmap of struct bulkhead_dynamic is one word");

static uint64_t kept[(MAX_CPUS + 63u) / 64u]; /* const once sealed */

void seal_keep_cpu(uint32_t cpu)
{
    (void)__atomic_fetch_or(&kept[cpu / 64u], UINT64_C(1) << (cpu % 64u), __ATOMIC_RELAXED);
}

bool seal_keeps_cpu(uint32_t cpu)
{
    return is_sealed() && ((kept[cpu / 64u] >> (cpu % 64u)) & 1u) != 0u;
}

void seal(uint32_t status, uint64_t cpus)
{
    (void)__atomic_fetch_or(&kept[0], ~cpus, __ATOMIC_RELAXED);
    record.status = status;
    __atomic_store_n(&record.exited, 1u, __ATOMIC_RELEASE);
}

bool is_sealed(void)
{
    return __atomic_load_n(&record.exited, __ATOMIC_ACQUIRE) != 0u;
}

void seal_note_reset(ticks_t ticks)
{
    record = (struct bulkhead_boot_record){.ticks_reset = ticks};
    memset(kept, 0, sizeof(kept));
}

void seal_note_start(ticks_t ticks)
{
    uint64_t none = 0;

    (void)__atomic_compare_exchange_n(&record.ticks_first_domain, &none, ticks, false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED);
}

bool seal_is_started(void)
{
    return is_sealed() || __atomic_load_n(&record.ticks_first_domain, __ATOMIC_RELAXED) != 0u;
}

err_t seal_record(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    struct bulkhead_boot_record *out = structure;

    *out = (struct bulkhead_boot_record){.ticks_reset = record.ticks_reset};
    out->exited = is_sealed() ? 1u : 0u;
    out->status = (out->exited != 0u) ? record.status : 0u;
    out->ticks_first_domain = __atomic_load_n(&record.ticks_first_domain, __ATOMIC_RELAXED);
    return OK;
}
