/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"
#include "core/rights.h"

#include <string.h>

static struct vcpu *boot;
static uint16_t one; /* being built */
static uint16_t two; /* running, without rights */

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = build_domain(boot, "one", 2, 4);
    two = build_domain(boot, "two", 1, 2);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    return 0;
}

static const uint32_t per_domain[] = {
    XEN_DOMCTL_destroydomain,
    XEN_DOMCTL_pausedomain,
    XEN_DOMCTL_unpausedomain,
    XEN_DOMCTL_max_mem,
    XEN_DOMCTL_max_vcpus,
    XEN_DOMCTL_setvcpucontext,
    XEN_DOMCTL_setvcpuaffinity,
    XEN_DOMCTL_setdomainhandle,
    XEN_DOMCTL_set_paging_mempool_size,
    XEN_DOMCTL_cacheflush,
    XEN_DOMCTL_get_paging_mempool_size,
    XEN_DOMCTL_getvcpucontext,
    XEN_DOMCTL_getvcpuaffinity,
    XEN_DOMCTL_getvcpuinfo,
    XEN_DOMCTL_iomem_permission,
    XEN_DOMCTL_memory_mapping,
    XEN_DOMCTL_irq_permission,
    XEN_DOMCTL_bind_pt_irq,
    XEN_DOMCTL_unbind_pt_irq,
    XEN_DOMCTL_resumedomain,
};

/* [utest->dsn~domctl~1] [utest->dsn~privilege-table~1] */
static void without_the_right_every_operation_is_refused(void **state)
{
    struct vcpu *v = vcpu_of(two, 0);
    struct xen_domctl op = {0};

    (void)state;
    /* Without any right it learns not even which domains and operations there are. */
    assert_int_equal(do_domctl(v, XEN_DOMCTL_getdomaininfo, one, &op), ERR_PERM);
    assert_int_equal(do_domctl(v, 95, 99, &op), ERR_PERM);
    assert_int_equal(hypercall(v, __HYPERVISOR_domctl, 0x1000, 0, 0), ERR_PERM);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_RESTART, one, two), OK); /* which no domctl asks for */
    for (size_t i = 0; i < ARRAY_SIZE(per_domain); i++) {
        assert_int_equal(do_domctl(v, per_domain[i], one, &op), ERR_PERM);
        assert_int_equal(do_domctl(v, per_domain[i], DOMID_SELF, &op), ERR_PERM);
        assert_int_equal(do_domctl(v, per_domain[i], 99, &op), ERR_SRCH);
    }
    op.u.createdomain =
        (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1};
    assert_int_equal(do_domctl(v, XEN_DOMCTL_createdomain, 0, &op), ERR_PERM);
    assert_int_equal(do_domctl(v, XEN_DOMCTL_getdomaininfo, one, &op), ERR_SRCH); /* it does not even see it */
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_BUILDING);
}

/* [utest->dsn~domctl~1] */
static void each_operation_needs_its_own_right_only(void **state)
{
    static const struct {
        uint32_t cmd;
        uint16_t right;
    } needs[] = {
        {XEN_DOMCTL_pausedomain, BULKHEAD_RIGHT_PAUSE}, {XEN_DOMCTL_max_mem, BULKHEAD_RIGHT_BUILD},
        {XEN_DOMCTL_getvcpuinfo, BULKHEAD_RIGHT_INFO},  {XEN_DOMCTL_get_paging_mempool_size, BULKHEAD_RIGHT_INFO},
        {XEN_DOMCTL_cacheflush, BULKHEAD_RIGHT_BUILD},  {XEN_DOMCTL_destroydomain, BULKHEAD_RIGHT_DESTROY},
    };
    struct vcpu *v = vcpu_of(two, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        struct xen_domctl op = {0};

        if (rights_check(v, needs[i].right, one) != OK) {
            assert_int_equal(do_domctl(v, needs[i].cmd, one, &op), ERR_PERM);
            assert_int_equal(move_right(boot, needs[i].right, one, two), OK);
        }
        assert_int_equal(do_domctl(v, needs[i].cmd, one, &op), OK);
        assert_int_equal(do_domctl(boot, needs[i].cmd, one, &op), ERR_PERM);
    }
}

