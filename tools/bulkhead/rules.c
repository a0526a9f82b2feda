// SPDX-License-Identifier: Apache-2.0
/* The rules of a system that need no file: names, roles, CPUs, order. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "devices.h"
#include "dynamic.h"
#include "labels.h"
#include "pools.h"

static const struct domain *find_domain(const struct system *s, const char *name)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (strcmp(system_domain(s, i)->name.value, name) == 0) {
            return system_domain(s, i);
        }
    }
    return NULL;
}

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > DOMAIN_NAME_MAX || !isalpha((unsigned char)name[0])) {
        return false;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == length;
}

void rules_check_names(struct diags *d, const struct system *s)
{
    if (s->domains.given && s->domains.count == 0) {
        diag_error(d, s->domains.at, "no-domains", "the system has no domain; write at least one below `domains`");
    }
    if (s->domains.count > LAUNCH_MAX_DOMAINS) {
        diag_error(d, s->domains.at, "too-many-domains", "there are %zu domains; write at most %u", s->domains.count,
                   LAUNCH_MAX_DOMAINS);
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct text *name = &system_domain(s, i)->name;
        if (!name_is_good(name->value)) {
            diag_error(d, name->at, "domain-name",
                       "`%s` is no name for a domain; write a letter, then at most 30 letters, digits, `_`, `.` or `-`",
                       name->value);
        }
        if (find_domain(s, name->value) != system_domain(s, i)) {
            diag_error(d, name->at, "duplicate-name",
                       "two domains are called `%s`; choose another name for one of them", name->value);
        }
    }
}

static void check_single_role(struct diags *d, const struct system *s, enum domain_role role, const char *rule,
                              const char *title)
{
    const struct domain *first = NULL;

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        if (domain->role.value != (uint64_t)role) {
            continue;
        }
        if (first != NULL) {
            diag_error(d, domain->role.at, rule,
                       "`%s` would be a second %s Domain, `%s` is one already; write `role: domu` for one of them",
                       domain->name.value, title, first->name.value);
        } else {
            first = domain;
        }
    }
}

/* A value was written and refused already: no second message about what follows from its absence. */
static bool is_wrong(const struct flag *flag)
{
    return flag->at.file != NULL && !flag->given;
}

static void check_roles(struct diags *d, const struct system *s)
{
    check_single_role(d, s, ROLE_HARDWARE, "one-hardware-domain", "Hardware");
    check_single_role(d, s, ROLE_CONTROL, "one-control-domain", "Control");
    check_single_role(d, s, ROLE_XENSTORE, "one-store-domain", "Store");
    check_single_role(d, s, ROLE_CONSOLE, "one-console-domain", "Console");
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        if (domain->role.value == ROLE_CONTROL && !domain->safe.value && !is_wrong(&domain->safe)) {
            diag_error(
                d, domain->role.at, "control-domain-safe",
                "the Control Domain `%s` is not safe, yet it can affect every other domain; write `safe: true`, or "
                "`role: domu`",
                domain->name.value);
        }
    }
}

static void check_cpu_list(struct diags *d, const struct system *s, const struct domain *domain)
{
    const struct number *cpu = domain->cpus.item;
    const struct pool *pool = pools_of(s, domain);

    if (pool != NULL && pool->cpus.item == domain->cpus.item) {
        return; /* the pool's list is looked at once */
    }
    if (domain->cpus.given && domain->cpus.count == 0) {
        diag_error(d, domain->cpus.at, "cpus-empty", "`%s` has an empty list of CPUs; name one, or leave the key out",
                   domain->name.value);
    }
    for (size_t i = 0; i < domain->cpus.count; i++) {
        if (cpu[i].given && cpu[i].value >= s->board.cpus.value) {
            diag_error(d, cpu[i].at, "cpu-exists",
                       "CPU %" PRIu64 " does not exist, board `%s` has %" PRIu64 " here; write 0 to %" PRIu64,
                       cpu[i].value, s->board.name.value, s->board.cpus.value, s->board.cpus.value - 1);
        }
        for (size_t j = 0; j < i; j++) {
            if (cpu[j].value == cpu[i].value) {
                diag_error(d, cpu[i].at, "cpu-twice", "CPU %" PRIu64 " is listed twice; write it once", cpu[i].value);
                break;
            }
        }
    }
    if (domain->safe.value && !domain->cpus.given) {
        diag_error(d, domain->name.at, "safe-cpus",
                   "the safe domain `%s` names no CPU, so nobody would be kept off it; write `cpus: [...]`",
                   domain->name.value);
    }
}

