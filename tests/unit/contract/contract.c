/* SPDX-License-Identifier: Apache-2.0 */
/* What hypervisor/arch/contract promises, asked of the architecture that this is linked with. */
#include "contract.h"
#include "arch/contract/arch.h"
#include "core/domain.h"
#include "core/pool.h"
#include "core/print.h"
#include "core/timer.h"
#include "core/upcall.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/xen.h>
#include <xen/arch-arm.h>

#define FREE_GFN GFN(UINT64_C(0xc0000000) >> PAGE_SHIFT) /* 1 GiB aligned; the Boot Domain has nothing there */
#define BLOCK    512u

static uint32_t failed_line;

#define CHECK(x)                                                                                                       \
    do {                                                                                                               \
        if (!(x) && failed_line == 0u) {                                                                               \
            failed_line = __LINE__;                                                                                    \
        }                                                                                                              \
    } while (0)

static struct domain *subject(void)
{
    return domain_at(SLOT_BOOT);
}

/* Nothing is behind a device mapping, so any frame number will do. */
static struct stage2_entry device(uint64_t mfn, uint32_t order)
{
    return (struct stage2_entry){.mfn = MFN(mfn), .access = ACCESS_RW, .mapping = MAPPING_DEVICE, .order = order};
}

static err_t prepare(gfn_t gfn, uint32_t order)
{
    struct domain *d = subject();
    err_t err;

    spin_lock(&d->physmap_lock);
    err = arch_stage2_prepare(d, gfn, order);
    spin_unlock(&d->physmap_lock);
    return err;
}

static void set(gfn_t gfn, struct stage2_entry e)
{
    struct domain *d = subject();

    spin_lock(&d->physmap_lock);
    arch_stage2_set(d, gfn, &e);
    spin_unlock(&d->physmap_lock);
}

static struct stage2_entry at(uint64_t offset)
{
    return arch_stage2_get(subject(), GFN(FREE_GFN.v + offset));
}

static void clear(uint32_t order)
{
    set(FREE_GFN, (struct stage2_entry){.mapping = MAPPING_NONE, .order = order});
}

/* [utest->dsn~arch-contract~1] [itest->dsn~arch-contract~1] [utest->dsn~stage2~1] */
static void stage2_holds_what_was_set(void)
{
    CHECK(at(0).mapping == MAPPING_NONE);
    CHECK(prepare(FREE_GFN, 0) == OK);
    set(FREE_GFN, device(0x1234, 0));
    CHECK(at(0).mfn.v == 0x1234u && at(0).mapping == MAPPING_DEVICE && at(0).access == ACCESS_RW && at(0).order == 0u);
    CHECK(at(1).mapping == MAPPING_NONE);
    set(FREE_GFN, device(0x4321, 0));
    CHECK(at(0).mfn.v == 0x4321u);
    clear(0);
    CHECK(at(0).mapping == MAPPING_NONE);
}

/* [utest->dsn~stage2~1] */
static void stage2_refuses_what_cannot_be(void)
{
    CHECK(prepare(GFN(FREE_GFN.v + 1u), 9) == ERR_INVAL);
    CHECK(prepare(FREE_GFN, 5) == ERR_INVAL);
    CHECK(prepare(GFN(arch_stage2_gfn_limit()), 0) == ERR_INVAL);
    CHECK(prepare(FREE_GFN, 0) == OK);
    CHECK(prepare(FREE_GFN, 9) == ERR_EXIST); /* a table of pages is there */
    CHECK(arch_stage2_gfn_limit() >= (UINT64_C(1) << (32u - PAGE_SHIFT)));
}

/* A block in a hole next to the pages of the test above.  [utest->dsn~stage2~1] [utest->dsn~stage2-maintenance~1] */
static void stage2_splits_a_block(void)
{
    gfn_t block = GFN(FREE_GFN.v + 4u * BLOCK);

    CHECK(prepare(block, 9) == OK);
    set(block, device(0x40000, 9));
    CHECK(at(4u * BLOCK + 7u).order == 9u && at(4u * BLOCK + 7u).mfn.v == 0x40007u);
    CHECK(prepare(GFN(block.v + 7u), 0) == OK);
    set(GFN(block.v + 7u), (struct stage2_entry){.mapping = MAPPING_NONE, .order = 0});
    CHECK(at(4u * BLOCK + 7u).mapping == MAPPING_NONE);
    CHECK(at(4u * BLOCK + 6u).mfn.v == 0x40006u && at(4u * BLOCK + 6u).order == 0u);
    CHECK(at(4u * BLOCK + 8u).mfn.v == 0x40008u && at(4u * BLOCK + 8u).access == ACCESS_RW);
    CHECK(at(4u * BLOCK + 511u).mfn.v == 0x401ffu);
}

