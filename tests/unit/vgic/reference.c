/* SPDX-License-Identifier: Apache-2.0 */
#include "reference.h"
#include <string.h>

#define NONE 1023u

void ref_start(struct ref *r, uint32_t vcpus, uint32_t spis)
{
    memset(r, 0, sizeof(*r));
    r->vcpus = vcpus;
    r->spis = spis;
    for (uint32_t n = 0; n < vcpus; n++) {
        for (uint32_t i = 0; i < 32u; i++) {
            r->vcpu[n].priv[i].group1 = true;
            r->vcpu[n].priv[i].edge = i < 16u;
        }
    }
    for (uint32_t i = 0; i < spis; i++) {
        r->spi[i].group1 = true;
    }
}

struct ref_irq *ref_irq(struct ref *r, uint32_t n, uint32_t intid)
{
    return (intid < 32u) ? &r->vcpu[n].priv[intid] : &r->spi[intid - 32u];
}

bool ref_is_pending(const struct ref_irq *i)
{
    return i->latch || (!i->edge && i->line);
}

void ref_line(struct ref_irq *i, bool high)
{
    if (high && !i->line && i->edge) {
        i->latch = true;
    }
    i->line = high;
}

uint32_t ref_best(struct ref *r, uint32_t n)
{
    uint32_t best = NONE;

    for (uint32_t id = 0; r->group1 && id < 32u + r->spis; id++) {
        const struct ref_irq *i = ref_irq(r, n, id);
        if (!ref_is_pending(i) || !i->enabled || !i->group1 || i->active || (id >= 32u && i->route != n)) {
            continue;
        }
        if (best == NONE || i->priority < ref_irq(r, n, best)->priority) {
            best = id;
        }
    }
    return best;
}

uint32_t ref_hppi(struct ref *r, uint32_t n, uint32_t priority_mask)
{
    struct ref_vcpu *v = &r->vcpu[n];
    uint32_t best = ref_best(r, n);
    uint32_t priority;

    if (best == NONE || !v->enabled) {
        return NONE;
    }
    priority = ref_irq(r, n, best)->priority;
    if (priority >= v->pmr || (v->depth != 0u && (priority & priority_mask) >= v->running[v->depth - 1u])) {
        return NONE;
    }
    return best;
}

void ref_acknowledge(struct ref *r, uint32_t n, uint32_t intid, uint32_t group_priority)
{
    struct ref_vcpu *v = &r->vcpu[n];
    struct ref_irq *i = ref_irq(r, n, intid);

    i->latch = false;
    i->active = true;
    v->taken[v->depth] = intid;
    v->running[v->depth] = group_priority;
    v->depth++;
}

void ref_end(struct ref *r, uint32_t n, uint32_t intid)
{
    struct ref_vcpu *v = &r->vcpu[n];

    v->depth--;
    if (v->split) {
        v->undeactivated[v->undeactivated_count++] = intid;
    } else {
        ref_irq(r, n, intid)->active = false;
    }
}