/* Each CPU of a safe domain that another domain lists too is reported where the other one lists it. */
static void check_cpu_sharing(struct diags *d, const struct domain *safe, const struct domain *other, bool other_first)
{
    const struct number *mine = safe->cpus.item;
    const struct number *theirs = other->cpus.item;

    for (size_t i = 0; i < safe->cpus.count; i++) {
        for (size_t j = 0; j < other->cpus.count; j++) {
            if (mine[i].value != theirs[j].value) {
                continue;
            }
            diag_error(d, other_first ? mine[i].at : theirs[j].at, "safe-cpu-exclusive",
                       "CPU %" PRIu64
                       " belongs to the safe domain `%s`, and `%s` lists it too; give one of them another CPU",
                       mine[i].value, safe->name.value, other->name.value);
        }
    }
}

static void check_exclusive_cpus(struct diags *d, const struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct domain *a = system_domain(s, j);
            const struct domain *b = system_domain(s, i);
            if (pools_may_share(s, a, b)) {
                continue;
            }
            if (a->safe.value) {
                check_cpu_sharing(d, a, b, false);
            } else if (b->safe.value) {
                check_cpu_sharing(d, b, a, true);
            }
        }
    }
}

static bool cpu_is_safe(const struct system *s, uint64_t cpu)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        const struct number *list = domain->cpus.item;
        for (size_t j = 0; domain->safe.value && j < domain->cpus.count; j++) {
            if (list[j].value == cpu) {
                return true;
            }
        }
    }
    return false;
}

static bool cpu_is_pooled(const struct system *s, uint64_t cpu)
{
    for (size_t i = 0; i < s->pools.count; i++) {
        if (pools_has(system_pool(s, i), cpu)) {
            return true;
        }
    }
    return false;
}

static bool every_cpu_is_taken(const struct system *s)
{
    for (uint64_t cpu = 0; cpu < s->board.cpus.value; cpu++) {
        if (!cpu_is_safe(s, cpu) && !cpu_is_pooled(s, cpu)) {
            return false;
        }
    }
    return true;
}

static bool every_cpu_is_safe(const struct system *s)
{
    for (uint64_t cpu = 0; cpu < s->board.cpus.value; cpu++) {
        if (!cpu_is_safe(s, cpu)) {
            return false;
        }
    }
    return true;
}

static void check_boot_cpu(struct diags *d, const struct system *s)
{
    const struct number *cpu = &s->boot_domain.cpu;
    bool all_safe = every_cpu_is_safe(s);

    if (cpu->given && cpu->value >= s->board.cpus.value) {
        diag_error(d, cpu->at, "cpu-exists",
                   "CPU %" PRIu64 " does not exist, board `%s` has %" PRIu64 " here; write 0 to %" PRIu64, cpu->value,
                   s->board.name.value, s->board.cpus.value, s->board.cpus.value - 1);
    } else if (cpu->given && !all_safe && cpu_is_safe(s, cpu->value)) {
        diag_error(d, cpu->at, "boot-domain-cpu",
                   "the Boot Domain would run on CPU %" PRIu64 " of a safe domain; write a CPU that no safe domain has",
                   cpu->value);
    } else if (!cpu->given && all_safe) {
        diag_error(d, s->at, "boot-domain-cpu",
                   "every CPU belongs to a safe domain, so the Boot Domain has none; write `boot-domain: { cpu: N }`");
    }
}

static void check_unsafe_cpus(struct diags *d, const struct system *s)
{
    if (!every_cpu_is_taken(s)) {
        return;
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        if (!domain->safe.value && !domain->cpus.given) {
            diag_error(d, domain->name.at, "no-cpu-left",
                       "no CPU is left for `%s`, safe domains and pools have them all; take one from them, or use a "
                       "board with more",
                       domain->name.value);
        }
    }
}

static void check_after(struct diags *d, const struct system *s, const struct domain *domain)
{
    const struct text *after = domain->after.item;

    for (size_t i = 0; i < domain->after.count; i++) {
        if (!after[i].given) {
            continue;
        }
        const struct domain *other = find_domain(s, after[i].value);
        if (other == NULL) {
            const char *names[LAUNCH_MAX_DOMAINS];
            size_t count = s->domains.count < LAUNCH_MAX_DOMAINS ? s->domains.count : LAUNCH_MAX_DOMAINS;
            for (size_t j = 0; j < count; j++) {
                names[j] = system_domain(s, j)->name.value;
            }
            const char *nearest = key_nearest(after[i].value, names, count);
            diag_error(d, after[i].at, "after-exists", "there is no domain `%s`; %s%s%s", after[i].value,
                       nearest == NULL ? "write the name of another domain" : "did you mean `",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "`?");
        } else if (domain->safe.value && !other->safe.value) {
            diag_error(d, after[i].at, "safe-after-unsafe",
                       "the safe domain `%s` would wait for `%s`, which is not safe; leave it out, or make `%s` safe",
                       domain->name.value, other->name.value, other->name.value);
        }
    }
}

