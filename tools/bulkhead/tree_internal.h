/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of domain nodes share. */
#ifndef TOOL_TREE_INTERNAL_H
#define TOOL_TREE_INTERNAL_H

#include <bulkhead/launch.h>

#include "tree.h"

/* An end of a channel, until the other one is known. */
struct tree_end {
    int node;
    int other; /* node of the other end */
    const char *name;
    const struct domain *domain;
    struct channel_end end;
};

struct tree_shared {
    size_t end_count;
    struct tree_end ends[LAUNCH_MAX_CHANNEL_ENDS];
};

struct tree_reader {
    const struct tree *tree;
    struct system *system;
    struct tree_shared *shared;
    struct domain *domain;
    int node;
    unsigned *unexpressed;
};

/* CPU sets of the vCPU nodes of one domain. */
struct tree_affinity {
    bool given[DOMAIN_VCPUS_MAX];
    bool cpus[DOMAIN_VCPUS_MAX][BOARD_MAX_CPUS];
};

static inline struct place tree_here(const struct tree_reader *r)
{
    return tree_place(r->tree, r->node);
}

static inline struct number tree_number_here(const struct tree_reader *r, uint64_t value)
{
    return (struct number){.value = value, .at = tree_here(r), .given = true};
}

/* Something of the domain that a description cannot say. */
void tree_note(const struct tree_reader *r, const char *what);
void tree_wrong(const struct tree_reader *r, const char *what);

/* "1,3-4" as CPU numbers; false when it is something else. */
bool tree_parse_affinity(const char *text, bool cpus[BOARD_MAX_CPUS]);

/* Pools of a launch tree, once its domains are read; and what a domain says of its time. */
void tree_read_pools(const struct tree *t, int parent, struct system *s);
void tree_take_partition(const struct tree_reader *r, const char *name);
void tree_take_period(const struct tree_reader *r, const char *name);
void tree_take_budget(const struct tree_reader *r, const char *name);
void tree_take_extra(const struct tree_reader *r, const char *name);

/* What a domain says of failures. */
void tree_take_keep(const struct tree_reader *r, const char *name);
void tree_take_verify(const struct tree_reader *r, const char *name);
void tree_take_health(const struct tree_reader *r, const char *name);

/* One xen,vcpu node; then all of them as the domain's list of CPUs. */
void tree_take_vcpu(const struct tree_reader *r, int node, struct tree_affinity *all);
void tree_settle_affinity(const struct tree_reader *r, const struct tree_affinity *all);

/* Channels and shared memory: room for them, one node each, then what needs all nodes. */
void tree_begin_shared(struct arena *arena, struct system *s);
void tree_take_channel(const struct tree_reader *r, int node);
void tree_take_share(const struct tree_reader *r, int node);
void tree_settle_shared(const struct tree *t, struct tree_shared *all, struct system *s, unsigned *unexpressed);

#endif
