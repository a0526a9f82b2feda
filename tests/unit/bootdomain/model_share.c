/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and shared memory of the model. */
#include "model.h"

#include <xen/xen.h>

#include "hyper.h"
#include "said.h"

int64_t hyper_bind_channel(const struct bulkhead_channel *end)
{
    struct model_domain *model = &model_domains[end->domid];
    int64_t error;

    model_assert_building(end->domid);
    if (!model_step(&error)) {
        return error;
    }
    assert_true(model->channel_count < 8);
    assert_true(model->channel_count == 0 || end->port > model->channels[model->channel_count - 1].port);
    model->channels[model->channel_count] = *end;
    model->channel_count++;
    return 0;
}

static bool is_shared(uint64_t mfn, uint64_t count)
{
    for (uint32_t i = 0; i < model_domains[0].share_count; i++) {
        const struct bulkhead_share *share = &model_domains[0].shares[i];
        if (mfn >= share->mfn && mfn + count <= share->mfn + share->count) {
            return true;
        }
    }
    return false;
}

int64_t hyper_share(uint16_t domid, uint64_t gfn, uint64_t mfn, uint64_t count, bool is_read_only)
{
    struct model_domain *model = &model_domains[(domid == DOMID_IO) ? 0 : domid];
    int64_t error;

    if (!model_step(&error)) {
        return error;
    }
    if (domid != DOMID_IO) {
        model_assert_building(domid);
        assert_true(is_shared(mfn, count));
        assert_true(model_is_free(domid, gfn, count));
    } else {
        assert_false(is_shared(mfn, count));
    }
    assert_true(model->share_count < 4);
    model->shares[model->share_count] =
        (struct bulkhead_share){.domid = domid, .flags = is_read_only, .mfn = mfn, .gfn = gfn, .count = count};
    model->share_count++;
    return 0;
}

int64_t hyper_seed_grant(uint16_t domid, uint32_t ref, uint16_t to, uint64_t gfn)
{
    struct model_domain *model = &model_domains[domid];
    int64_t error;

    model_assert_building(domid);
    if (!model_step(&error)) {
        return error;
    }
    assert_true(ref < 2);
    assert_false(model_is_free(domid, gfn, 1));
    model->grants[ref] = (struct bulkhead_seed){.domid = domid, .to = to, .ref = ref, .gfn = gfn};
    return 0;
}

int64_t hyper_set_parameter(uint16_t domid, uint32_t index, uint64_t value)
{
    int64_t error;

    model_assert_building(domid);
    if (!model_step(&error)) {
        return error;
    }
    assert_true(index < 40);
    model_domains[domid].parameters[index] = value;
    return 0;
}
