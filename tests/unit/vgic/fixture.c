/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

struct vcpu *v0, *v1;

void begin(uint32_t lrs, bool no_tds)
{
    const struct model_options o = {.cpus = 2, .vcpus = 3, .spis = 64, .lrs = lrs, .pribits = 5, .no_tds = no_tds};

    model_start(&o);
    v0 = model.vcpu[0];
    v1 = model.vcpu[1];
    gicd_write(v0, GICD_CTLR, 4, 2);
    for (uint32_t i = 0; i < 2u; i++) {
        gicr_write(model.vcpu[i], i, GICR_SGI + GICD_ISENABLER, 4, UINT32_MAX);
        for (uint32_t n = 0; n < 32u; n += 4u) {
            gicr_write(model.vcpu[i], i, GICR_SGI + GICD_IPRIORITYR + n, 4, 0x80808080);
        }
        guest_set_pmr(model.vcpu[i], 0xf8);
        guest_enable(model.vcpu[i], true);
    }
    for (uint32_t n = 32; n < 96u; n += 4u) {
        gicd_write(v0, GICD_IPRIORITYR + n, 4, 0x80808080);
    }
    gicd_write(v0, GICD_ISENABLER + 4, 4, UINT32_MAX);
    gicd_write(v0, GICD_ISENABLER + 8, 4, UINT32_MAX);
    model_settle();
}

uint32_t take(struct vcpu *v)
{
    model_settle();
    return guest_iar(v);
}

struct model_cpu *cpu0(void)
{
    return &model.cpu[0];
}

int stop(void **state)
{
    (void)state;
    model_stop();
    return 0;
}

void nest(uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++) {
        gicd_write(v0, GICD_IPRIORITYR + SPI + i, 1, 0x70u - 8u * i);
        arch_inject(v0, SPI + i);
        assert_int_equal(take(v0), SPI + i);
    }
}
