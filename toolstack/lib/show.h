/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that show something.  domain: NULL = all, or the verb is about the platform.  Results as in calls.h. */
#ifndef TOOLSTACK_SHOW_H
#define TOOLSTACK_SHOW_H

#include "calls.h"
#include "out.h"

#define SHOW_STATE 7u /* bytes of a domain's state as text */

typedef int64_t show_fn(struct bhctl_port *port, const struct bhctl_domain *domain);
typedef int64_t show_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain);

show_fn show_list;
show_fn show_info;
show_fn show_vcpus;
show_fn show_memory;
show_fn show_ports;
/* Lines "rights over TARGET: HOLDER: RIGHT ...", as `bulkhead explain privileges` and the Boot Domain print them. */
show_fn show_privileges;
/* Restarts and what went wrong; of one domain also its last crash. */
show_fn show_health;
/* Budgets of those over which the right is held. */
show_fn show_schedule;
/* The sum that a reservation which was refused would make. */
void show_overload(struct bhctl_port *port, const struct bhctl_domain *domain,
                   const struct xen_domctl_sched_rtds *wanted);
/* Each domain's label, and whether the policy is enforced. */
show_fn show_labels;
/* CPU time since it was shown last. */
show_fn show_top;
/* The last `lines` lines of the console; 0 = all. */
int64_t show_console(struct bhctl_port *port, uint32_t lines);

/* What all CPUs do in that time; lines for `bulkhead trace`. */
int64_t show_trace(struct bhctl_port *port, uint32_t milliseconds);

/* Calls `one` for the domain, or for each that may be seen.  The end of the list is no failure. */
int64_t show_each(struct bhctl_port *port, const struct bhctl_domain *domain, struct table *table, show_step *one);
/* One letter for each thing that holds, as people who know Xen read it. */
const char *show_state(const struct bhctl_domain *domain, char text[SHOW_STATE]);

#endif
