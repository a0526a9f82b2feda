// SPDX-License-Identifier: Apache-2.0
#include "labels.h"

#include <stdio.h>
#include <string.h>

#include "devices.h"
#include "file.h"
#include "key_rows.h"
#include "label_policy.h"

#define DEFAULT_POLICY "policy/default.conf" /* [impl->dsn~label-default-policy~1] */

static const char *const mode_choices[] = {"enforcing", "permissive", NULL};

static const struct key labels_key_rows[] = {
    {.name = "policy",
     .kind = KEY_TEXT,
     FIELD(system_labels, policy),
     .fallback = "default",
     .meaning =
         "FLASK source for Xen's classes (a `policy.conf`), or what checkpolicy made of it: a path relative to this "
         "file. `default`: policy/default.conf, which comes with Bulkhead.",
     .example = "policy: default"},
    {.name = "mode",
     .kind = KEY_CHOICE,
     FIELD(system_labels, mode),
     .choices = mode_choices,
     .fallback = "enforcing",
     .meaning = "`enforcing`: what the policy does not allow is refused. `permissive`: it is counted and logged, and "
                "allowed; for bring-up only.",
     .example = "mode: permissive"},
    {.name = "extra",
     .kind = KEY_TEXTS,
     FIELD(system_labels, extra),
     .fallback = "none",
     .meaning = "Further labels, of domains that a toolstack creates later.",
     .example = "extra: [system_u:system_r:domU_t]"},
};
const struct key_table labels_keys = KEY_TABLE_AT(labels_key_rows, system_labels);

/* sid[i] is that of label i. */
struct compiler {
    struct arena *arena;
    struct diags *diags;
    struct bulkhead_labels *matrix;
    label_sid_t sid[BULKHEAD_LABELS];
};

static bool has_labels(const struct system *s)
{
    return s->labels.at.file != NULL;
}

void labels_check(struct diags *d, const struct system *s)
{
    for (size_t i = 0; i < s->domains.count && !has_labels(s); i++) {
        const struct domain *domain = system_domain(s, i);
        if (domain->seclabel.given) {
            diag_error(d, domain->seclabel.at, "seclabel-without-labels",
                       "`%s` has a label, and no policy says what it means; write `labels: default` at the top level",
                       domain->name.value);
        }
    }
}

/* ---- who has which label ---- */

static bool is_backend(const struct system *s, const struct domain *domain)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *front = system_domain(s, i);
        const struct disk *disk = front->disks.item;
        const struct nic *nic = front->nics.item;
        for (size_t j = 0; j < front->disks.count; j++) {
            if (strcmp(disk[j].backend.value, domain->name.value) == 0) {
                return true;
            }
        }
        for (size_t j = 0; j < front->nics.count; j++) {
            if (strcmp(nic[j].backend.value, domain->name.value) == 0) {
                return true;
            }
        }
    }
    return false;
}

static const char *default_label(const struct system *s, const struct domain *domain)
{
    static const char *const by_role[] = {
        [ROLE_HARDWARE] = "system_u:system_r:hardware_t",
        [ROLE_CONTROL] = "system_u:system_r:control_t",
        [ROLE_XENSTORE] = "system_u:system_r:store_t",
        [ROLE_CONSOLE] = "system_u:system_r:console_t",
    };

    if (domain->role.value != ROLE_DOMU) {
        return by_role[domain->role.value];
    }
    return domain->safe.value      ? "system_u:system_r:domU_safe_t"
           : is_backend(s, domain) ? "system_u:system_r:driver_t"
                                   : "system_u:system_r:domU_t";
}

/* The number of the label; a new one is entered. BULKHEAD_LABELS after reporting why there is no room. */
static uint32_t add_label(struct compiler *c, struct place at, label_sid_t sid)
{
    struct bulkhead_labels *m = c->matrix;
    const char *context = label_policy_context(c->arena, sid);

    for (uint32_t i = 0; i < m->count; i++) {
        if (c->sid[i] == sid) {
            return i;
        }
    }
    if (strlen(context) >= BULKHEAD_LABEL_BYTES) {
        diag_error(c->diags, at, "label-length",
                   "the label `%s` has %zu characters; write shorter names, at most %u in all", context,
                   strlen(context), BULKHEAD_LABEL_BYTES - 1);
        return BULKHEAD_LABELS;
    }
    if (m->count == BULKHEAD_LABELS) {
        diag_error(
            c->diags, at, "label-count",
            "`%s` would be one label too many; let domains share labels: %u are possible, that of domains without "
            "a label included",
            context, BULKHEAD_LABELS);
        return BULKHEAD_LABELS;
    }
    c->sid[m->count] = sid;
    memcpy(m->label[m->count], context, strlen(context));
    return m->count++;
}