/* [utest->dsn~scrub~2] */
static void scrub_leaves_zeroes(void)
{
    struct domain *d = subject();
    uint8_t *bytes;
    mfn_t mfn;
    err_t err;

    spin_lock(&d->physmap_lock);
    err = pool_alloc(d, &mfn);
    spin_unlock(&d->physmap_lock);
    CHECK(err == OK);
    if (err != OK) {
        return;
    }
    bytes = arch_map_frame(mfn);
    memset(bytes, 0xa5, PAGE_SIZE);
    arch_scrub(mfn, 1);
    for (uint32_t i = 0; i < PAGE_SIZE; i++) {
        CHECK(bytes[i] == 0u);
    }
    memset(bytes, 0x5a, PAGE_SIZE);
    arch_clean(mfn, 1);
    CHECK(bytes[0] == 0x5au && bytes[PAGE_SIZE - 1u] == 0x5au);
    arch_scrub(mfn, 1);
    spin_lock(&d->physmap_lock);
    pool_free(d, mfn);
    spin_unlock(&d->physmap_lock);
}

static void ticks_go_forward(void)
{
    ticks_t before = arch_ticks();

    CHECK(arch_ticks_hz() >= 1000000u);
    CHECK(arch_ticks() >= before);
}

/* The hypervisor timer wakes an idle CPU and fires what is due. */
static void timer_ends_idle(void)
{
    struct vcpu *v = subject()->vcpus[0];
    enum vcpu_state state = v->state;
    ticks_t deadline = arch_ticks() + arch_ticks_hz() / 1000u;

    CHECK(v->home == this_cpu()->id);
    v->state = VCPU_BLOCKED;
    timer_arm(&v->timers[TIMER_BLOCK], deadline);
    for (uint32_t i = 0; i < 100u && v->state == VCPU_BLOCKED; i++) {
        arch_cpu_idle();
    }
    CHECK(v->state == VCPU_RUNNABLE);
    CHECK(arch_ticks() >= deadline);
    v->state = state;
}

static void context_is_kept(void)
{
    struct vcpu *v = subject()->vcpus[0];
    struct vcpu_guest_context saved, c;

    arch_vcpu_load(NULL); /* out of the registers, if it is in them */
    arch_vcpu_get_context(v, &saved);
    c = saved;
    c.user_regs.pc64 = 0x40100000u;
    c.user_regs.x0 = UINT64_C(0x1122334455667788);
    c.user_regs.cpsr = PSR_GUEST64_INIT;
    CHECK(arch_vcpu_set_context(v, &c) == OK);
    memset(&c, 0xff, sizeof(c));
    arch_vcpu_get_context(v, &c);
    CHECK(c.user_regs.pc64 == 0x40100000u && c.user_regs.x0 == UINT64_C(0x1122334455667788));
    CHECK((c.user_regs.cpsr & 0x1fu) == PSR_MODE_EL1h);
    c.user_regs.cpsr = PSR_MODE_EL2h;
    CHECK(arch_vcpu_set_context(v, &c) == ERR_INVAL);
    CHECK(arch_vcpu_set_context(v, &saved) == OK);
}

static void console_takes_no_more_than_given(void)
{
    CHECK(arch_console_write("", 0) == 0u);
    CHECK(arch_console_write("\r", 1) <= 1u);
}

static void no_uart_takes_nothing(void)
{
    CHECK(!arch_vuart_receive(subject(), 'x'));
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"stage2_holds_what_was_set", stage2_holds_what_was_set},
    {"stage2_refuses_what_cannot_be", stage2_refuses_what_cannot_be},
    {"stage2_splits_a_block", stage2_splits_a_block},
    {"scrub_leaves_zeroes", scrub_leaves_zeroes},
    {"ticks_go_forward", ticks_go_forward},
    {"timer_ends_idle", timer_ends_idle},
    {"context_is_kept", context_is_kept},
    {"console_takes_no_more_than_given", console_takes_no_more_than_given},
    {"no_uart_takes_nothing", no_uart_takes_nothing},
};

uint32_t contract_count(void)
{
    return ARRAY_SIZE(tests);
}

uint32_t contract_run(void)
{
    uint32_t failures = 0;

    for (uint32_t i = 0; i < ARRAY_SIZE(tests); i++) {
        failed_line = 0;
        tests[i].run();
        if (failed_line == 0u) {
            print("TEST %s ok", tests[i].name);
        } else {
            print("TEST %s FAIL line %u", tests[i].name, (unsigned)failed_line);
            failures++;
        }
    }
    return failures;
}
