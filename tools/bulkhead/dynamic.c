// SPDX-License-Identifier: Apache-2.0
#include "dynamic.h"

#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "key_rows.h"
#include "launch.h"
#include "privileges.h"
#include "tree_internal.h"

#define PAGE 4096u

static const struct key dynamic_key_rows[] = {
    {.name = "memory",
     .kind = KEY_SIZE,
     FIELD(system_dynamic, memory),
     .min = UINT64_C(1) << 20,
     .max = UINT64_C(1016) << 30,
     .required = true,
     .meaning =
         "Memory of all of them together, what the hypervisor spends on them included: 1 MiB a domain beside its "
         "own, and more for one of more than 64 MiB. A multiple of 4 KiB.",
     .example = "memory: 64 MiB"},
    {.name = "domains",
     .kind = KEY_NUMBER,
     FIELD(system_dynamic, domains),
     .min = 1,
     .max = LAUNCH_MAX_DOMAINS - 1,
     .required = true,
     .meaning = "How many there may be at a time.",
     .example = "domains: 4"},
    {.name = "vcpus",
     .kind = KEY_NUMBER,
     FIELD(system_dynamic, vcpus),
     .min = 1,
     .max = LAUNCH_MAX_VCPUS,
     .fallback = "as many as `domains`",
     .meaning = "How many vCPUs they may have together.",
     .example = "vcpus: 8"},
    {.name = "cpus",
     .kind = KEY_NUMBERS,
     FIELD(system_dynamic, cpus),
     .max = BOARD_MAX_CPUS - 1,
     .fallback = "those that no safe domain has",
     .meaning = "Physical CPUs on which they may run; never one of a safe domain.",
     .example = "cpus: [3]"},
};
const struct key_table dynamic_keys = KEY_TABLE_AT(dynamic_key_rows, system_dynamic);

static const struct domain *safe_domain_on(const struct system *s, uint64_t cpu)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        const struct number *list = domain->cpus.item;
        for (size_t j = 0; domain->safe.value && j < domain->cpus.count; j++) {
            if (list[j].value == cpu) {
                return domain;
            }
        }
    }
    return NULL;
}

static void check_cpus(struct diags *d, const struct system *s)
{
    const struct items *cpus = &s->dynamic.cpus;
    const struct number *cpu = cpus->item;
    uint64_t left = 0;

    for (uint64_t i = 0; i < s->board.cpus.value; i++) {
        left += safe_domain_on(s, i) == NULL ? 1 : 0;
    }
    if (left == 0 || (cpus->given && cpus->count == 0)) {
        diag_error(d, cpus->given ? cpus->at : s->dynamic.at, "dynamic-cpus",
                   "domains that are created later would have no CPU; leave one to them that no safe domain has");
    }
    for (size_t i = 0; i < cpus->count; i++) {
        const struct domain *safe = safe_domain_on(s, cpu[i].value);
        if (cpu[i].given && cpu[i].value >= s->board.cpus.value) {
            diag_error(d, cpu[i].at, "cpu-exists",
                       "CPU %" PRIu64 " does not exist, board `%s` has %" PRIu64 " here; write 0 to %" PRIu64,
                       cpu[i].value, s->board.name.value, s->board.cpus.value, s->board.cpus.value - 1);
        } else if (safe != NULL) {
            diag_error(d, cpu[i].at, "safe-cpu-exclusive",
                       "CPU %" PRIu64 " belongs to the safe domain `%s`; domains that are created later need another",
                       cpu[i].value, safe->name.value);
        }
    }
}

void dynamic_check(struct diags *d, const struct system *s)
{
    const struct system_dynamic *y = &s->dynamic;
    size_t holder[BULKHEAD_RIGHT_COUNT];

    if (y->at.file == NULL) {
        return;
    }
    if (y->memory.value % PAGE != 0) {
        diag_error(d, y->memory.at, "memory-aligned", "the memory of `dynamic` is no multiple of 4 KiB; round it up");
    }
    if (s->domains.count + y->domains.value > LAUNCH_MAX_DOMAINS) {
        diag_error(d, y->domains.at, "too-many-domains",
                   "there are %zu domains, and %" PRIu64 " may be created later; write at most %u in all",
                   s->domains.count, y->domains.value, LAUNCH_MAX_DOMAINS);
    }
    privileges_over(s, s->domains.count, holder);
    if (holder[BULKHEAD_RIGHT_CREATE] == PRIVILEGES_NOBODY) {
        diag_error(
            d, y->at, "dynamic-create",
            "nobody could create the domains that `dynamic` is for; write a domain with `role: control`, or give "
            "one the right `create`");
    }
    check_cpus(d, s);
}

