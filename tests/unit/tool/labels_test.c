// SPDX-License-Identifier: Apache-2.0
/* The compiled label matrix against libsepol's own decisions. Each access is spelt out here a second time, from Xen's
 * hooks, one permission a row; libsepol decides each permission for the two contexts, as Xen's security server would.
 * [utest->dsn~label-matrix~1] [utest->dsn~label-compile~1] [utest->dsn~label-default-policy~1] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sepol/debug.h>
#include <sepol/policydb/policydb.h>
#include <sepol/policydb/services.h>

#include "label_access.h"
#include "labels.h"
#include "privileges.h"

#define DEFAULT TREE "/policy/default.conf"
#define HOSTILE TREE "/tests/unit/tool/hostile.conf"

enum over {
    DOMAIN,   /* source over target */
    PLATFORM, /* source over the target `xen`, for accesses to the platform */
    XEN,      /* the same, for accesses to a domain */
    SECURITY,
    IRQ,
    IOMEM,
    CREATES, /* source over the new channel */
    BINDS,   /* the new channel over target */
};

static const struct row {
    unsigned access;
    const char *class_name;
    const char *permission;
    enum over over;
} rows[] = {
    {BULKHEAD_RIGHT_DESTROY, "domain", "destroy", DOMAIN},
    {BULKHEAD_RIGHT_PAUSE, "domain", "pause", DOMAIN},
    {BULKHEAD_RIGHT_PAUSE, "domain", "unpause", DOMAIN},
    {BULKHEAD_RIGHT_RESTART, "domain2", "soft_reset", DOMAIN},
    {BULKHEAD_RIGHT_MAP_FOREIGN, "mmu", "map_read", DOMAIN},
    {BULKHEAD_RIGHT_MAP_FOREIGN, "mmu", "map_write", DOMAIN},
    {BULKHEAD_RIGHT_DEVICE_MODEL, "hvm", "dm", DOMAIN},
    {BULKHEAD_RIGHT_DEVICE_MODEL, "domain2", "resource_map", DOMAIN},
    {BULKHEAD_RIGHT_ASSIGN_DEVICE, "resource", "add", DOMAIN},
    {BULKHEAD_RIGHT_ASSIGN_DEVICE, "resource", "remove", DOMAIN},
    {BULKHEAD_RIGHT_ASSIGN_DEVICE, "resource", "add_irq", IRQ},
    {BULKHEAD_RIGHT_ASSIGN_DEVICE, "resource", "remove_irq", IRQ},
    {BULKHEAD_RIGHT_ASSIGN_DEVICE, "hvm", "bind_irq", IRQ},
    {BULKHEAD_RIGHT_ASSIGN_DEVICE, "resource", "add_iomem", IOMEM},
    {BULKHEAD_RIGHT_ASSIGN_DEVICE, "resource", "remove_iomem", IOMEM},
    {BULKHEAD_RIGHT_PLATFORM, "xen", "sleep", PLATFORM},
    {BULKHEAD_RIGHT_SCHEDULE, "domain", "getscheduler", DOMAIN},
    {BULKHEAD_RIGHT_SCHEDULE, "domain2", "setscheduler", DOMAIN},
    {BULKHEAD_RIGHT_SCHEDULE, "xen", "cpupool_op", PLATFORM},
    {BULKHEAD_RIGHT_SCHEDULE, "xen", "getscheduler", PLATFORM},
    {BULKHEAD_RIGHT_SCHEDULE, "xen", "setscheduler", PLATFORM},
    {BULKHEAD_RIGHT_SUSPEND, "domain", "resume", DOMAIN},
    {BULKHEAD_RIGHT_SUSPEND, "domain", "trigger", DOMAIN},
    {BULKHEAD_RIGHT_CONSOLE, "xen", "readconsole", DOMAIN},
    {BULKHEAD_RIGHT_CONSOLE, "xen", "writeconsole", DOMAIN},
    {BULKHEAD_RIGHT_CONSOLE, "xen", "readconsole", PLATFORM},
    {BULKHEAD_RIGHT_CONSOLE, "xen", "clearconsole", PLATFORM},
    {BULKHEAD_RIGHT_LABEL, "security", "load_policy", SECURITY},
    {BULKHEAD_RIGHT_LABEL, "security", "setenforce", SECURITY},
    {BULKHEAD_RIGHT_MEASUREMENT, "xen", "firmware", PLATFORM},
    {BULKHEAD_RIGHT_CLONE, "domain2", "mem_sharing", DOMAIN},
    {BULKHEAD_RIGHT_INFO, "domain", "getdomaininfo", DOMAIN},
    {BULKHEAD_RIGHT_INFO, "domain", "getvcpuinfo", DOMAIN},
    {BULKHEAD_RIGHT_INFO, "domain", "getvcpucontext", DOMAIN},
    {BULKHEAD_RIGHT_INFO, "domain", "getaffinity", DOMAIN},
    {BULKHEAD_RIGHT_INFO, "domain", "getpagingmempool", DOMAIN},
    {BULKHEAD_RIGHT_INFO, "mmu", "stat", DOMAIN},
    {BULKHEAD_RIGHT_INFO, "xen", "physinfo", PLATFORM},
    {BULKHEAD_RIGHT_BUILD, "domain", "max_vcpus", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "domain", "setdomainmaxmem", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "domain", "setdomainhandle", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "domain", "setvcpucontext", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "domain", "setaffinity", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "domain", "setpagingmempool", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "domain2", "cacheflush", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "mmu", "adjust", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "mmu", "physmap", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "hvm", "setparam", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "hvm", "getparam", DOMAIN},
    {BULKHEAD_RIGHT_BUILD, "grant", "setup", DOMAIN},
    {BULKHEAD_ACCESS_CREATE_AS, "domain", "create", DOMAIN},
    {BULKHEAD_ACCESS_EVENT, "event", "create", CREATES},
    {BULKHEAD_ACCESS_EVENT, "event", "send", CREATES},
    {BULKHEAD_ACCESS_EVENT, "event", "status", CREATES},
    {BULKHEAD_ACCESS_EVENT, "event", "bind", BINDS},
    {BULKHEAD_ACCESS_GRANT_READ, "grant", "map_read", DOMAIN},
    {BULKHEAD_ACCESS_GRANT_READ, "grant", "copy", DOMAIN},
    {BULKHEAD_ACCESS_GRANT_WRITE, "grant", "map_write", DOMAIN},
    {BULKHEAD_ACCESS_GRANT_WRITE, "grant", "copy", DOMAIN},
    {BULKHEAD_ACCESS_ARGO_SEND, "argo", "send", DOMAIN},
    {BULKHEAD_ACCESS_ARGO_SEND, "argo", "enable", XEN},
    {BULKHEAD_ACCESS_ARGO_REGISTER, "argo", "register_single_source", DOMAIN},
    {BULKHEAD_ACCESS_ARGO_REGISTER, "argo", "enable", XEN},
    {BULKHEAD_ACCESS_ARGO_ANY, "argo", "register_any_source", PLATFORM},
    {BULKHEAD_ACCESS_ARGO_ANY, "argo", "enable", PLATFORM},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct arena arena;
static struct diags diags;

/* ---- the compiler's answer ---- */

static const struct bulkhead_labels *compile(const char *policy, const char *const *contexts, size_t count)
{
    struct text *extra = arena_alloc(&arena, count, sizeof(*extra));
    struct system s = {.file = "/description"};

    for (size_t i = 0; i < count; i++) {
        extra[i] = (struct text){.value = contexts[i], .given = true};
    }
    s.labels.at = (struct place){.file = "description", .line = 1};
    s.labels.policy = (struct text){.value = policy, .at = s.labels.at, .given = true};
    s.labels.extra = (struct items){.item = extra, .count = count, .given = true};
    labels_compile(&arena, &diags, &s);
    diag_print(&diags, stderr);
    assert_int_equal(diags.errors, 0);
    assert_non_null(s.matrix);
    assert_int_equal(s.matrix->magic, BULKHEAD_LABELS_MAGIC);
    assert_int_equal(s.matrix->count, count + 1);
    return s.matrix;
}

/* ---- libsepol's ---- */

static policydb_t policy;
static sidtab_t sids;

/* What checkpolicy makes of it, in `binary` and in libsepol. */
static void load(const char *source, const char *binary)
{
    char command[1024];
    struct policy_file file;

    snprintf(command, sizeof(command), "checkpolicy -t Xen -c 30 -o %s %s >/dev/null 2>&1", binary, source);
    assert_int_equal(system(command), 0);
    policy_file_init(&file);
    file.type = PF_USE_STDIO;
    file.fp = fopen(binary, "rb");
    assert_non_null(file.fp);
    sepol_debug(0);
    assert_int_equal(policydb_init(&policy), 0);
    assert_int_equal(policydb_read(&policy, &file, 0), 0);
    fclose(file.fp);
    assert_int_equal(policydb_load_isids(&policy, &sids), 0);
    assert_int_equal(sepol_set_policydb(&policy), 0);
    assert_int_equal(sepol_set_sidtab(&sids), 0);
}

static void unload(void)
{
    sepol_sidtab_destroy(&sids);
    policydb_destroy(&policy);
}

static sepol_security_id_t sid(const char *context)
{
    sepol_security_id_t out = 0;

    assert_int_equal(sepol_context_to_sid(context, strlen(context) + 1, &out), 0);
    return out;
}

static bool decide(sepol_security_id_t source, sepol_security_id_t target, const char *class_name,
                   const char *permission)
{
    sepol_security_class_t number = 0;
    sepol_access_vector_t bit = 0;
    struct sepol_av_decision decision;

    assert_int_equal(sepol_string_to_security_class(class_name, &number), 0);
    assert_int_equal(sepol_string_to_av_perm(number, permission, &bit), 0);
    assert_int_equal(sepol_compute_av(source, target, number, bit, &decision), 0);
    return (decision.allowed & bit) != 0;
}

static sepol_security_id_t channel(sepol_security_id_t source, sepol_security_id_t target)
{
    sepol_security_class_t number = 0;
    sepol_security_id_t event = 0;

    assert_int_equal(sepol_string_to_security_class("event", &number), 0);
    assert_int_equal(sepol_transition_sid(source, target, number, &event), 0);
    return event;
}

static bool is_met(const struct row *r, const char *source, const char *target)
{
    switch (r->over) {
    case DOMAIN:
        return decide(sid(source), sid(target), r->class_name, r->permission);
    case SECURITY:
        return decide(sid(source), sid("system_u:system_r:security_t"), r->class_name, r->permission);
    case IRQ:
        return decide(sid(source), sid("system_u:object_r:irq_t"), r->class_name, r->permission);
    case IOMEM:
        return decide(sid(source), sid("system_u:object_r:iomem_t"), r->class_name, r->permission);
    case CREATES:
        return decide(sid(source), channel(sid(source), sid(target)), r->class_name, r->permission);
    case BINDS:
        return decide(channel(sid(source), sid(target)), sid(target), r->class_name, r->permission);
    default:
        return decide(sid(source), sid("system_u:system_r:xen_t"), r->class_name, r->permission);
    }
}

/* The access, decided row by row; target NULL = the platform. */
static bool is_allowed(unsigned access, const char *source, const char *target)
{
    bool known = false;

    for (size_t i = 0; i < ROWS; i++) {
        bool of_platform = rows[i].over == PLATFORM || rows[i].over == SECURITY;
        if (rows[i].access != access || of_platform != (target == NULL)) {
            continue;
        }
        if (!is_met(&rows[i], source, target)) {
            return false;
        }
        known = true;
    }
    return known;
}

static bool creates_any(const struct bulkhead_labels *m, uint32_t source)
{
    for (uint32_t j = 0; j < m->count; j++) {
        if (is_allowed(BULKHEAD_ACCESS_CREATE_AS, m->label[source], m->label[j])) {
            return true;
        }
    }
    return false;
}

/* Every triple. Returns how many are allowed. */
static unsigned replay(const struct bulkhead_labels *m)
{
    unsigned allowed = 0;

    for (uint32_t i = 0; i < BULKHEAD_LABELS; i++) {
        for (uint32_t j = 0; j <= BULKHEAD_LABELS; j++) {
            for (unsigned access = 0; access < 32; access++) {
                bool is_platform = j == BULKHEAD_LABEL_PLATFORM;
                bool exists = i < m->count && (j < m->count || is_platform);
                bool expected = exists && is_allowed(access, m->label[i], is_platform ? NULL : m->label[j]);
                if (exists && is_platform && access == BULKHEAD_RIGHT_CREATE) {
                    expected = creates_any(m, i);
                }
                if (expected != (m->allowed[i][j] >> access & 1u)) {
                    fail_msg("%s over %s: access %u is %s by the policy", m->label[i], is_platform ? "-" : m->label[j],
                             access, expected ? "allowed" : "refused");
                }
                allowed += expected;
            }
        }
    }
    return allowed;
}

static bool has(const struct bulkhead_labels *m, const char *source, const char *target, unsigned access)
{
    uint32_t from = BULKHEAD_LABELS, to = BULKHEAD_LABEL_PLATFORM;

    for (uint32_t i = 0; i < m->count; i++) {
        from = strstr(m->label[i], source) != NULL ? i : from;
        to = target != NULL && strstr(m->label[i], target) != NULL ? i : to;
    }
    assert_true(from < m->count && (target == NULL || to < m->count));
    return labels_allow(m, from, to, access);
}

/* ---- tests ---- */

#define R "system_u:system_r:"
static const char *const default_contexts[] = {R "control_t",
                                               R "hardware_t",
                                               R "domU_t",
                                               R "domU_safe_t",
                                               R "store_t",
                                               R "console_t",
                                               R "driver_t",
                                               R "dm_t",
                                               R "xen_t",
                                               R "security_t",
                                               R "domio_t",
                                               "system_u:object_r:irq_t",
                                               "system_u:object_r:domU_event_t"};
static const char *const hostile_contexts[] = {R "a_t",
                                               R "b_t",
                                               R "c_t",
                                               R "d_t",
                                               R "bound_t",
                                               R "xen_t",
                                               "system_u:other_r:a_t",
                                               "other_u:other_r:a_t",
                                               "other_u:other_r:b_t",
                                               "system_u:object_r:one_t",
                                               "system_u:object_r:iomem_t"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void every_triple_of_the_default_policy_is_what_libsepol_says(void **state)
{
    (void)state;
    const struct bulkhead_labels *m = compile(DEFAULT, default_contexts, COUNT(default_contexts));
    load(DEFAULT, "default.pol");
    assert_true(replay(m) > 100);
    unload();
}

static void every_triple_of_a_hostile_policy_is_what_libsepol_says(void **state)
{
    (void)state;
    const struct bulkhead_labels *m = compile(HOSTILE, hostile_contexts, COUNT(hostile_contexts));
    load(HOSTILE, "hostile.pol");
    assert_true(replay(m) > 30);
    unload();
}

/* What was meant, written down by hand: it would show a mistake that compiler and replay share. */
static void a_hostile_policy_means_what_was_written(void **state)
{
    static const struct {
        const char *source, *target;
        unsigned access;
        bool allowed;
    } cases[] = {
        /* half of the permissions of an access is none */
        {R "a_t", R "b_t", BULKHEAD_RIGHT_PAUSE, false},
        {R "a_t", R "c_t", BULKHEAD_RIGHT_PAUSE, true},
        /* a constraint takes away what a rule allows */
        {R "a_t", R "b_t", BULKHEAD_RIGHT_DESTROY, true},
        {"other_u:other_r:a_t", R "b_t", BULKHEAD_RIGHT_DESTROY, false},
        {"other_u:other_r:a_t", "other_u:other_r:b_t", BULKHEAD_RIGHT_DESTROY, true},
        /* a bound type has no more than its parent */
        {R "bound_t", R "c_t", BULKHEAD_RIGHT_RESTART, false},
        {R "b_t", R "c_t", BULKHEAD_RIGHT_RESTART, false},
        {R "bound_t", R "c_t", BULKHEAD_RIGHT_SUSPEND, true},
        /* one direction */
        {R "a_t", R "b_t", BULKHEAD_ACCESS_EVENT, true},
        {R "b_t", R "a_t", BULKHEAD_ACCESS_EVENT, false},
        /* the channel's label by no transition is the target's type */
        {R "d_t", R "c_t", BULKHEAD_ACCESS_EVENT, true},
        {R "d_t", R "b_t", BULKHEAD_ACCESS_EVENT, false},
        /* self, and everything but */
        {R "c_t", R "c_t", BULKHEAD_RIGHT_CLONE, true},
        {R "c_t", R "d_t", BULKHEAD_RIGHT_CLONE, false},
        {R "d_t", R "a_t", BULKHEAD_RIGHT_MAP_FOREIGN, true},
        {R "d_t", R "b_t", BULKHEAD_RIGHT_MAP_FOREIGN, false},
        /* Argo must be enabled, too */
        {R "a_t", R "b_t", BULKHEAD_ACCESS_ARGO_SEND, true},
        {R "b_t", R "a_t", BULKHEAD_ACCESS_ARGO_SEND, false},
        /* the platform */
        {R "c_t", NULL, BULKHEAD_RIGHT_PLATFORM, true},
        {R "c_t", NULL, BULKHEAD_RIGHT_CREATE, true},
        {R "c_t", R "d_t", BULKHEAD_ACCESS_CREATE_AS, true},
        {R "a_t", NULL, BULKHEAD_RIGHT_CREATE, false},
        {R "c_t", NULL, BULKHEAD_RIGHT_LABEL, false},
        {R "d_t", NULL, BULKHEAD_RIGHT_LABEL, true},
    };

    (void)state;
    const struct bulkhead_labels *m = compile(HOSTILE, hostile_contexts, COUNT(hostile_contexts));
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (has(m, cases[i].source, cases[i].target, cases[i].access) != cases[i].allowed) {
            fail_msg("%s over %s: access %u", cases[i].source, cases[i].target == NULL ? "-" : cases[i].target,
                     cases[i].access);
        }
    }
}

static void nobody_acts_on_a_safe_domain_by_the_default_policy(void **state)
{
    const uint32_t talk = UINT32_C(1) << BULKHEAD_ACCESS_EVENT | UINT32_C(1) << BULKHEAD_ACCESS_GRANT_READ |
                          UINT32_C(1) << BULKHEAD_ACCESS_GRANT_WRITE | UINT32_C(1) << BULKHEAD_ACCESS_ARGO_SEND |
                          UINT32_C(1) << BULKHEAD_ACCESS_ARGO_REGISTER;
    const uint32_t look = UINT32_C(1) << BULKHEAD_RIGHT_INFO | UINT32_C(1) << BULKHEAD_RIGHT_CONSOLE;

    (void)state;
    const struct bulkhead_labels *m = compile(DEFAULT, default_contexts, COUNT(default_contexts));
    for (uint32_t i = 0; i < m->count; i++) {
        bool may_look = strcmp(m->label[i], R "control_t") == 0 || strcmp(m->label[i], R "console_t") == 0;
        for (uint32_t j = 0; j < m->count; j++) {
            if (strcmp(m->label[j], R "domU_safe_t") == 0) {
                assert_int_equal(m->allowed[i][j] & ~(talk | (may_look ? look : 0)), 0);
            }
            assert_int_equal(m->allowed[i][0], 0); /* nothing over what has no label */
            assert_int_equal(m->allowed[0][j], 0); /* and nothing for it */
        }
    }
    assert_true(has(m, R "control_t", R "domU_t", BULKHEAD_RIGHT_DESTROY));
    assert_false(has(m, R "hardware_t", R "domU_t", BULKHEAD_RIGHT_DESTROY));
    assert_false(has(m, R "domU_safe_t", NULL, BULKHEAD_ACCESS_ARGO_ANY));
    assert_false(has(m, R "control_t", R "domU_safe_t", BULKHEAD_ACCESS_CREATE_AS));
}

static void source_and_binary_give_the_same_matrix(void **state)
{
    (void)state;
    char folder[512];
    char path[600];
    const struct bulkhead_labels *source = compile(DEFAULT, default_contexts, COUNT(default_contexts));
    load(DEFAULT, "binary.pol");
    unload();
    assert_non_null(getcwd(folder, sizeof(folder)));
    snprintf(path, sizeof(path), "%s/binary.pol", folder);
    const struct bulkhead_labels *binary = compile(path, default_contexts, COUNT(default_contexts));
    assert_memory_equal(source, binary, sizeof(*source));
}

static void names_end_within_their_fields(void **state)
{
    (void)state;
    const struct bulkhead_labels *m = compile(DEFAULT, default_contexts, COUNT(default_contexts));
    for (unsigned i = 0; i < 32; i++) {
        size_t length = strnlen(m->access[i], BULKHEAD_ACCESS_BYTES);
        assert_true(length < BULKHEAD_ACCESS_BYTES);
        assert_int_equal(length > 0, i < BULKHEAD_ACCESS_COUNT);
    }
    for (unsigned i = 0; i < BULKHEAD_RIGHT_COUNT; i++) {
        assert_string_equal(label_accesses[i].name, privileges_names[i]);
    }
    assert_string_equal(m->label[0], R "unlabeled_t");
    assert_string_equal(m->label[1], R "control_t");
}

static void a_context_that_occurs_twice_is_one_label(void **state)
{
    static const char *const twice[] = {R "a_t", R "alias_t", R "a_t"};

    (void)state;
    struct text extra[3];
    struct system s = {.file = "/description"};
    for (size_t i = 0; i < 3; i++) {
        extra[i] = (struct text){.value = twice[i], .given = true};
    }
    s.labels.at = (struct place){.file = "description", .line = 1};
    s.labels.policy = (struct text){.value = HOSTILE, .at = s.labels.at, .given = true};
    s.labels.extra = (struct items){.item = extra, .count = 3, .given = true};
    labels_compile(&arena, &diags, &s);
    assert_non_null(s.matrix);
    assert_int_equal(s.matrix->count, 2);
    assert_string_equal(s.matrix->label[1], R "a_t");
}

static int set_up(void **state)
{
    (void)state;
    diag_init(&diags, &arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_triple_of_the_default_policy_is_what_libsepol_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_triple_of_a_hostile_policy_is_what_libsepol_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hostile_policy_means_what_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_acts_on_a_safe_domain_by_the_default_policy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(source_and_binary_give_the_same_matrix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_end_within_their_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_context_that_occurs_twice_is_one_label, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
