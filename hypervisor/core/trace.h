/* SPDX-License-Identifier: Apache-2.0 */
/* The trace: rings of records, one a CPU.  Off costs a test of one word, cpu->trace, on the way in and out.
 * [impl->dsn~trace-ring~1] [impl->dsn~trace-off~1] */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "lib/types.h"

struct domain;
struct vcpu;

/* BULKHEAD_OP_TRACE: bulkhead/bulkhead_op.h.  d: NULL.  Any CPU. */
err_t trace_op(struct vcpu *v, struct domain *d, void *structure);
/* Once, by the boot CPU: no ring. */
void trace_init(void);

#endif
