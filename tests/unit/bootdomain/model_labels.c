/* SPDX-License-Identifier: Apache-2.0 */
/* The label policy, as the model takes it. */
#include "hyper.h"
#include "model.h"

uint32_t model_labels;

int64_t hyper_set_labels(const struct bulkhead_labels *labels)
{
    int64_t error;

    if (!model_step(&error)) {
        return error;
    }
    model_labels = labels->count;
    return 0;
}
