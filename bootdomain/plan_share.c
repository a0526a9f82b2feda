/* SPDX-License-Identifier: Apache-2.0 */
/* Static shared memory: nodes compatible with "xen,domain-shared-memory-v1" below the domains' nodes.
 * [impl->dsn~boot-shared-memory~1] */
#include <string.h>

#include <libfdt.h>

#include "guest_fdt.h"
#include "guest_layout.h"
#include "layout.h"
#include "plan_internal.h"
#include "range.h"
#include "text.h"

/* xen,shared-mem as it stands: [machine] guest size. */
struct shared_mem {
    bool is_placed;
    uint64_t machine;
    uint64_t guest;
    uint64_t size;
};

static bool refuse(const struct plan_reader *reader, const char *id, const char *text)
{
    log_problem(reader->domain->name, "shared memory '%s': %s", id, text);
    return false;
}

static const char *read_id(const struct plan_reader *reader, int node)
{
    struct prop prop;
    const char *id = NULL;

    if (prop_find(&prop, reader->context->fdt, node, reader->domain->name, "xen,shm-id")) {
        id = prop_string(&prop);
    }
    if (id == NULL || id[0] == '\0' || strlen(id) >= LAUNCH_SHARE_ID_BYTES) {
        log_problem(reader->domain->name, "node '%s': xen,shm-id is missing or not 1 to %u characters; write a name",
                    fdt_get_name(reader->context->fdt, node, NULL), LAUNCH_SHARE_ID_BYTES - 1);
        return NULL;
    }
    return id;
}

static bool read_place(const struct plan_reader *reader, int node, const char *id, struct shared_mem *mem)
{
    uint32_t address = 2;
    uint32_t size = 2;
    struct prop prop;

    if (!prop_cell_sizes(reader->context->fdt, reader->node, reader->domain->name, &address, &size)) {
        return false;
    }
    uint32_t address_bytes = address * (uint32_t)sizeof(uint32_t);
    uint32_t size_bytes = size * (uint32_t)sizeof(uint32_t);
    bool found = prop_find(&prop, reader->context->fdt, node, reader->domain->name, "xen,shared-mem");
    mem->is_placed = found && prop.size == 2 * address_bytes + size_bytes;
    if (!found || (!mem->is_placed && prop.size != address_bytes + size_bytes)) {
        return refuse(reader, id, "xen,shared-mem is missing or of another length; write <[machine] guest size>");
    }
    uint32_t at = 0;
    if (mem->is_placed) {
        (void)prop_cells(&prop, 0, address, &mem->machine);
        at = address_bytes;
    }
    (void)prop_cells(&prop, at, address, &mem->guest);
    (void)prop_cells(&prop, at + address_bytes, size, &mem->size);
    if (mem->size == 0 || mem->size > LAUNCH_GUEST_SPACE || mem->guest > LAUNCH_GUEST_SPACE - mem->size ||
        ((mem->machine | mem->guest | mem->size) & (LAYOUT_PAGE - 1)) != 0 || mem->machine + mem->size < mem->machine) {
        return refuse(reader, id, "its addresses and size are not whole 4 KiB pages of an address space; align them");
    }
    return true;
}

/* "owner" or "borrower"; without it the memory is nobody's in particular. */
static bool read_role(const struct plan_reader *reader, int node, const char *id, bool *is_owner)
{
    struct prop prop;

    *is_owner = false;
    if (!prop_find(&prop, reader->context->fdt, node, reader->domain->name, "role")) {
        return true;
    }
    const char *text = prop_string(&prop);
    if (text == NULL || (strcmp(text, "owner") != 0 && strcmp(text, "borrower") != 0)) {
        return refuse(reader, id, "the role is neither \"owner\" nor \"borrower\"; write one of them");
    }
    *is_owner = strcmp(text, "owner") == 0;
    return true;
}

/* The region of that name, new when the name is.  NULL, and said, when it is another one or there are too many. */
static struct plan_share *find_share(const struct plan_reader *reader, const char *id, const struct shared_mem *mem)
{
    struct plan *plan = reader->plan;

    for (uint32_t i = 0; i < plan->share_count; i++) {
        struct plan_share *share = &plan->shares[i];
        if (strcmp(share->id, id) != 0) {
            continue;
        }
        if (share->machine.size != mem->size || share->is_placed != mem->is_placed ||
            share->machine.base != mem->machine) {
            (void)refuse(reader, id, "two domains give it another place or size; write the same in both");
            return NULL;
        }
        return share;
    }
    if (plan->share_count == LAUNCH_MAX_SHARES) {
        log_problem(reader->domain->name, "more than %u regions of shared memory; join some", LAUNCH_MAX_SHARES);
        return NULL;
    }
    struct plan_share *share = &plan->shares[plan->share_count];
    plan->share_count++;
    memcpy(share->id, id, strlen(id) + 1);
    share->is_placed = mem->is_placed;
    share->machine = (struct board_range){.base = mem->machine, .size = mem->size};
    return share;
}

static bool is_direct(const struct plan_reader *reader)
{
    return (reader->domain->flags & BULKHEAD_DOMAIN_DIRECT) != 0;
}

static bool take_owner(const struct plan_reader *reader, struct plan_share *share, bool is_owner)
{
    if (is_owner && share->has_owner) {
        return refuse(reader, share->id, "it has two owners; make one of them a borrower");
    }
    share->has_owner = share->has_owner || is_owner;
    return true;
}