static void add_domain(struct compiler *c, const struct system *s, struct domain *domain)
{
    const struct text *written = &domain->seclabel;
    const char *context = written->given ? written->value : default_label(s, domain);
    label_sid_t sid = label_policy_find(context);

    if (sid != 0) {
        domain->label = add_label(c, written->given ? written->at : domain->name.at, sid);
    } else if (written->given) {
        diag_error(
            c->diags, written->at, "label-unknown",
            "the label policy has no context `%s`; write user:role:type, names that it declares and a role that may "
            "have the type",
            context);
    } else {
        diag_error(c->diags, domain->name.at, "label-unknown",
                   "`%s` has no `seclabel`, and the label policy does not have the default `%s`; write a `seclabel`",
                   domain->name.value, context);
    }
}

static void add_extra(struct compiler *c, const struct text *extra)
{
    label_sid_t sid = label_policy_find(extra->value);

    if (sid == 0) {
        diag_error(
            c->diags, extra->at, "label-unknown",
            "the label policy has no context `%s`; write user:role:type, names that it declares and a role that may "
            "have the type",
            extra->value);
        return;
    }
    add_label(c, extra->at, sid);
}

static void number_labels(struct compiler *c, struct system *s)
{
    const struct text *extra = s->labels.extra.item;

    add_label(c, s->labels.at, LABEL_SID_UNLABELED);
    for (size_t i = 0; i < s->domains.count; i++) {
        add_domain(c, s, system_domain(s, i));
    }
    for (size_t i = 0; i < s->labels.extra.count; i++) {
        add_extra(c, &extra[i]);
    }
}

/* ---- the matrix ---- */

/* The right to create is over the platform; FLASK asks for the label of what is created. */
static uint32_t creates(const struct bulkhead_labels *m, uint32_t source)
{
    for (uint32_t target = 0; target < m->count; target++) {
        if (labels_allow(m, source, target, BULKHEAD_ACCESS_CREATE_AS)) {
            return UINT32_C(1) << BULKHEAD_RIGHT_CREATE;
        }
    }
    return 0;
}

/* [impl->dsn~label-matrix~1] */
static void fill(const struct compiler *c)
{
    struct bulkhead_labels *m = c->matrix;

    for (uint32_t i = 0; i < m->count; i++) {
        for (uint32_t j = 0; j < m->count; j++) {
            m->allowed[i][j] = label_policy_allowed(c->sid[i], c->sid[j]);
        }
        m->allowed[i][BULKHEAD_LABEL_PLATFORM] = label_policy_platform(c->sid[i]) | creates(m, i);
    }
    for (unsigned i = 0; i < BULKHEAD_ACCESS_COUNT; i++) {
        memcpy(m->access[i], label_accesses[i].text, BULKHEAD_ACCESS_BYTES);
    }
}

void labels_compile(struct arena *arena, struct diags *d, struct system *s)
{
    bool is_named = s->labels.policy.given && strcmp(s->labels.policy.value, "default") != 0;
    struct place at = s->labels.policy.given ? s->labels.policy.at : s->labels.at;
    struct compiler c = {.arena = arena, .diags = d};
    size_t before = d->errors;

    if (!has_labels(s)) {
        return;
    }
    const char *path =
        is_named ? file_beside(arena, s->file, s->labels.policy.value) : file_in_root(arena, DEFAULT_POLICY);
    if (!label_policy_open(arena, d, at, path)) {
        return;
    }
    c.matrix = arena_alloc(arena, 1, sizeof(*c.matrix));
    c.matrix->magic = BULKHEAD_LABELS_MAGIC;
    c.matrix->flags = s->labels.mode.value == LABELS_PERMISSIVE ? BULKHEAD_LABELS_PERMISSIVE : 0;
    if (s->labels.mode.value == LABELS_PERMISSIVE) {
        diag_note(d, s->labels.mode.at, "label-mode",
                  "the labels are permissive: what the policy refuses is logged, and "
                  "happens all the same");
    }
    number_labels(&c, s);
    if (d->errors == before) {
        fill(&c);
        s->matrix = c.matrix;
        labels_check_links(arena, d, s);
    }
    label_policy_close();
}
