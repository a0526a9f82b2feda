/* SPDX-License-Identifier: Apache-2.0 */
/* A label policy, FLASK source or binary, and the questions put to it. libsepol answers; it knows one policy at a time,
 * so there is one open at a time. [impl->dsn~label-compile~1] */
#ifndef TOOL_LABEL_POLICY_H
#define TOOL_LABEL_POLICY_H

#include "diag.h"
#include "label_access.h"

typedef uint32_t label_sid_t; /* libsepol's number of a context; 0 = none */

/* Initial sids, as Xen 4.17 numbers them. */
enum label_initial {
    LABEL_SID_XEN = 2,
    LABEL_SID_UNLABELED = 6,
    LABEL_SID_SECURITY = 7,
    LABEL_SID_IOMEM = 9,
    LABEL_SID_IRQ = 10,
    LABEL_SID_COUNT = 13,
};

/* Read the policy `path`, which the description names at `at`: source is compiled by checkpolicy. False after reporting
 * why it cannot be used; it must be closed only after true. */
bool label_policy_open(struct arena *arena, struct diags *d, struct place at, const char *path);
void label_policy_close(void);

/* 0: the policy has no such context. */
label_sid_t label_policy_find(const char *context);
/* The context as the policy writes it. */
const char *label_policy_context(struct arena *arena, label_sid_t sid);

/* The accesses, bits of enum bulkhead_access, of source over target, and over the platform. */
uint32_t label_policy_allowed(label_sid_t source, label_sid_t target);
uint32_t label_policy_platform(label_sid_t source);

#endif
