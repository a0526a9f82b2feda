// SPDX-License-Identifier: Apache-2.0
#include "label_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sepol/debug.h>
#include <sepol/policydb/policydb.h>
#include <sepol/policydb/services.h>

#include "file.h"

#define EXEC_FAILED 127

/* A need with the numbers that the open policy gives to names. */
struct number_need {
    sepol_security_class_t class_number; /* 0: none */
    sepol_access_vector_t permissions;
    enum label_over over;
};

struct number_access {
    struct number_need domain[LABEL_NEEDS];
    struct number_need platform[1];
};

static policydb_t policy;
static sidtab_t sids;
static struct number_access numbers[BULKHEAD_ACCESS_COUNT];
static sepol_security_class_t event_class;

/* ---- source to binary ---- */

/* checkpolicy's exit code; its outputs in the two files. */
static int run_checkpolicy(const char *path, FILE *binary, FILE *messages)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        dup2(fileno(binary), STDOUT_FILENO);
        dup2(fileno(messages), STDERR_FILENO);
        execlp("checkpolicy", "checkpolicy", "-t", "Xen", "-c", "30", "-o", "-", path, (char *)NULL);
        _exit(EXEC_FAILED);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        return EXEC_FAILED;
    }
    return WEXITSTATUS(status);
}

static struct bytes read_back(struct arena *arena, FILE *file)
{
    struct bytes out = {.data = (const uint8_t *)""};
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;

    if (size > 0 && fseek(file, 0, SEEK_SET) == 0) {
        uint8_t *data = arena_alloc(arena, (size_t)size, 1);
        out.size = fread(data, 1, (size_t)size, file);
        out.data = data;
    }
    return out;
}

/* Of what it says, the first line, without what ends it. */
static const char *first_line(struct arena *arena, struct bytes said)
{
    char *line = arena_text(arena, (const char *)said.data, said.size);

    line[strcspn(line, "\n")] = '\0';
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == ':') {
        line[length - 1] = '\0';
    }
    return line;
}

static bool compile(struct arena *arena, struct diags *d, struct place at, const char *path, struct bytes *out)
{
    FILE *binary = tmpfile();
    FILE *messages = tmpfile();
    size_t before = d->errors;
    int code = EXEC_FAILED;

    if (binary != NULL && messages != NULL) {
        /* A path that starts like an option is none. */
        code = run_checkpolicy(path[0] == '-' ? arena_printf(arena, "./%s", path) : path, binary, messages);
    }
    if (code == EXEC_FAILED) {
        diag_error(d, at, "label-checkpolicy",
                   "`checkpolicy`, which compiles label policies, cannot be run; install it (package checkpolicy), or "
                   "name a policy that it has compiled");
    } else if (code != 0) {
        diag_error(d, at, "label-policy", "checkpolicy refuses the label policy: %s; put that right",
                   first_line(arena, read_back(arena, messages)));
    } else {
        *out = read_back(arena, binary);
    }
    if (binary != NULL) {
        fclose(binary);
    }
    if (messages != NULL) {
        fclose(messages);
    }
    return d->errors == before;
}

/* ---- binary to policy ---- */

static bool is_binary(struct bytes data)
{
    static const uint8_t magic[] = {0x8c, 0xff, 0x7c, 0xf9}; /* POLICYDB_MAGIC, little endian */

    return data.size >= sizeof(magic) && memcmp(data.data, magic, sizeof(magic)) == 0;
}

static bool load(struct arena *arena, struct bytes data)
{
    struct policy_file file;

    policy_file_init(&file);
    file.type = PF_USE_MEMORY;
    file.data = arena_text(arena, (const char *)data.data, data.size); /* read through a pointer that is not const */
    file.len = data.size;
    if (policydb_init(&policy) != 0) {
        return false;
    }
    if (policydb_read(&policy, &file, 0) != 0) {
        policydb_destroy(&policy);
        return false;
    }
    return true;
}

/* 1..LABEL_SID_COUNT, the last one or not (libsepol of Debian 13 refuses it): libsepol takes a sid that is missing for another. */
static bool has_initial_sids(void)
{
    uint32_t seen = 0;
    bool known = true;

    for (const ocontext_t *c = policy.ocontexts[OCON_ISID]; c != NULL; c = c->next) {
        known = known && c->sid[0] >= 1 && c->sid[0] <= LABEL_SID_COUNT && (seen >> c->sid[0] & 1) == 0;
        seen |= known ? UINT32_C(1) << c->sid[0] : 0;
    }
    seen |= UINT32_C(1) << LABEL_SID_COUNT;
    return known && seen == (UINT32_C(2) << LABEL_SID_COUNT) - 2;
}