uint64_t dynamic_bytes(const struct system *s)
{
    return s->dynamic.memory.value;
}

void dynamic_put(struct arena *arena, void *fdt, const struct system *s)
{
    const struct system_dynamic *y = &s->dynamic;
    const struct number *cpu = y->cpus.item;
    uint64_t vcpus = y->vcpus.given ? y->vcpus.value : y->domains.value;
    fdt64_t cells[2] = {cpu_to_fdt64(y->memory.value / 1024), cpu_to_fdt64(y->domains.value << 32 | vcpus)};
    const char *cpus = "";

    if (y->at.file == NULL) {
        return;
    }
    launch_must(fdt_property(fdt, LAUNCH_PROP_DYNAMIC, cells, sizeof(cells)));
    for (size_t i = 0; i < y->cpus.count; i++) {
        cpus = arena_printf(arena, "%s%s%" PRIu64, cpus, i == 0 ? "" : ",", cpu[i].value);
    }
    if (y->cpus.given) {
        launch_must(fdt_property_string(fdt, LAUNCH_PROP_DYN_CPUS, cpus));
    }
}

void dynamic_read(const struct tree *t, int chosen, struct system *s)
{
    int size = 0;
    const fdt32_t *cells = chosen < 0 ? NULL : fdt_getprop(t->fdt, chosen, LAUNCH_PROP_DYNAMIC, &size);
    const char *cpus = chosen < 0 ? NULL : tree_text(t, chosen, LAUNCH_PROP_DYN_CPUS);
    bool has[BOARD_MAX_CPUS] = {false};
    struct number *list;
    size_t count = 0;

    if (cells == NULL || size != 4 * (int)sizeof(*cells)) {
        return;
    }
    s->dynamic.at = tree_place(t, chosen);
    uint64_t kib = (uint64_t)fdt32_to_cpu(cells[0]) << 32 | fdt32_to_cpu(cells[1]);
    s->dynamic.memory = (struct number){.value = kib * 1024, .at = s->dynamic.at, .given = true};
    s->dynamic.domains = (struct number){.value = fdt32_to_cpu(cells[2]), .at = s->dynamic.at, .given = true};
    s->dynamic.vcpus = (struct number){.value = fdt32_to_cpu(cells[3]), .at = s->dynamic.at, .given = true};
    if (cpus == NULL || !tree_parse_affinity(cpus, has)) {
        return;
    }
    list = arena_alloc(t->arena, BOARD_MAX_CPUS, sizeof(*list));
    for (unsigned cpu = 0; cpu < BOARD_MAX_CPUS; cpu++) {
        if (has[cpu]) {
            list[count++] = (struct number){.value = cpu, .at = s->dynamic.at, .given = true};
        }
    }
    s->dynamic.cpus = (struct items){.item = list, .count = count, .at = s->dynamic.at, .given = true};
}

void dynamic_describe(struct buffer *out, const struct system *s)
{
    const struct system_dynamic *y = &s->dynamic;
    const struct number *cpu = y->cpus.item;

    if (y->at.file == NULL) {
        return;
    }
    buffer_printf(out, "dynamic: { memory: %" PRIu64 " KiB, domains: %" PRIu64, y->memory.value / 1024,
                  y->domains.value);
    if (y->vcpus.given) {
        buffer_printf(out, ", vcpus: %" PRIu64, y->vcpus.value);
    }
    for (size_t i = 0; i < y->cpus.count; i++) {
        buffer_printf(out, "%s%" PRIu64 "%s", i == 0 ? ", cpus: [" : ", ", cpu[i].value,
                      i + 1 == y->cpus.count ? "]" : "");
    }
    buffer_printf(out, " }\n");
}
