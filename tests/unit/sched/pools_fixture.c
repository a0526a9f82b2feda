/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pools_fixture.h"
#include "arch/contract/arch.h"
#include "core/wallclock.h"
#include "sched/pools.h"

#include <string.h>

struct vcpu *boot;

int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    host_set_ticks(1000u * MS + 1u);
    return 0;
}

int64_t set_pool(uint32_t pool, uint32_t policy, uint64_t cpus)
{
    struct bulkhead_pool p = {.pool = pool, .policy = policy, .cpus = cpus, .guard = GUARD};

    return do_bulkhead(boot, BULKHEAD_OP_SET_POOL, &p);
}

int64_t set_schedule(uint32_t pool, uint32_t schedule, const struct bulkhead_window *w, uint32_t count)
{
    struct bulkhead_schedule s = {.pool = pool, .schedule = schedule, .count = count, .windows = POINTER(w)};

    return do_bulkhead(boot, BULKHEAD_OP_SET_SCHEDULE, &s);
}

uint16_t domain_in(const char *name, uint32_t vcpus, uint64_t mask, uint32_t partition)
{
    uint16_t domid = build_domain(boot, name, vcpus, 2);
    struct bulkhead_domain id = {.domid = domid, .flags = BULKHEAD_DOMAIN_PARTITION(partition)};
    struct vcpu_guest_context context = {.flags = VGCF_online,
                                         .user_regs = {.pc64 = GUEST_RAM0_BASE, .cpsr = PSR_GUEST64_INIT}};

    strncpy(id.name, name, sizeof(id.name) - 1u);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_DOMAIN, &id), OK);
    for (uint32_t i = 0; i < vcpus; i++) {
        struct xen_domctl op = {0};

        op.u.vcpuaffinity.vcpu = i;
        op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
        op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
        op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), OK);
        memset(&op, 0, sizeof(op));
        op.u.vcpucontext.vcpu = i;
        op.u.vcpucontext.ctxt.p = &context;
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, domid, &op), OK);
    }
    return domid;
}

struct vcpu *started(uint16_t domid)
{
    assert_int_equal(unpause(boot, domid), OK);
    return vcpu_of(domid, 0);
}

struct vcpu *runs_at(uint32_t c, ticks_t at)
{
    host_become(c);
    host_set_ticks(at);
    if (cpu_of(c)->arch.deadline <= at) {
        upcall_timer(cpu_of(c));
        assert_true(cpu_of(c)->arch.deadline > at); /* it does not stay pending until the choice */
    }
    return cpu_runs(c);
}