static bool labels_devices(void)
{
    return policy.ocontexts[OCON_XEN_PIRQ] != NULL || policy.ocontexts[OCON_XEN_IOPORT] != NULL ||
           policy.ocontexts[OCON_XEN_IOMEM] != NULL || policy.ocontexts[OCON_XEN_PCIDEVICE] != NULL ||
           policy.ocontexts[OCON_XEN_DEVICETREE] != NULL;
}

/* What a matrix cannot express, and what Xen's ABI fixes. */
static bool is_expressible(struct diags *d, struct place at)
{
    size_t before = d->errors;

    if (policy.target_platform != SEPOL_TARGET_XEN) {
        diag_error(d, at, "label-target",
                   "the label policy is for SELinux, not for Xen; compile it with `checkpolicy -t Xen`");
        return false;
    }
    if (policy.mls != 0) {
        diag_error(d, at, "label-mls",
                   "the label policy has levels (MLS); compile it without, labels are user:role:type");
    }
    if (policy.p_bools.nprim > 0) {
        diag_error(d, at, "label-booleans",
                   "the label policy has booleans, as `%s`, and nothing can switch them later; write the rules without "
                   "`bool` and `if`",
                   policy.p_bool_val_to_name[0]);
    }
    if (ebitmap_cardinality(&policy.permissive_map) > 0) {
        diag_error(d, at, "label-permissive",
                   "the label policy has permissive types; write `mode: permissive` for all, or take `permissive` out");
    }
    if (labels_devices()) {
        diag_error(d, at, "label-devices",
                   "the label policy labels single devices or interrupts, and devices have the labels of the initial "
                   "sids here; take those contexts out");
    }
    if (!has_initial_sids()) {
        diag_error(d, at, "label-sids",
                   "the label policy's initial sids are neither the first %u of Xen 4.17 nor all %u; declare those of "
                   "policy/default.conf, in that order",
                   (unsigned)LABEL_SID_COUNT - 1, (unsigned)LABEL_SID_COUNT);
    }
    return d->errors == before;
}

/* ---- names to numbers ---- */

static bool find_permissions(struct arena *arena, struct diags *d, struct place at, const struct label_need *need,
                             struct number_need *out)
{
    char *rest = arena_text(arena, need->permissions, strlen(need->permissions));
    bool known = sepol_string_to_security_class(need->class_name, &out->class_number) == 0;

    out->over = need->over;
    for (const char *name = strsep(&rest, " "); name != NULL; name = strsep(&rest, " ")) {
        sepol_access_vector_t bit = 0;
        if (!known || sepol_string_to_av_perm(out->class_number, name, &bit) != 0) {
            diag_error(d, at, "label-permission",
                       "the label policy has no permission `%s` of class `%s`; declare Xen 4.17's classes and "
                       "permissions, as policy/default.conf does",
                       name, need->class_name);
            return false;
        }
        out->permissions |= bit;
    }
    return true;
}

static bool find_needs(struct arena *arena, struct diags *d, struct place at, const struct label_need *need,
                       size_t count, struct number_need *out)
{
    for (size_t i = 0; i < count && need[i].class_name != NULL; i++) {
        if (!find_permissions(arena, d, at, &need[i], &out[i])) {
            return false;
        }
    }
    return true;
}

static bool find_numbers(struct arena *arena, struct diags *d, struct place at)
{
    memset(numbers, 0, sizeof(numbers));
    for (size_t i = 0; i < BULKHEAD_ACCESS_COUNT; i++) {
        const struct label_access *a = &label_accesses[i];
        if (!find_needs(arena, d, at, a->domain, LABEL_NEEDS, numbers[i].domain) ||
            !find_needs(arena, d, at, a->platform, 1, numbers[i].platform)) {
            return false;
        }
    }
    return sepol_string_to_security_class("event", &event_class) == 0;
}

/* ---- questions ---- */