/* [utest->dsn~domctl~1] */
static void operations_that_do_not_exist_and_other_versions(void **state)
{
    static const uint32_t missing[] = {
        0, XEN_DOMCTL_hypercall_init, XEN_DOMCTL_ioport_permission, XEN_DOMCTL_assign_device, 95, 96, 1000, UINT32_MAX};
    struct xen_domctl op = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
        assert_int_equal(do_domctl(boot, missing[i], one, &op), ERR_NOSYS);
    }
    op.cmd = XEN_DOMCTL_pausedomain;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION - 1u;
    op.domain = one;
    assert_int_equal(hypercall(boot, __HYPERVISOR_domctl, POINTER(&op), 0, 0), ERR_ACCES);
}

/* [utest->dsn~domctl-build~1] */
static void impossible_domains_are_not_created(void **state)
{
    const struct xen_domctl_createdomain good = {.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1};
    struct xen_domctl_createdomain bad[12];
    uint64_t free_before = frame_free_count();
    struct xen_domctl op = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        bad[i] = good;
    }
    bad[0].flags = 0;
    bad[1].flags |= XEN_DOMCTL_CDF_iommu;
    bad[2].flags = XEN_DOMCTL_CDF_hvm;
    bad[3].iommu_opts = 1;
    bad[4].max_vcpus = 0;
    bad[5].max_vcpus = MAX_VCPUS + 1u;
    bad[6].vmtrace_size = 4096;
    bad[7].cpupool_id = 1;
    bad[8].arch.tee_type = XEN_DOMCTL_CONFIG_TEE_OPTEE;
    bad[9].arch.gic_version = XEN_DOMCTL_CONFIG_GIC_V2;
    bad[10].arch.nr_spis = 989;
    bad[11].grant_opts = XEN_DOMCTL_GRANT_version(2);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        op.u.createdomain = bad[i];
        if (do_domctl(boot, XEN_DOMCTL_createdomain, 0, &op) != ERR_INVAL) {
            fail_msg("case %zu", i);
        }
    }
    op.u.createdomain = good;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_createdomain, one, &op), ERR_EXIST);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_createdomain, MAX_DOMAINS, &op), ERR_INVAL);
    assert_int_equal(frame_free_count(), free_before);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_createdomain, 77, &op), OK);
    assert_int_equal(op.domain, 77);
    assert_int_equal(op.u.createdomain.arch.gic_version, XEN_DOMCTL_CONFIG_GIC_V3);
}

/* [utest->dsn~domctl-build~1] */
static void the_table_pool_grows_and_shrinks_by_frames(void **state)
{
    uint64_t free_before = frame_free_count();
    struct xen_domctl op = {0};

    (void)state;
    op.u.paging_mempool.size = UINT64_C(1500) << PAGE_SHIFT;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op), OK);
    assert_true(restarts() >= 1400u / 128u);
    op.u.paging_mempool.size = 0;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_get_paging_mempool_size, one, &op), OK);
    assert_int_equal(op.u.paging_mempool.size, UINT64_C(1500) << PAGE_SHIFT);
    assert_int_equal(frame_free_count(), free_before - (1500u - 64u));
    op.u.paging_mempool.size = 64u << PAGE_SHIFT;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op), OK);
    assert_int_equal(frame_free_count(), free_before);
    op.u.paging_mempool.size = 0; /* what is in use stays */
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op), ERR_BUSY);
    op.u.paging_mempool.size = 4097;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op), ERR_INVAL);
    op.u.paging_mempool.size = UINT64_C(1) << 40;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op), ERR_NOMEM);
}

