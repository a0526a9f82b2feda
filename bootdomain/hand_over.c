/* SPDX-License-Identifier: Apache-2.0 */
#include "hand_over.h"

#include <xen/xen.h>

#include "hyper.h"
#include "rings.h"
#include "text.h"

static const char *const right_names[BULKHEAD_RIGHT_COUNT] = BULKHEAD_RIGHT_NAMES;

static uint16_t domid_of(const struct builder *builder, uint32_t index)
{
    return builder->states[index].is_created ? builder->states[index].domid : DOMID_INVALID;
}

/* domid of the Control Domain; DOMID_INVALID when there is none: a right that is moved there is gone. */
static uint16_t control_domid(const struct builder *builder)
{
    for (uint32_t i = 0; i < builder->plan->count; i++) {
        if (builder->plan->domains[i].role == BULKHEAD_ROLE_CONTROL) {
            return domid_of(builder, i);
        }
    }
    return DOMID_INVALID;
}

/* An initial safe domain is nobody's to touch; its state may be read. */
void hand_over_domain(const struct builder *builder, uint32_t index)
{
    const struct plan_domain *domain = &builder->plan->domains[index];
    bool is_safe = (domain->flags & BULKHEAD_DOMAIN_SAFE) != 0;
    uint32_t to_control = is_safe ? BULKHEAD_RIGHTS_HARMLESS : BULKHEAD_RIGHTS_DOMAIN;
    uint16_t control = control_domid(builder);

    if (domain->grantee[BULKHEAD_RIGHT_CONSOLE] == 0) {
        rings_hand_over(builder->plan, index, builder->states[index].domid);
    }
    for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT; i++) {
        if (domain->grantee[i] == 0 && (BULKHEAD_RIGHTS_DOMAIN >> i & 1) != 0) {
            hyper_move_right((enum bulkhead_right)i, builder->states[index].domid,
                             ((to_control >> i & 1) != 0) ? control : DOMID_INVALID);
        }
    }
}

static void give_by_name(const struct builder *builder, const uint16_t *grantee, uint16_t target)
{
    for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT; i++) {
        if (grantee[i] != 0) {
            hyper_move_right((enum bulkhead_right)i, target, domid_of(builder, grantee[i] - 1u));
        }
    }
}

void hand_over_rest(const struct builder *builder)
{
    const struct plan *plan = builder->plan;
    uint16_t control = control_domid(builder);

    for (uint32_t i = 0; i < plan->count; i++) {
        if (builder->states[i].is_started) {
            give_by_name(builder, plan->domains[i].grantee, builder->states[i].domid);
        }
    }
    give_by_name(builder, plan->grantee, DOMID_SELF);
    for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT; i++) {
        if (plan->grantee[i] == 0 && (BULKHEAD_RIGHTS_PLATFORM >> i & 1) != 0) {
            hyper_move_right((enum bulkhead_right)i, DOMID_SELF, control);
        }
    }
}

static const char *name_of(const struct builder *builder, uint16_t domid)
{
    for (uint32_t i = 0; i < builder->plan->count; i++) {
        if (builder->states[i].is_created && builder->states[i].domid == domid) {
            return builder->plan->domains[i].name;
        }
    }
    return "?";
}

/* Rights that nobody can use any more: whoever still holds them here ends with this domain. */
static bool is_gone(uint16_t holder)
{
    return holder == DOMID_INVALID || holder == DOMID_BOOT;
}

/* Is the holder of right i named by a lower one? */
static bool is_repeated(const struct bulkhead_rights *rights, uint32_t i)
{
    uint32_t first = 0;

    while (rights->holder[first] != rights->holder[i]) {
        first++;
    }
    return first != i;
}

/* One line for each holder: "rights over TARGET: HOLDER: RIGHT ...". */
static void log_target(const struct builder *builder, uint16_t target, const char *name)
{
    struct bulkhead_rights rights = {.target = target};
    bool somebody = false;

    if (hyper_rights(&rights) != 0) {
        log_notice(NULL, "rights over %s: the hypervisor does not tell", name);
        return;
    }
    for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT; i++) {
        char line[TEXT_LINE_BYTES];
        size_t used = 0;
        if (is_gone(rights.holder[i]) || is_repeated(&rights, i)) {
            continue;
        }
        for (uint32_t j = i; j < BULKHEAD_RIGHT_COUNT; j++) {
            if (rights.holder[j] == rights.holder[i]) {
                used += text_format(&line[used], sizeof(line) - used, " %s", right_names[j]);
            }
        }
        log_notice(NULL, "rights over %s: %s:%s", name, name_of(builder, rights.holder[i]), line);
        somebody = true;
    }
    if (!somebody) {
        log_notice(NULL, "rights over %s: nobody", name);
    }
}

void hand_over_log(const struct builder *builder)
{
    for (uint32_t i = 0; i < builder->plan->count; i++) {
        if (builder->states[i].is_started) {
            log_target(builder, builder->states[i].domid, builder->plan->domains[i].name);
        }
    }
    log_target(builder, DOMID_SELF, "the platform");
}
