// SPDX-License-Identifier: Apache-2.0
/* The vCPU nodes of a domain. */
#include <stdlib.h>

#include "tree_internal.h"

bool tree_parse_affinity(const char *text, bool cpus[BOARD_MAX_CPUS])
{
    while (*text != '\0') {
        char *end;
        unsigned long first = strtoul(text, &end, 10);
        unsigned long last = first;
        if (end == text) {
            return false;
        }
        if (*end == '-') {
            text = end + 1;
            last = strtoul(text, &end, 10);
        }
        if (end == text || first > last || last >= BOARD_MAX_CPUS || (*end != ',' && *end != '\0')) {
            return false;
        }
        for (unsigned long cpu = first; cpu <= last; cpu++) {
            cpus[cpu] = true;
        }
        text = *end == ',' ? end + 1 : end;
    }
    return true;
}

void tree_take_vcpu(const struct tree_reader *r, int node, struct tree_affinity *all)
{
    uint64_t id;
    const char *text = tree_text(r->tree, node, "hard-affinity");

    if (!tree_number(r->tree, node, "id", 0, 1, &id) || id >= DOMAIN_VCPUS_MAX ||
        (text != NULL && !tree_parse_affinity(text, all->cpus[id]))) {
        diag_error(r->tree->diags, tree_place(r->tree, node), "import-vcpu",
                   "%s: id or hard-affinity is wrong; write id = <N> and hard-affinity = \"1,3-4\"",
                   tree_path(r->tree, node));
        return;
    }
    all->given[id] = text != NULL;
}

static int lowest_cpu(const bool cpus[BOARD_MAX_CPUS], unsigned *count)
{
    int lowest = -1;

    *count = 0;
    for (int cpu = 0; cpu < (int)BOARD_MAX_CPUS; cpu++) {
        if (cpus[cpu]) {
            lowest = lowest < 0 ? cpu : lowest;
            *count += 1;
        }
    }
    return lowest;
}

/* Each vCPU has one CPU in a description: take the first of several, and say so. */
void tree_settle_affinity(const struct tree_reader *r, const struct tree_affinity *all)
{
    uint64_t vcpus = r->domain->vcpus.given ? r->domain->vcpus.value : 1;
    struct number *list = arena_alloc(r->tree->arena, DOMAIN_VCPUS_MAX, sizeof(*list));
    bool is_narrowed = false;

    for (uint64_t v = 0; v < vcpus; v++) {
        unsigned count = 0;
        int cpu = all->given[v] ? lowest_cpu(all->cpus[v], &count) : -1;
        if (cpu < 0) {
            if (v > 0) {
                tree_note(r, "only some vCPUs have a hard-affinity; give every vCPU one, or none");
            }
            return;
        }
        is_narrowed = is_narrowed || count > 1;
        list[v] = tree_number_here(r, (uint64_t)cpu);
    }
    if (is_narrowed) {
        tree_note(r, "a vCPU may run on several CPUs; each vCPU gets the first of them and never moves");
    }
    /* A list that only repeats one CPU says the same with one entry. */
    size_t count = vcpus;
    while (count > 1 && list[count - 1].value == list[0].value) {
        count--;
    }
    count = count == 1 ? 1 : vcpus;
    r->domain->cpus = (struct items){.item = list, .count = count, .at = tree_here(r), .given = true};
}
