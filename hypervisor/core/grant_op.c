/* SPDX-License-Identifier: Apache-2.0 */
/* grant_table_op: arrays of structures, worked through in steps of GRANT_BATCH; between steps the call is restarted.
 * [impl->dsn~grant-op~1] */
#include "core/grant_table.h"
#include "core/hypercall.h"
#include "core/rights.h"
#include "lib/bits.h"

/* ---- operations on the table ---- */

/* domid's domain, if the caller is it or may build it. */
static int16_t get_target(const struct vcpu *v, uint32_t domid, struct domain **out)
{
    err_t err = rights_get(v, BULKHEAD_RIGHT_BUILD, domid, out);

    return (err == OK) ? GNTST_okay : (err == ERR_PERM) ? GNTST_permission_denied : GNTST_bad_domain;
}

static int16_t list_frames(struct domain *d, const struct gnttab_setup_table *op)
{
    for (uint32_t i = 0; i < op->nr_frames; i++) { /* bound: GRANT_FRAMES_LIMIT */
        xen_pfn_t gfn;

        gfn = LOCKED(&d->physmap_lock, grant_frame_address(d, i));
        if (copy_out(GVA(op->frame_list.q + i * sizeof(gfn)), &gfn, sizeof(gfn)) != OK) {
            return GNTST_bad_virt_addr;
        }
    }
    return GNTST_okay;
}

COLD static int64_t setup_table(struct vcpu *v, void *structure)
{
    struct gnttab_setup_table *op = structure;
    err_t err = ERR_INVAL;
    struct domain *d;

    op->status = get_target(v, op->dom, &d);
    if (op->status != GNTST_okay) {
        return OK;
    }
    if (d->grants != NULL) {
        err = LOCKED(&d->physmap_lock, grant_grow(d, op->nr_frames));
    }
    op->status = (err == OK) ? list_frames(d, op) : GNTST_general_error;
    domain_put(d);
    return OK;
}

COLD static int64_t query_size(struct vcpu *v, void *structure)
{
    struct gnttab_query_size *op = structure;
    struct domain *d;

    op->status = get_target(v, op->dom, &d);
    if (op->status == GNTST_okay) {
        op->nr_frames = (d->grants != NULL) ? grant_count(d->grants) / GRANTS_PER_FRAME : 0u;
        op->max_nr_frames = (d->grants != NULL) ? d->grants->max_frames : 0u;
        domain_put(d);
    }
    return OK;
}

/* Frames of guests with a second address space cannot be given away. */
static int64_t transfer(struct vcpu *v UNUSED, void *structure UNUSED)
{
    return ERR_OPNOTSUPP;
}

static int64_t set_version(struct vcpu *v UNUSED, void *structure)
{
    struct gnttab_set_version *op = structure;
    err_t err = (op->version == 1u) ? OK : (op->version == 2u) ? ERR_NOSYS : ERR_INVAL;

    op->version = 1;
    return err;
}

static int64_t get_version(struct vcpu *v, void *structure)
{
    struct gnttab_get_version *op = structure;
    struct domain *d;
    err_t err = rights_get(v, BULKHEAD_RIGHT_BUILD, op->dom, &d);

    if (err == OK) {
        op->version = 1;
        domain_put(d);
    }
    return err;
}

/* Version 1 has none. */
static int64_t get_status_frames(struct vcpu *v, void *structure)
{
    struct gnttab_get_status_frames *op = structure;
    struct domain *d;

    op->status = get_target(v, op->dom, &d);
    if (op->status == GNTST_okay) {
        op->status = (op->nr_frames == 0u) ? GNTST_okay : GNTST_general_error;
        domain_put(d);
    }
    return OK;
}

/* ---- the call ---- */

#define OPERATIONS     13u
#define FIRST_ARGUMENT (1u << 12) /* bits above are arguments of a restart in Xen, and no operation */

struct operation {
    grant_fn *fn; /* for each structure; NULL and a size: unmap, which takes all of a step */
    uint16_t size;
    bool single;   /* count must be 1 */
    bool no_count; /* count is not looked at */
    bool mute;     /* nothing is copied back */
    bool always;   /* copied back with an error too */
};