/* [utest->dsn~domctl-build~1] */
static void context_goes_in_and_comes_out(void **state)
{
    vcpu_guest_context_t c = {.user_regs = {.pc64 = 0x40001234, .x0 = 99, .cpsr = PSR_GUEST64_INIT}};
    struct xen_domctl op = {0};

    (void)state;
    op.u.vcpucontext.vcpu = 1;
    op.u.vcpucontext.ctxt.p = &c;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, one, &op), OK);
    memset(&c, 0, sizeof(c));
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpucontext, one, &op), OK);
    assert_int_equal(c.user_regs.pc64, 0x40001234);
    assert_int_equal(c.user_regs.x0, 99);
    assert_int_equal(c.flags & VGCF_online, 0);
    c.user_regs.cpsr = PSR_MODE_EL2h;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, one, &op), ERR_INVAL);
    op.u.vcpucontext.vcpu = 2;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, one, &op), ERR_SRCH);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpucontext, one, &op), ERR_SRCH);
    op.u.vcpucontext.vcpu = 0;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpucontext, two, &op), ERR_BUSY); /* it runs */
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_pausedomain, two, &op), OK);
    op.u.vcpucontext.vcpu = 0;
    op.u.vcpucontext.ctxt.p = &c;
    vcpu_of(two, 0)->running = true;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpucontext, two, &op),
                     ERR_RESTART); /* not out of the registers yet */
    vcpu_of(two, 0)->running = false;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpucontext, two, &op), OK);
    op.u.vcpucontext.ctxt.q = 16;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, one, &op), ERR_FAULT);
}

/* [utest->dsn~domctl~1] */
static void info_tells_state_and_size(void **state)
{
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getdomaininfo, one, &op), OK);
    assert_int_equal(op.u.getdomaininfo.domain, one);
    assert_int_equal(op.u.getdomaininfo.tot_pages, 1024);
    assert_int_equal(op.u.getdomaininfo.max_pages, 1024);
    assert_int_equal(op.u.getdomaininfo.nr_online_vcpus, 1);
    assert_int_equal(op.u.getdomaininfo.max_vcpu_id, 1);
    assert_int_equal(op.u.getdomaininfo.gpaddr_bits, 40);
    assert_int_not_equal(op.u.getdomaininfo.flags & XEN_DOMINF_paused, 0);
    domain_shutdown(domain_of(two), SHUTDOWN_watchdog);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getdomaininfo, two, &op), OK);
    assert_int_not_equal(op.u.getdomaininfo.flags & XEN_DOMINF_shutdown, 0);
    assert_int_equal((op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask,
                     SHUTDOWN_watchdog);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getdomaininfo, 0, &op), OK); /* the first there is */
    assert_int_equal(op.domain, one);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getdomaininfo, 3, &op), ERR_SRCH);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpuinfo, one, &op), OK);
    op.u.getvcpuinfo.vcpu = 7;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpuinfo, one, &op), ERR_SRCH);
}

/* [utest->dsn~domctl-build~1] */
static void builders_writes_are_cleaned_on_request(void **state)
{
    struct xen_domctl op = {0};
    mfn_t m[2];

    (void)state;
    for (uint32_t i = 0; i < 2u; i++) {
        assert_int_equal(physmap_hold(domain_of(one), GFN(0x40000u + 700u * i), &m[i]), OK);
        physmap_release(m[i]);
        memset(arch_map_frame(m[i]), 0xa5, PAGE_SIZE);
        assert_int_equal(*(const uint8_t *)host_memory(m[i]), 0);
    }
    op.u.cacheflush.start_pfn = 0x40000;
    op.u.cacheflush.nr_pfns = 1100; /* runs over the end of RAM: holes are skipped */
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_cacheflush, one, &op), OK);
    assert_int_equal(restarts(), 2);
    assert_int_equal(op.u.cacheflush.nr_pfns, 0);
    for (uint32_t i = 0; i < 2u; i++) {
        assert_memory_equal(arch_map_frame(m[i]), host_memory(m[i]), PAGE_SIZE);
    }
    op.u.cacheflush.start_pfn = 5;
    op.u.cacheflush.nr_pfns = arch_stage2_gfn_limit() - 5u; /* a hole costs what a frame does */
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_cacheflush, one, &op), OK);
    assert_true(restarts() < 100u);
    assert_int_equal(op.u.cacheflush.start_pfn, arch_stage2_gfn_limit());
    op.u.cacheflush.start_pfn = UINT64_MAX;
    op.u.cacheflush.nr_pfns = 2;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_cacheflush, one, &op), ERR_INVAL);
}