/* Remove, again and again, each domain all of whose predecessors are gone: what stays is on or behind a cycle. */
static void find_cycles(const struct system *s, bool *is_stuck)
{
    bool progress = true;

    for (size_t i = 0; i < s->domains.count; i++) {
        is_stuck[i] = true;
    }
    while (progress) {
        progress = false;
        for (size_t i = 0; i < s->domains.count; i++) {
            const struct domain *domain = system_domain(s, i);
            const struct text *after = domain->after.item;
            bool waits = false;
            for (size_t j = 0; is_stuck[i] && j < domain->after.count && !waits; j++) {
                const struct domain *other = after[j].given ? find_domain(s, after[j].value) : NULL;
                waits = other != NULL && is_stuck[other - system_domain(s, 0)];
            }
            if (is_stuck[i] && !waits) {
                is_stuck[i] = false;
                progress = true;
            }
        }
    }
}

/* Follow `after` among the stuck domains from `start`; true when it leads back to it. */
static bool leads_back(const struct system *s, size_t start, size_t at, const bool *is_stuck, bool *seen)
{
    const struct domain *domain = system_domain(s, at);
    const struct text *after = domain->after.item;

    for (size_t i = 0; i < domain->after.count; i++) {
        const struct domain *other = after[i].given ? find_domain(s, after[i].value) : NULL;
        size_t next = other == NULL ? SIZE_MAX : (size_t)(other - system_domain(s, 0));
        if (next == start) {
            return true;
        }
        if (next != SIZE_MAX && is_stuck[next] && !seen[next]) {
            seen[next] = true;
            if (leads_back(s, start, next, is_stuck, seen)) {
                return true;
            }
        }
    }
    return false;
}

static void check_order(struct diags *d, const struct system *s)
{
    bool is_stuck[LAUNCH_MAX_DOMAINS];

    find_cycles(s, is_stuck);
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        bool seen[LAUNCH_MAX_DOMAINS] = {false};
        check_after(d, s, domain);
        if (is_stuck[i] && leads_back(s, i, i, is_stuck, seen)) {
            diag_error(d, domain->after.at, "after-cycle",
                       "`%s` waits for itself by way of `after`; take one of the names out of the circle",
                       domain->name.value);
        }
    }
}

bool rules_has_safe(const struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->safe.value) {
            return true;
        }
    }
    return false;
}

/* The Boot Domain's plan has room for so many. */
static void check_vcpu_total(struct diags *d, const struct system *s)
{
    uint64_t total = 0;

    for (size_t i = 0; i < s->domains.count; i++) {
        total += system_domain(s, i)->vcpus.value;
    }
    if (total > LAUNCH_MAX_VCPUS) {
        diag_error(d, s->domains.at, "too-many-vcpus", "the domains have %" PRIu64 " vCPUs together; write at most %u",
                   total, LAUNCH_MAX_VCPUS);
    }
}

static void check_rest(struct diags *d, const struct domain *domain)
{
    if (domain->bootargs.given && strlen(domain->bootargs.value) > DOMAIN_BOOTARGS_MAX) {
        diag_error(d, domain->bootargs.at, "bootargs-length", "the command line has %zu characters; write at most %u",
                   strlen(domain->bootargs.value), DOMAIN_BOOTARGS_MAX);
    }
    if (domain->direct_map.value && !domain->static_memory.given) {
        diag_error(
            d, domain->direct_map.at, "direct-map-static",
            "a direct map needs memory at known addresses; write `static-memory` too, or leave `direct-map` out");
    }
    if (domain->at.file != NULL && domain->memory.at.file == NULL && !domain->static_memory.given) {
        diag_error(d, domain->name.at, "missing-key", "`%s` has no memory; write `memory: 64 MiB` or `static-memory`",
                   domain->name.value);
    }
}

void rules_check(struct diags *d, const struct system *s)
{
    rules_check_names(d, s);
    if (s->domains.count > LAUNCH_MAX_DOMAINS) {
        return;
    }
    check_roles(d, s);
    for (size_t i = 0; i < s->domains.count; i++) {
        check_cpu_list(d, s, system_domain(s, i));
        check_rest(d, system_domain(s, i));
        health_check(d, system_domain(s, i));
        rules_check_devices(d, s, i);
    }
    check_vcpu_total(d, s);
    check_exclusive_cpus(d, s);
    check_unsafe_cpus(d, s);
    check_boot_cpu(d, s);
    check_order(d, s);
    rules_check_shared(d, s);
    rules_check_time(d, s);
    devices_check(d, s);
    rules_check_grants(d, s);
    labels_check(d, s);
    dynamic_check(d, s);
}
