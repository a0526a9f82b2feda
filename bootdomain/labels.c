/* SPDX-License-Identifier: Apache-2.0 */
/* [impl->dsn~label-launch~1] */
#include "labels.h"

#include <bulkhead/label.h>

#include "hyper.h"
#include "text.h"

static bool are_known(const struct plan *plan, uint32_t count)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        if (domain->label != 0 && domain->label >= count) {
            log_problem(domain->name, "label %u, but the label policy has %u; build the image again", domain->label,
                        count);
            return false;
        }
    }
    return true;
}

bool labels_load(const struct archive *archive, const struct plan *plan)
{
    const struct archive_member *member = archive_find(archive, BULKHEAD_LABELS_FILE);
    const struct bulkhead_labels *labels = (member != NULL) ? (const void *)member->data : NULL;

    if (labels == NULL) {
        return are_known(plan, 0);
    }
    if (member->size != sizeof(*labels)) {
        log_problem(NULL,
                    "launch archive: " BULKHEAD_LABELS_FILE
                    " has %lu bytes, a label policy has %lu; build the image again",
                    (unsigned long)member->size, (unsigned long)sizeof(*labels));
        return false;
    }
    int64_t error = hyper_set_labels(labels);
    if (error != 0) {
        log_problem(NULL, "the hypervisor refuses the label policy (error %lu); build the image again",
                    (unsigned long)-error);
        return false;
    }
    return are_known(plan, labels->count);
}