static bool allows(label_sid_t source, label_sid_t target, const struct number_need *need)
{
    struct sepol_av_decision decision = {0};

    return sepol_compute_av(source, target, need->class_number, need->permissions, &decision) == 0 &&
           (decision.allowed & need->permissions) == need->permissions;
}

static bool allows_event(label_sid_t source, label_sid_t target, const struct number_need *need)
{
    label_sid_t event = 0;

    if (sepol_transition_sid(source, target, event_class, &event) != 0) {
        return false;
    }
    return need->over == OVER_EVENT ? allows(source, event, need) : allows(event, target, need);
}

static bool is_met(label_sid_t source, label_sid_t target, const struct number_need *need)
{
    switch (need->over) {
    case OVER_XEN:
        return allows(source, LABEL_SID_XEN, need);
    case OVER_SECURITY:
        return allows(source, LABEL_SID_SECURITY, need);
    case OVER_IRQ:
        return allows(source, LABEL_SID_IRQ, need);
    case OVER_IOMEM:
        return allows(source, LABEL_SID_IOMEM, need);
    case OVER_EVENT:
    case EVENT_OVER_TARGET:
        return allows_event(source, target, need);
    default:
        return allows(source, target, need);
    }
}

/* All of them, and at least one. */
static bool are_met(label_sid_t source, label_sid_t target, const struct number_need *need, size_t count)
{
    for (size_t i = 0; i < count && need[i].class_number != 0; i++) {
        if (!is_met(source, target, &need[i])) {
            return false;
        }
    }
    return need[0].class_number != 0;
}

uint32_t label_policy_allowed(label_sid_t source, label_sid_t target)
{
    uint32_t vector = 0;

    for (unsigned i = 0; i < BULKHEAD_ACCESS_COUNT; i++) {
        if (are_met(source, target, numbers[i].domain, LABEL_NEEDS)) {
            vector |= UINT32_C(1) << i;
        }
    }
    return vector;
}

uint32_t label_policy_platform(label_sid_t source)
{
    uint32_t vector = 0;

    for (unsigned i = 0; i < BULKHEAD_ACCESS_COUNT; i++) {
        if (are_met(source, LABEL_SID_XEN, numbers[i].platform, 1)) {
            vector |= UINT32_C(1) << i;
        }
    }
    return vector;
}

label_sid_t label_policy_find(const char *context)
{
    label_sid_t sid = 0;

    return sepol_context_to_sid(context, strlen(context) + 1, &sid) == 0 ? sid : 0;
}

const char *label_policy_context(struct arena *arena, label_sid_t sid)
{
    char *text = NULL;
    size_t size = 0;

    if (sepol_sid_to_context(sid, &text, &size) != 0) {
        return "";
    }
    const char *copy = arena_text(arena, text, strnlen(text, size));
    free(text);
    return copy;
}

/* ---- open, close ---- */

static bool start(void)
{
    return policydb_load_isids(&policy, &sids) == 0 && sepol_set_policydb(&policy) == 0 && sepol_set_sidtab(&sids) == 0;
}

static bool damaged(struct diags *d, struct place at)
{
    diag_error(
        d, at, "label-policy-file",
        "the label policy is damaged, or it has more initial sids than the installed libsepol knows (3.8 does not "
        "take `domDM`); leave that out, or compile it again with `checkpolicy -t Xen`");
    return false;
}

static bool open_binary(struct arena *arena, struct diags *d, struct place at, struct bytes data)
{
    memset(&sids, 0, sizeof(sids));
    if (!load(arena, data)) {
        return damaged(d, at);
    }
    bool good = is_expressible(d, at) && (start() || damaged(d, at)) && find_numbers(arena, d, at);
    if (!good) {
        label_policy_close();
    }
    return good;
}

bool label_policy_open(struct arena *arena, struct diags *d, struct place at, const char *path)
{
    struct bytes data;
    int error = file_read(arena, path, &data);

    sepol_debug(0); /* its messages name no place */
    if (error != 0) {
        diag_error(
            d, at, "file-exists",
            "the label policy `%s` cannot be read (%s); write the path of an existing file, relative to this one, "
            "or `default`",
            path, strerror(error));
        return false;
    }
    return (is_binary(data) || compile(arena, d, at, path, &data)) && open_binary(arena, d, at, data);
}

void label_policy_close(void)
{
    sepol_sidtab_destroy(&sids);
    policydb_destroy(&policy);
}
