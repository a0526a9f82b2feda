/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/policy.h"

struct vcpu *sched_first(const struct list *runnable)
{
    return list_empty(runnable) ? NULL : CONTAINER_OF(runnable->next, struct vcpu, run_node);
}

struct sched_choice share_choose(struct list *runnable, const struct vcpu *current, bool company, ticks_t now,
                                 ticks_t slice)
{
    struct sched_choice c = {.vcpu = sched_first(runnable), .until = UINT64_MAX};

    if (c.vcpu == NULL) {
        return c;
    }
    if (c.vcpu == current && current->slice_end != 0u && current->slice_end <= now) {
        list_remove(&c.vcpu->run_node);
        list_push_back(runnable, &c.vcpu->run_node);
        c.vcpu = sched_first(runnable);
    }
    if (c.vcpu != current || !company) {
        c.vcpu->slice_end = 0;
    }
    if (company) {
        if (c.vcpu->slice_end <= now) {
            c.vcpu->slice_end = now + slice;
        }
        c.until = c.vcpu->slice_end;
    }
    return c;
}
