/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions as YAML text: what import prints.  [impl->dsn~tool-describe~1] */
#ifndef TOOL_DESCRIBE_H
#define TOOL_DESCRIBE_H

#include "system.h"

/* Only what was given; values that the reader must fill in are marked with `# ...` comments. */
void describe_system(struct buffer *out, const struct system *s);
/* What domains have in common: the keys `channels` and `shared-memory`. */
void describe_shared(struct buffer *out, const struct system *s);
void describe_board(struct buffer *out, const struct board *board);

/* The pools of a system; the keys of a domain that concern them. */
void describe_pools(struct buffer *out, const struct system *s);
void describe_domain_time(struct buffer *out, const struct domain *d);

#endif