void plan_read_share(struct plan_reader *reader, int node)
{
    struct plan *plan = reader->plan;
    const char *id = read_id(reader, node);
    struct shared_mem mem = {0};
    bool is_owner;

    if (id == NULL || !read_place(reader, node, id, &mem) || !read_role(reader, node, id, &is_owner)) {
        return;
    }
    if (is_direct(reader) && (!mem.is_placed || mem.guest != mem.machine)) {
        (void)refuse(reader, id, "a direct-mapped domain sees it at its machine address; write that twice");
        return;
    }
    struct plan_share *share = find_share(reader, id, &mem);
    if (share == NULL || !take_owner(reader, share, is_owner)) {
        return;
    }
    if (plan->use_count == LAUNCH_MAX_SHARE_USES) {
        log_problem(reader->domain->name, "more than %u uses of shared memory; take some out", LAUNCH_MAX_SHARE_USES);
        return;
    }
    plan->uses[plan->use_count] = (struct plan_share_use){
        .domain = (uint16_t)(reader->domain - plan->domains),
        .share = (uint16_t)(share - plan->shares),
        .is_read_only = fdt_getprop(reader->context->fdt, node, LAUNCH_PROP_READ_ONLY, NULL) != NULL,
        .guest = mem.guest};
    plan->use_count++;
}

/* ---- rules ---- */

/* Guest-physical ranges that a domain of the plan has besides. */
static bool is_free_for_guest(const struct plan_context *context, const struct plan_domain *domain,
                              const struct board_range *range)
{
    const struct board_range magic = {.base = LAYOUT_MAGIC_BASE, .size = LAYOUT_MAGIC_SIZE};
    struct kernel_banks banks;
    struct guest_devices devices;

    layout_banks(domain, &banks);
    guest_devices_of(domain, context->board, &devices);
    for (uint32_t i = 0; i < banks.count; i++) {
        if (range_overlaps(range, &banks.bank[i])) {
            return false;
        }
    }
    return !range_overlaps(range, &devices.gicd) && !range_overlaps(range, &devices.gicr) &&
           !range_overlaps(range, &devices.uart) && !range_overlaps(range, &devices.grants) &&
           !range_overlaps(range, &magic);
}

static struct board_range guest_range(const struct plan *plan, const struct plan_share_use *use)
{
    return (struct board_range){.base = use->guest, .size = plan->shares[use->share].machine.size};
}

static void check_use(const struct plan *plan, const struct plan_context *context, uint32_t index)
{
    const struct plan_share_use *use = &plan->uses[index];
    const struct plan_domain *domain = &plan->domains[use->domain];
    const char *id = plan->shares[use->share].id;
    struct board_range range = guest_range(plan, use);
    bool is_free = is_free_for_guest(context, domain, &range);

    for (uint32_t i = 0; i < index; i++) {
        struct board_range other = guest_range(plan, &plan->uses[i]);
        is_free = is_free && !(plan->uses[i].domain == use->domain && range_overlaps(&range, &other));
    }
    if (!is_free) {
        log_problem(domain->name, "shared memory '%s' at 0x%lx to 0x%lx overlaps what the domain has there; move it",
                    id, (unsigned long)range.base, (unsigned long)range_end(&range));
    }
}

/* Machine memory that the description gives to somebody. */
static bool is_given(const struct plan *plan, const struct plan_context *context, uint32_t index)
{
    const struct board_range *range = &plan->shares[index].machine;
    bool given = false;

    for (uint32_t i = 0; i < context->taken_count; i++) {
        given = given || range_overlaps(range, &context->taken[i]);
    }
    for (uint32_t i = 0; i < index; i++) {
        given = given || (plan->shares[i].is_placed && range_overlaps(range, &plan->shares[i].machine));
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        for (uint32_t j = 0; j < domain->fixed_count; j++) {
            given = given || range_overlaps(range, &domain->fixed[j]);
        }
        for (uint32_t j = 0; j < PLAN_MODULE_KINDS; j++) {
            const struct plan_module *module = &domain->modules[j];
            struct board_range place = {.base = module->outside, .size = module->size};
            given = given || (module->is_outside && range_overlaps(range, &place));
        }
    }
    return given;
}

static void check_share(const struct plan *plan, const struct plan_context *context, uint32_t index)
{
    const struct plan_share *share = &plan->shares[index];
    unsigned long base = (unsigned long)share->machine.base;
    unsigned long end = (unsigned long)range_end(&share->machine);

    if (!share->is_placed) {
        return;
    }
    if (!plan_is_board_ram(context->board, &share->machine)) {
        log_problem(NULL, "shared memory '%s' at 0x%lx to 0x%lx is not RAM of board '%s'; choose a range in its RAM",
                    share->id, base, end, context->board->name);
    }
    if (is_given(plan, context, index)) {
        log_problem(NULL, "shared memory '%s' at 0x%lx to 0x%lx overlaps what is in use; move it", share->id, base,
                    end);
    }
}

void plan_check_shares(const struct plan *plan, const struct plan_context *context)
{
    for (uint32_t i = 0; i < plan->share_count; i++) {
        check_share(plan, context, i);
    }
    for (uint32_t i = 0; i < plan->use_count; i++) {
        check_use(plan, context, i);
    }
}
