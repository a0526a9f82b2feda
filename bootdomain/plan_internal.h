/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of the plan reader: plan.c (whole description), plan_domain.c (one domain's properties),
 * plan_module.c (its modules), plan_channel.c and plan_share.c (what it shares), plan_grants.c (rights by name), plan_dynamic.c (domains of later), plan_rules.c (what must hold between domains). */
#ifndef BOOTDOMAIN_PLAN_INTERNAL_H
#define BOOTDOMAIN_PLAN_INTERNAL_H

#include "plan.h"
#include "prop.h"

/* One step of reading.  domain is the one being read. */
struct plan_reader {
    const struct plan_context *context;
    struct plan *plan;
    struct plan_domain *domain;
    int node; /* of the domain */
};

/* Each says what it refuses; log_problem_count() tells whether something was. */
void plan_read_domain(struct plan_reader *reader);
void plan_read_module(struct plan_reader *reader, int node);
void plan_read_after(struct plan *plan, const struct plan_context *context, uint32_t index, int node);
void plan_read_grants(struct plan *plan, const struct plan_context *context, uint16_t *grantee, const char *domain,
                      int node);
/* What domains that are created later may have. */
void plan_read_dynamic(struct plan *plan, const struct plan_context *context, int chosen);
void plan_read_channel(struct plan_reader *reader, int node); /* once all domains are known */
void plan_read_share(struct plan_reader *reader, int node);   /* the same */
void plan_read_device(struct plan_reader *reader, int node);  /* the same */
/* xen,enhanced, bulkhead,console, bulkhead,serves */
void plan_read_enhanced(struct plan_reader *reader, const struct prop *prop);
void plan_read_console(struct plan_reader *reader, const struct prop *prop);
void plan_read_serves(struct plan_reader *reader, const struct prop *prop);
void plan_mark_shared_modules(struct plan *plan, const struct plan_context *context);
void plan_check_rules(struct plan *plan, const struct plan_context *context);
void plan_check_shares(const struct plan *plan, const struct plan_context *context);
bool plan_is_board_ram(const struct board_table *board, const struct board_range *range);
void plan_check_devices(struct plan *plan); /* and the order of start that they need */
void plan_check_cpus(struct plan *plan, const struct plan_context *context);

/* Name of a node without its unit address, cut to fit; false when it is not [A-Za-z0-9_.-]{1,31}. */
bool plan_node_name(const void *fdt, int node, char name[PLAN_NAME_BYTES]);
bool plan_set_name(char name[PLAN_NAME_BYTES], const char *text, uint32_t length);

/* Index of the domain that a node describes; false when it describes none. */
bool plan_domain_of(const struct plan *plan, const struct plan_context *context, int node, uint16_t *index);

/* domain-cpupool: the pool that it refers to, read when it is the first to do so. */
void plan_read_pool(struct plan_reader *reader, const struct prop *prop);
/* Board CPUs that cpupool-cpus of a pool's node names; node < 0: no such pool.  False, and said. */
bool plan_pool_cpus(const struct plan_context *context, const char *domain, int node, uint64_t *cpus);
/* NULL = the domain is in no pool. */
const struct plan_pool *plan_pool_of(const struct plan *plan, const struct plan_domain *domain);
/* Both are in one pool whose policy keeps them apart in time. */
bool plan_may_share(const struct plan *plan, const struct plan_domain *a, const struct plan_domain *b);
/* Once every vCPU has its CPUs. */
void plan_check_time(const struct plan *plan);

#endif