/* [utest->dsn~domctl-build~1] */
static void limits_are_what_they_were_created_with(void **state)
{
    struct xen_domctl op = {0};

    (void)state;
    op.u.max_vcpus.max = 3;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_vcpus, one, &op), ERR_INVAL);
    op.u.max_vcpus.max = 2;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_vcpus, one, &op), OK); /* they are there: nothing to do */
    memset(op.u.setdomainhandle.handle, 7, sizeof(op.u.setdomainhandle.handle));
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setdomainhandle, one, &op), OK);
    assert_int_equal(domain_of(one)->handle[1], UINT64_C(0x0707070707070707));
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_pausedomain, DOMID_SELF, &op), ERR_INVAL); /* not oneself */
}

/* Arguments with which the operations on devices succeed, in the order of per_domain. */
static void fill_device(uint32_t cmd, struct xen_domctl *op)
{
    if (cmd == XEN_DOMCTL_iomem_permission) {
        op->u.iomem_permission = (struct xen_domctl_iomem_permission){0x9010, 1, 1};
    } else if (cmd == XEN_DOMCTL_memory_mapping) {
        op->u.memory_mapping = (struct xen_domctl_memory_mapping){0x9010, 0x9010, 1, DPCI_ADD_MAPPING, 0};
    } else if (cmd == XEN_DOMCTL_irq_permission) {
        op->u.irq_permission = (struct xen_domctl_irq_permission){.pirq = 34, .allow_access = 1};
    } else if (cmd == XEN_DOMCTL_bind_pt_irq || cmd == XEN_DOMCTL_unbind_pt_irq) {
        op->u.bind_pt_irq = (struct xen_domctl_bind_pt_irq){34, PT_IRQ_TYPE_SPI, {.spi.spi = 34}};
    }
}

/* Every copy from or to the caller fails once: -EFAULT, and what was not answered is not lost. */
static void every_failing_copy_is_a_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(per_domain); i++) {
        vcpu_guest_context_t c = {.user_regs = {.cpsr = PSR_GUEST64_INIT}};
        uint64_t mask = 0xf;
        struct xen_domctl op = {0};
        uint32_t n = 0;
        int64_t result;

        if (per_domain[i] == XEN_DOMCTL_destroydomain || per_domain[i] == XEN_DOMCTL_unpausedomain ||
            per_domain[i] == XEN_DOMCTL_resumedomain) {
            continue;
        }
        do {
            n++;
            memset(&op, 0, sizeof(op));
            if (per_domain[i] == XEN_DOMCTL_setvcpucontext || per_domain[i] == XEN_DOMCTL_getvcpucontext) {
                op.u.vcpucontext.ctxt.p = &c;
            } else if (per_domain[i] == XEN_DOMCTL_setvcpuaffinity || per_domain[i] == XEN_DOMCTL_getvcpuaffinity) {
                op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
                op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
                op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
            } else if (per_domain[i] == XEN_DOMCTL_set_paging_mempool_size) {
                op.u.paging_mempool.size = 64u << PAGE_SHIFT;
            } else if (per_domain[i] == XEN_DOMCTL_max_vcpus) {
                op.u.max_vcpus.max = 2;
            }
            fill_device(per_domain[i], &op);
            host_fail_copy(n);
            result = do_domctl(boot, per_domain[i], one, &op);
            assert_true(result == ERR_FAULT || result == OK);
            assert_int_equal(domain_of(one)->lock.next, domain_of(one)->lock.owner);
        } while (result == ERR_FAULT);
        host_fail_copy(0);
        assert_true(n >= 2u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_the_right_every_operation_is_refused, start),
        cmocka_unit_test_setup(each_operation_needs_its_own_right_only, start),
        cmocka_unit_test_setup(operations_that_do_not_exist_and_other_versions, start),
        cmocka_unit_test_setup(impossible_domains_are_not_created, start),
        cmocka_unit_test_setup(the_table_pool_grows_and_shrinks_by_frames, start),
        cmocka_unit_test_setup(context_goes_in_and_comes_out, start),
        cmocka_unit_test_setup(info_tells_state_and_size, start),
        cmocka_unit_test_setup(builders_writes_are_cleaned_on_request, start),
        cmocka_unit_test_setup(limits_are_what_they_were_created_with, start),
        cmocka_unit_test_setup(every_failing_copy_is_a_fault, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
