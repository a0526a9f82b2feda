// SPDX-License-Identifier: Apache-2.0
/* What a description leaves open. */
#include <string.h>

#include "pools.h"

struct cpu_set {
    bool has[BOARD_MAX_CPUS];
};

static struct cpu_set safe_cpus(const struct system *s)
{
    struct cpu_set set = {0};

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        const struct number *cpu = d->cpus.item;
        for (size_t j = 0; d->safe.value && j < d->cpus.count; j++) {
            if (cpu[j].value < BOARD_MAX_CPUS) {
                set.has[cpu[j].value] = true;
            }
        }
    }
    return set;
}

/* Those of a safe domain or of a pool. */
static struct cpu_set taken_cpus(const struct system *s)
{
    struct cpu_set set = safe_cpus(s);

    for (size_t p = 0; p < s->pools.count; p++) {
        for (unsigned cpu = 0; cpu < BOARD_MAX_CPUS; cpu++) {
            set.has[cpu] = set.has[cpu] || pools_has(system_pool(s, p), cpu);
        }
    }
    return set;
}

static unsigned list_free(const struct system *s, const struct cpu_set *taken, unsigned list[BOARD_MAX_CPUS])
{
    unsigned count = 0;

    for (unsigned cpu = 0; cpu < s->board.cpus.value && cpu < BOARD_MAX_CPUS; cpu++) {
        if (!taken->has[cpu]) {
            list[count++] = cpu;
        }
    }
    return count;
}

/* The Boot Domain's: one that nobody has, else one of no safe domain. */
static unsigned choose_boot_cpu(const struct system *s, const unsigned *free_cpu, unsigned free_count)
{
    struct cpu_set safe = safe_cpus(s);
    unsigned unsafe_cpu[BOARD_MAX_CPUS];

    if (s->boot_domain.cpu.given) {
        return (unsigned)s->boot_domain.cpu.value;
    }
    return free_count > 0 ? free_cpu[0] : list_free(s, &safe, unsafe_cpu) > 0 ? unsafe_cpu[0] : 0;
}

static void place_vcpus(struct domain *d, const unsigned *free_cpu, unsigned free_count, unsigned *turn)
{
    const struct number *cpu = d->cpus.item;

    for (unsigned v = 0; v < d->vcpus.value && v < DOMAIN_VCPUS_MAX; v++) {
        if (d->cpus.given && d->cpus.count > 0) {
            d->vcpu_cpu[v] = (unsigned)cpu[v % d->cpus.count].value;
        } else if (free_count > 0) {
            d->vcpu_cpu[v] = free_cpu[*turn % free_count];
            *turn += 1;
        }
    }
}

static uint64_t static_sum(const struct domain *d)
{
    const struct range *range = d->static_memory.item;
    uint64_t sum = 0;

    for (size_t i = 0; i < d->static_memory.count; i++) {
        sum += range[i].size.value;
    }
    return sum;
}

void system_fill(struct system *s)
{
    pools_fill(s);
    struct cpu_set taken = taken_cpus(s);
    unsigned free_cpu[BOARD_MAX_CPUS];
    unsigned free_count = list_free(s, &taken, free_cpu);
    unsigned turn = 0;

    for (size_t i = 0; i < s->domains.count; i++) {
        struct domain *d = system_domain(s, i);
        d->vcpus.value = d->vcpus.given ? d->vcpus.value : 1;
        if (!d->memory.given && d->static_memory.given) {
            d->memory.value = static_sum(d);
        }
        place_vcpus(d, free_cpu, free_count, &turn);
    }
    s->boot_cpu = choose_boot_cpu(s, free_cpu, free_count);
    s->boot_memory = s->boot_domain.memory.given ? s->boot_domain.memory.value : BOOT_DOMAIN_DEFAULT_MEMORY;
}
