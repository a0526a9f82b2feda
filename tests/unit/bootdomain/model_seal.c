/* SPDX-License-Identifier: Apache-2.0 */
/* Health tables and launch records of the model. */
#include "model.h"

#include "hyper.h"
#include "said.h"
#include "verify.h"

int64_t hyper_set_health(uint16_t domid, const struct bulkhead_health *health)
{
    int64_t error;

    model_assert_building(domid);
    if (!model_step(&error)) {
        return error;
    }
    model_domains[domid].health = *health;
    return 0;
}

int64_t hyper_seal_image(uint16_t domid, uint64_t gfn, uint64_t count)
{
    int64_t error;
    uint8_t byte;

    model_assert_building(domid);
    assert_false(model_domains[domid].is_sealed);
    if (!model_step(&error)) {
        return error;
    }
    model_read(domid, gfn * 4096, &byte, 1);
    model_read(domid, (gfn + count) * 4096 - 1, &byte, 1);
    model_domains[domid].sealed_pages += count;
    return 0;
}

int64_t hyper_seal_launch(uint16_t domid)
{
    int64_t error;

    model_assert_building(domid);
    assert_int_not_equal(model_domains[domid].pc, 0);
    if (!model_step(&error)) {
        return error;
    }
    model_domains[domid].is_sealed = true;
    return 0;
}

/* In the place of verify_code.S, which is for another processor. */
const uint8_t verify_code[VERIFY_CODE_BYTES] = {0x13, 0x57, 0x9b, 0xdf};
