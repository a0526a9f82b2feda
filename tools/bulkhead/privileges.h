/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds which right after the launch: by role, or by name where the description says so.
 * [impl->dsn~tool-privileges~1] */
#ifndef TOOL_PRIVILEGES_H
#define TOOL_PRIVILEGES_H

#include <bulkhead/bulkhead_op.h>

#include "system.h"

#define PRIVILEGES_NOBODY SIZE_MAX

/* The rights over domain `target`, or over the platform when target is the number of domains: holder[right] is the index of
 * a domain or PRIVILEGES_NOBODY. */
void privileges_over(const struct system *s, size_t target, size_t holder[BULKHEAD_RIGHT_COUNT]);

/* Lines "rights over TARGET: HOLDER: RIGHT ...", as the Boot Domain and bhctl print them. */
void privileges_print(struct buffer *out, const struct system *s);

/* The right with that name, BULKHEAD_RIGHT_COUNT when there is none. */
unsigned privileges_right(const char *name);
extern const char *const privileges_names[BULKHEAD_RIGHT_COUNT];

#endif
