/* SPDX-License-Identifier: Apache-2.0 */
/* Builds domains from the plan.
 * [impl->dsn~boot-builder~1] */
#ifndef BOOTDOMAIN_BUILDER_H
#define BOOTDOMAIN_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

/* How one domain went. */
struct builder_state {
    bool is_created;
    bool is_started;
    uint16_t domid;       /* from builder_create_control() or builder_run() on */
    uint64_t start_ticks; /* virtual counter when it was unpaused */
};

/* What the builder works with; states has an entry for each domain of the plan, zeroed before the first call. */
struct builder {
    const struct plan *plan;
    const struct board_table *board;
    struct builder_state states[LAUNCH_MAX_DOMAINS];
    bool is_shared[LAUNCH_MAX_SHARES]; /* the region has been made */
    bool is_later;                     /* the launch is over: the hypervisor chooses the domain's number */
    bool is_paused;                    /* it is not started */
};

void builder_init(struct builder *builder, const struct plan *plan, const struct board_table *board);

/* The CPU pools of the plan; false, and said, when the hypervisor refuses one.  Before any domain is started. */
bool builder_make_pools(const struct builder *builder);

/* Create the Control Domain, still empty, so that it can be handed rights from the first domain on. */
void builder_create_control(struct builder *builder);

/* Build domain `index` and start it.  False, said, and destroyed, when it cannot be. */
bool builder_build(struct builder *builder, uint32_t index);

/* Build, start and hand over the rights on domain `index`.  A domain that cannot be built is destroyed, and said. */
void builder_run(struct builder *builder, uint32_t index);

#endif
