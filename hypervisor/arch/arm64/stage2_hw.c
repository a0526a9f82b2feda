/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/stage2_hw.h"

uint32_t stage2_bits;
bool stage2_forced;
uint64_t stage2_normal;

void stage2_init(void)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
    uint64_t range = FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0);

    stage2_bits = (range < ARRAY_SIZE(bits)) ? bits[range] : 48u;
    stage2_forced = stage2_can_force();
    stage2_normal = stage2_forced ? UINT64_C(0x719) : UINT64_C(0x73d);
}

/* TLB maintenance by IPA or VMID acts on the VMID in VTTBR_EL2. */
static uint64_t enter_vmid(const struct domain *d)
{
    uint64_t old = read_sysreg(vttbr_el2);

    __asm__ volatile("dsb ish" ::: "memory");
    if (old != d->arch.vttbr) {
        write_sysreg(vttbr_el2, d->arch.vttbr);
        isb();
    }
    return old;
}

static void leave_vmid(const struct domain *d, uint64_t old)
{
    if (old != d->arch.vttbr) {
        write_sysreg(vttbr_el2, old);
    }
    isb();
}

void stage2_flush_pages(struct domain *d, const gfn_t *gfns, uint32_t count)
{
    uint64_t old = enter_vmid(d);

    for (uint32_t i = 0; i < count; i++) {
        __asm__ volatile("tlbi ipas2e1is, %0" ::"r"(gfns[i].v) : "memory");
    }
    __asm__ volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish" ::: "memory");
    leave_vmid(d, old);
}

void stage2_flush(struct domain *d, gfn_t gfn, uint32_t order UNUSED)
{
    stage2_flush_pages(d, &gfn, 1);
}

void stage2_flush_all(struct domain *d)
{
    uint64_t old = enter_vmid(d);

    __asm__ volatile("tlbi vmalls12e1is\n\tdsb ish" ::: "memory");
    leave_vmid(d, old);
}
