// SPDX-License-Identifier: Apache-2.0
/* Channels and shared memory of a dom0less device tree: what single nodes say, put together by their names. */
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "tree_internal.h"

/* ---- channels ---- */

void tree_take_channel(const struct tree_reader *r, int node)
{
    struct tree_shared *all = r->shared;
    uint64_t port = 0;
    uint64_t other = 0;
    uint64_t interval = 0;

    if (!tree_number(r->tree, node, "xen,evtchn", 0, 1, &port) ||
        !tree_number(r->tree, node, "xen,evtchn", 1, 1, &other) || port < 1 || port > LAUNCH_MAX_PORT) {
        tree_wrong(r, "`xen,evtchn` is no port up to 1023 and another end; write <PORT &OTHER>");
        return;
    }
    if (all->end_count == LAUNCH_MAX_CHANNEL_ENDS) {
        tree_wrong(r, "there are more than 256 ends of channels; leave some out");
        return;
    }
    struct tree_end *end = &all->ends[all->end_count++];
    *end = (struct tree_end){.node = node, .other = fdt_node_offset_by_phandle(r->tree->fdt, (uint32_t)other)};
    end->name = tree_text(r->tree, node, LAUNCH_PROP_NAME);
    end->end.at = tree_here(r);
    end->end.domain = (struct text){.at = tree_here(r), .given = true};
    end->domain = r->domain;
    end->end.port = tree_number_here(r, port);
    if (tree_number(r->tree, node, LAUNCH_PROP_MIN_INTERVAL, 0, 2, &interval)) {
        end->end.min_interval = tree_number_here(r, interval);
    }
}

static const struct tree_end *find_end(const struct tree_shared *all, int node)
{
    for (size_t i = 0; i < all->end_count; i++) {
        if (all->ends[i].node == node) {
            return &all->ends[i];
        }
    }
    return NULL;
}

static void settle_end(const struct tree *t, struct tree_shared *all, struct system *s, size_t i, unsigned *unexpressed)
{
    struct tree_end *end = &all->ends[i];
    const struct tree_end *other = find_end(all, end->other);
    struct channel *channel = (struct channel *)s->channels.item + s->channels.count;

    if (other == NULL || other->other != end->node) {
        diag_note(t->diags, end->end.at, "import-unexpressed",
                  "%s: its other end is in no domain, or does not point back; the channel is left out",
                  tree_path(t, end->node));
        *unexpressed += 1;
        return;
    }
    if (other < end) {
        return; /* both are there already */
    }
    struct channel_end *ends = arena_alloc(t->arena, 2, sizeof(*ends));
    ends[0] = end->end;
    ends[0].domain.value = end->domain->name.value;
    ends[1] = other->end;
    ends[1].domain.value = other->domain->name.value;
    channel->name = (struct text){.value = end->name, .at = end->end.at, .given = true};
    if (end->name == NULL) {
        channel->name.value = arena_printf(t->arena, "channel%zu", s->channels.count + 1);
    }
    channel->ends = (struct items){.item = ends, .count = 2, .at = end->end.at, .given = true};
    channel->at = end->end.at;
    s->channels.count++;
}

/* ---- shared memory ---- */

static struct share *find_share(struct system *s, const char *id)
{
    struct share *shares = s->shared_memory.item;

    for (size_t i = 0; i < s->shared_memory.count; i++) {
        if (strcmp(shares[i].name.value, id) == 0) {
            return &shares[i];
        }
    }
    return s->shared_memory.count < LAUNCH_MAX_SHARES ? &shares[s->shared_memory.count] : NULL;
}

/* [machine] guest size, in the cells of the domain's node. */
static bool read_place(const struct tree_reader *r, int node, struct share *found, uint64_t *guest)
{
    unsigned address = tree_cells(r->tree, r->node, "#address-cells", 2);
    unsigned size = tree_cells(r->tree, r->node, "#size-cells", 2);
    unsigned at = 0;
    int length = 0;
    uint64_t value = 0;

    fdt_getprop(r->tree->fdt, node, "xen,shared-mem", &length);
    if (length == (int)(4 * (2 * address + size))) {
        tree_number(r->tree, node, "xen,shared-mem", 0, address, &value);
        found->base = tree_number_here(r, value);
        at = address;
    } else if (length != (int)(4 * (address + size))) {
        return false;
    }
    tree_number(r->tree, node, "xen,shared-mem", at, address, guest);
    tree_number(r->tree, node, "xen,shared-mem", at + address, size, &value);
    found->size = tree_number_here(r, value);
    return found->base.value >> 52 == 0 && value >> 52 == 0 && value > 0 && *guest < LAUNCH_GUEST_SPACE;
}

static bool is_same(const struct share *a, const struct share *b)
{
    return a->size.value == b->size.value && a->base.given == b->base.given && a->base.value == b->base.value;
}

void tree_take_share(const struct tree_reader *r, int node)
{
    const char *id = tree_text(r->tree, node, "xen,shm-id");
    const char *role = tree_text(r->tree, node, "role");
    struct share new = {.at = tree_here(r)};
    uint64_t guest = 0;

    if (id == NULL || !read_place(r, node, &new, &guest)) {
        tree_wrong(r,
                   "shared memory without name or place; write xen,shm-id and xen,shared-mem = <[MACHINE] GUEST SIZE>");
        return;
    }
    struct share *share = find_share(r->system, id);
    if (share == NULL) {
        tree_wrong(r, "there are more than 32 regions of shared memory; leave some out");
        return;
    }
    if (share->name.value == NULL) {
        *share = new;
        share->name = (struct text){.value = id, .at = tree_here(r), .given = true};
        share->domains =
            (struct items){.item = arena_alloc(r->tree->arena, LAUNCH_MAX_SHARE_USES, sizeof(struct share_use)),
                           .at = tree_here(r),
                           .given = true};
        r->system->shared_memory.count++;
    }
    if (!is_same(share, &new) || share->domains.count == LAUNCH_MAX_SHARE_USES) {
        tree_wrong(r, "shared memory has another place or size in another domain; write the same in both");
        return;
    }
    struct share_use *use = (struct share_use *)share->domains.item + share->domains.count++;
    use->at = tree_here(r);
    use->domain = r->domain->name;
    use->address = tree_number_here(r, guest);
    use->read_only = (struct flag){.value = fdt_getprop(r->tree->fdt, node, LAUNCH_PROP_READ_ONLY, NULL) != NULL,
                                   .at = tree_here(r),
                                   .given = true};
    if (role != NULL && strcmp(role, "owner") == 0) {
        share->owner = r->domain->name;
    }
}

/* ---- the whole ---- */

void tree_begin_shared(struct arena *arena, struct system *s)
{
    s->channels =
        (struct items){.item = arena_alloc(arena, LAUNCH_MAX_CHANNEL_ENDS, sizeof(struct channel)), .given = true};
    s->shared_memory =
        (struct items){.item = arena_alloc(arena, LAUNCH_MAX_SHARES, sizeof(struct share)), .given = true};
}

void tree_settle_shared(const struct tree *t, struct tree_shared *all, struct system *s, unsigned *unexpressed)
{
    for (size_t i = 0; i < all->end_count; i++) {
        settle_end(t, all, s, i, unexpressed);
    }
}
