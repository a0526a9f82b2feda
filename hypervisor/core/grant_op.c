/* SPDX-License-Identifier: Apache-2.0 */
/* grant_table_op: arrays of structures, worked through in steps of GRANT_BATCH; between steps the call is restarted.
 * [impl->dsn~grant-op~1] */
#include "arch/contract/arch.h"
#include "core/grant_table.h"
#include "core/hypercall.h"
#include "lib/bits.h"

#define OPERATIONS     13u
#define FIRST_ARGUMENT (1u << 12) /* bits above are arguments of a restart in Xen, and no operation */

struct operation {
    grant_fn *fn;
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
    struct gnttab_setup_table setup;
    struct gnttab_query_size query;
    struct gnttab_set_version set_version;
    struct gnttab_get_version get_version;
    struct gnttab_get_status_frames status_frames;
};
static_assert(sizeof(union structures) <= PAGE_SIZE, "one copy_in");

/* dump_table (3) is not there, as in Xen. */
static const struct operation operations[OPERATIONS] = {
    [GNTTABOP_map_grant_ref] = {.fn = grant_map, .size = sizeof(struct gnttab_map_grant_ref)},
    [GNTTABOP_unmap_grant_ref] = {.fn = grant_unmap, .size = sizeof(struct gnttab_unmap_grant_ref)},
    [GNTTABOP_setup_table] = {.fn = grant_setup, .size = sizeof(struct gnttab_setup_table), .single = true},
    [GNTTABOP_transfer] = {.fn = grant_transfer, .size = sizeof(struct gnttab_transfer)},
    [GNTTABOP_copy] = {.fn = grant_copy, .size = sizeof(struct gnttab_copy)},
    [GNTTABOP_query_size] = {.fn = grant_query, .size = sizeof(struct gnttab_query_size), .single = true},
    [GNTTABOP_unmap_and_replace] = {.fn = grant_replace, .size = sizeof(struct gnttab_unmap_and_replace)},
    [GNTTABOP_set_version] = {.fn = grant_set_version,
                              .size = sizeof(struct gnttab_set_version),
                              .no_count = true,
                              .always = true},
    [GNTTABOP_get_status_frames] = {.fn = grant_status_frames,
                                    .size = sizeof(struct gnttab_get_status_frames),
                                    .single = true},
    [GNTTABOP_get_version] = {.fn = grant_get_version, .size = sizeof(struct gnttab_get_version), .no_count = true},
    [GNTTABOP_swap_grant_ref] = {.fn = grant_swap, .size = sizeof(struct gnttab_swap_grant_ref)},
    [GNTTABOP_cache_flush] = {.fn = grant_cache_flush, .size = sizeof(struct gnttab_cache_flush), .mute = true},
};

/* The first n structures of the array. */
static int64_t step(struct vcpu *v, const struct operation *o, gva_t array, uint32_t n)
{
    union structures s;
    int64_t result = copy_in(&s, array, (size_t)n * o->size);

    if (UNLIKELY(result != OK)) {
        return result;
    }
    result = o->fn(v, &s, n);
    if (!o->mute && (result == OK || o->always)) {
        err_t err = copy_out(array, &s, (size_t)n * o->size);
        result = (err == OK) ? result : err;
    }
    return result;
}

int64_t grant_table_op(struct vcpu *v, uint64_t *args)
{
    uint32_t cmd = (uint32_t)args[0];
    uint32_t count = (uint32_t)args[2];
    const struct operation *o;
    uint32_t n;
    int64_t result;

    if (count > (uint32_t)INT32_MAX) {
        return ERR_INVAL;
    }
    if (cmd >= OPERATIONS) {
        return (cmd >= FIRST_ARGUMENT) ? ERR_INVAL : ERR_NOSYS;
    }
    o = &operations[index_nospec(cmd, OPERATIONS)];
    if (o->fn == NULL) {
        return ERR_NOSYS;
    }
    if (o->single && count != 1u) {
        return ERR_INVAL;
    }
    if (count == 0u && !o->no_count) {
        return OK;
    }
    n = (o->single || o->no_count) ? 1u : (count < GRANT_BATCH) ? count : GRANT_BATCH;
    result = step(v, o, GVA(args[1]), n);
    if (LIKELY(n >= count) || result != OK) {
        return result;
    }
    args[1] += (uint64_t)n * o->size;
    args[2] = count - n;
    return o->no_count ? OK : ERR_RESTART;
}
