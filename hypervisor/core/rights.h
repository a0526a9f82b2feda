/* SPDX-License-Identifier: Apache-2.0 */
/* Rights.  A cell (right, target) names the one slot that holds it, or nobody: two holders cannot be expressed.
 * The target is a domain's slot, or the platform.  Cells change by compare-and-swap.
 * [impl->dsn~rights-cells~1] [impl->dsn~rights-move~1] [impl->dsn~rights-end~1] [impl->dsn~rights-invariant~1] */
#ifndef CORE_RIGHTS_H
#define CORE_RIGHTS_H

#include "bulkhead/bulkhead_op.h"
#include "core/domain.h"
#include "lib/types.h"

#define RIGHTS_PLATFORM MAX_DOMAINS /* the platform's place among the target slots */
#define RIGHTS_NOBODY   UINT32_MAX  /* as a holder */

/* Once: the Boot Domain's slot holds every cell of the platform; no other cell is held. */
void rights_init(void);

/* caller's domain holds right over the domain in slot target (or RIGHTS_PLATFORM): -EPERM; and the labels allow it: -EACCES.
 * Bound: 5 loads. */
err_t rights_check(const struct vcpu *caller, enum bulkhead_right right, uint32_t target);

/* The domain domid, which is the caller's or one that it holds right over, with one reference taken.
 * -SRCH none, -EPERM, -EACCES. */
err_t rights_get(const struct vcpu *caller, enum bulkhead_right right, uint32_t domid, struct domain **out);
/* The same, and the right over its own domain is needed, too. */
err_t rights_over(const struct vcpu *caller, enum bulkhead_right right, uint32_t domid, struct domain **out);

/* caller's domain holds a right over anything at all.  Bound: 1 load. */
bool rights_any(const struct vcpu *caller);

/* A new target: creator's slot holds all of its cells. */
void rights_create(uint32_t creator, uint32_t target);
/* A domain ends: from now on the cells that name its slot as their holder are nobody's. */
void rights_end_held(uint32_t slot);
/* These cells are empty; *right: 0 first, moves on.  true = more.  Context: nobody finds the domain any more.
 * Bound: MAX_DOMAINS cells. */
bool rights_drop_held(uint32_t slot, uint32_t *right) MUST_CHECK;
/* A slot is empty again: its cells end. */
void rights_destroy(uint32_t slot);
/* One cell ends, whoever holds it. */
void rights_end(enum bulkhead_right right, uint32_t target);

/* from stops to hold the cell; to (a slot, or RIGHTS_NOBODY) holds it.  -EPERM from does not hold it. */
err_t rights_move(enum bulkhead_right right, uint32_t target, uint32_t from, uint32_t to) MUST_CHECK;

/* The slot that holds the cell, or -1. */
int32_t rights_holder(enum bulkhead_right right, uint32_t target);

#endif