union structures {
    struct gnttab_map_grant_ref map[GRANT_BATCH];
    struct gnttab_unmap_grant_ref unmap[GRANT_BATCH];
    struct gnttab_unmap_and_replace replace[GRANT_BATCH];
    struct gnttab_transfer transfer[GRANT_BATCH];
    struct gnttab_copy copy[GRANT_BATCH];
    struct gnttab_swap_grant_ref swap[GRANT_BATCH];
    struct gnttab_cache_flush flush[GRANT_BATCH];
    char bytes[GRANT_BATCH * sizeof(struct gnttab_copy)];
};
static_assert(sizeof(union structures) <= PAGE_SIZE, "one copy_in");

/* dump_table (3) is not there, as in Xen. */
static const struct operation operations[OPERATIONS] = {
    [GNTTABOP_map_grant_ref] = {.fn = grant_map, .size = sizeof(struct gnttab_map_grant_ref)},
    [GNTTABOP_unmap_grant_ref] = {.size = sizeof(struct gnttab_unmap_grant_ref)},
    [GNTTABOP_setup_table] = {.fn = setup_table, .size = sizeof(struct gnttab_setup_table), .single = true},
    [GNTTABOP_transfer] = {.fn = transfer, .size = sizeof(struct gnttab_transfer)},
    [GNTTABOP_copy] = {.fn = grant_copy, .size = sizeof(struct gnttab_copy)},
    [GNTTABOP_query_size] = {.fn = query_size, .size = sizeof(struct gnttab_query_size), .single = true},
    [GNTTABOP_unmap_and_replace] = {.fn = grant_replace, .size = sizeof(struct gnttab_unmap_and_replace)},
    [GNTTABOP_set_version] = {.fn = set_version,
                              .size = sizeof(struct gnttab_set_version),
                              .no_count = true,
                              .always = true},
    [GNTTABOP_get_status_frames] = {.fn = get_status_frames,
                                    .size = sizeof(struct gnttab_get_status_frames),
                                    .single = true},
    [GNTTABOP_get_version] = {.fn = get_version, .size = sizeof(struct gnttab_get_version), .no_count = true},
    [GNTTABOP_swap_grant_ref] = {.fn = grant_swap, .size = sizeof(struct gnttab_swap_grant_ref)},
    [GNTTABOP_cache_flush] = {.fn = grant_cache_flush, .size = sizeof(struct gnttab_cache_flush), .mute = true},
};

/* The first *n structures of the array, or fewer of them, as is told there. */
static int64_t step(struct vcpu *v, const struct operation *o, gva_t array, uint32_t *n)
{
    union structures s;
    size_t size = (size_t)*n * o->size;
    int64_t result = copy_in(&s, array, size);
    err_t err;

    if (UNLIKELY(result != OK)) {
        return result;
    }
    if (o->fn == NULL) {
        *n = (*n < GRANT_UNMAP) ? *n : GRANT_UNMAP;
        size = (size_t)*n * sizeof(s.unmap[0]);
        grant_unmap(v->domain, s.unmap, *n);
    } else {
        size_t at = 0;

        for (;;) { /* bound: *n */
            result = o->fn(v, &s.bytes[at]);
            at += o->size;
            if (at >= size || result != OK) {
                break;
            }
            if (arch_irq_pending()) {
                size = at;
                *n = (uint32_t)(at / o->size);
            }
        }
    }
    if (!o->mute && (result == OK || o->always)) {
        err = copy_out(array, &s, size);
        result = (err == OK) ? result : err;
    }
    return result;
}

int64_t grant_table_op(struct vcpu *v, uint64_t *args)
{
    uint32_t cmd = (uint32_t)args[0];
    uint32_t count = (uint32_t)args[2];
    const struct operation *o = &operations[index_nospec(cmd, OPERATIONS)];
    uint32_t n = (count < GRANT_BATCH) ? count : GRANT_BATCH;
    int64_t result;

    if (count > (uint32_t)INT32_MAX || cmd >= FIRST_ARGUMENT) {
        return ERR_INVAL;
    }
    if (cmd >= OPERATIONS || o->size == 0u) {
        return ERR_NOSYS;
    }
    if (o->no_count) {
        count = 1;
        n = 1;
    }
    if (o->single && count != 1u) {
        return ERR_INVAL;
    }
    result = (n > 0u) ? step(v, o, GVA(args[1]), &n) : OK;
    if (LIKELY(n == count) || result != OK) {
        return result;
    }
    args[1] += (uint64_t)n * o->size;
    args[2] = count - n;
    return ERR_RESTART;
}
