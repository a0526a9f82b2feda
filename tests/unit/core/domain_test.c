/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/rights.h"
#include "core/sched_ops.h"

#include <string.h>

static struct vcpu *boot;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    return 0;
}

static uint32_t state_of(uint16_t domid)
{
    return domain_state(domain_of(domid));
}

/* [utest->dsn~domain~1] */
static void a_domain_is_found_by_its_number_only(void **state)
{
    static const uint32_t nobody[] = {0, 2, 128, 129, 1000, 0x7ff4, 0x7fff, 0xffff, 0x10001, UINT32_MAX};
    struct domain *d;
    uint16_t one = build_domain(boot, "one", 1, 2);

    (void)state;
    assert_int_equal(domain_get(boot, one, &d), OK);
    assert_ptr_equal(d, domain_of(one));
    domain_put(d);
    assert_int_equal(domain_get(boot, DOMID_SELF, &d), OK);
    assert_ptr_equal(d, boot->domain);
    domain_put(d);
    assert_int_equal(domain_get(boot, DOMID_BOOT, &d), OK);
    assert_ptr_equal(d, boot->domain);
    domain_put(d);
    for (size_t i = 0; i < ARRAY_SIZE(nobody); i++) {
        assert_int_equal(domain_get(boot, nobody[i], &d), ERR_SRCH);
    }
}

/* [utest->dsn~domain-life~1] */
static void a_domain_runs_after_its_first_unpause_only(void **state)
{
    uint16_t one = build_domain(boot, "one", 3, 2);

    (void)state;
    assert_int_equal(state_of(one), DOMAIN_BUILDING);
    assert_null(cpu_runs(1));
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(state_of(one), DOMAIN_LIVE);
    assert_int_equal(unpause(boot, one), ERR_INVAL); /* not paused */
    (void)cpu_runs(0);
    assert_null(cpu_runs(1)); /* vCPU 1 is off */
    assert_int_equal(vcpu_of(one, 0)->attached, true);
    assert_int_equal(cpu_of(0)->vcpu_count, 2);
}

/* [utest->dsn~domain-life~1] */
static void an_incomplete_domain_does_not_start(void **state)
{
    struct xen_domctl op = {.u.createdomain = {.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 2}};
    vcpu_guest_context_t context = {.user_regs = {.cpsr = PSR_GUEST64_INIT}};
    uint16_t one;

    (void)state;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_createdomain, 0, &op), OK);
    one = op.domain;
    assert_int_equal(unpause(boot, one), ERR_INVAL); /* no vCPUs */
    op.u.max_vcpus.max = 2;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_vcpus, one, &op), OK);
    assert_int_equal(unpause(boot, one), ERR_INVAL); /* none of them on */
    memset(&op, 0, sizeof(op));
    op.u.vcpucontext.ctxt.p = &context;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, one, &op), OK);
    assert_int_equal(unpause(boot, one), ERR_INVAL); /* a context, but not online */
    context.flags = VGCF_online;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, one, &op), OK);
    assert_int_equal(unpause(boot, one), OK);
}

/* [utest->dsn~domain-life~1] */
static void pauses_are_counted(void **state)
{
    struct xen_domctl op = {0};
    uint16_t one = build_domain(boot, "one", 2, 2);
    struct vcpu *v;

    (void)state;
    op.u.vcpuaffinity.vcpu = 0;
    assert_int_equal(unpause(boot, one), OK);
    v = vcpu_of(one, 0);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PAUSE, DOMID_BOOT, DOMID_INVALID), OK);
    (void)cpu_runs(0);
    assert_false(v->held);
    for (uint32_t i = 0; i < 255u; i++) {
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_pausedomain, one, &op), OK);
    }
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_pausedomain, one, &op), ERR_BUSY);
    (void)cpu_runs(0);
    assert_true(v->held);
    for (uint32_t i = 0; i < 254u; i++) {
        assert_int_equal(unpause(boot, one), OK);
    }
    (void)cpu_runs(0);
    assert_true(v->held);
    assert_int_equal(unpause(boot, one), OK);
    (void)cpu_runs(0);
    assert_false(v->held);
}

/* [utest->dsn~domain-life~1] */
static void a_domain_shuts_down_once_and_keeps_its_memory(void **state)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_crash};
    uint16_t one = build_domain(boot, "one", 1, 2);
    struct vcpu *v;

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    v = vcpu_of(one, 0);
    (void)cpu_runs(0);
    host_console_clear();
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
    assert_non_null(strstr(host_console(), "(bulkhead) one: crashed (shutdown code 3)\r\n"));
    host_console_clear();
    s.reason = SHUTDOWN_poweroff;
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
    assert_string_equal(host_console(), "");
    assert_int_equal(state_of(one), DOMAIN_SHUTDOWN);
    assert_int_equal(domain_of(one)->shutdown_code, SHUTDOWN_crash);
    assert_int_equal(domain_of(one)->frames, 512);
    (void)cpu_runs(0);
    assert_true(v->held);
    assert_int_equal(unpause(boot, one), ERR_INVAL);
}

/* [utest->dsn~domain-life~1] */
static void destroy_gives_back_every_frame(void **state)
{
    uint64_t free_before = frame_free_count();
    uint16_t one = build_domain(boot, "one", 5, 8);

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    settle();
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_null(domain_get_slot(one));
    assert_int_equal(frame_free_count(), free_before);
    assert_int_equal(build_domain(boot, "one", 1, 2), one); /* the slot and the name are free */
}

/* [utest->dsn~domain-life~1] */
static void no_timer_outlives_its_domain(void **state)
{
    uint16_t one = build_domain(boot, "one", 3, 2);
    struct vcpu *v = vcpu_of(one, 2);

    (void)state;
    v->arch.deadline = arch_ticks() + HOST_HZ;
    assert_int_equal(unpause(boot, one), OK);
    vcpu_notify(v, VCPU_NOTIFY_START);
    assert_ptr_equal(cpu_runs(2), v); /* in registers, with a timer that is to come */
    host_become(0);
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_null(domain_get_slot(one));
    assert_true(list_empty(&cpu_of(2)->sched.queue[0].timers));
}

/* CPU 0 gets as far as it can while the CPU that kicked it stands still. */
static void take_apart(uint32_t id)
{
    uint32_t kicker = this_cpu()->id;

    if (id == 0u) {
        host_at_kick(NULL);
        host_become(0);
        for (uint32_t i = 0; i < 1000u; i++) {
            (void)domain_reap_step(this_cpu());
        }
        host_become(kicker);
    }
}

/* [utest->dsn~domain-life~1] */
static void a_domain_stays_while_a_cpu_still_looks_at_it(void **state)
{
    uint16_t one = build_domain(boot, "one", 3, 2);
    struct vcpu *v = vcpu_of(one, 2);

    (void)state;
    assert_int_equal(v->home, 2);
    v = vcpu_of(one, 0);
    assert_int_equal(v->home, 0);
    assert_int_equal(unpause(boot, one), OK);
    settle();
    assert_int_equal(destroy(boot, one), OK);
    (void)cpu_runs(0);
    (void)cpu_runs(1);
    host_at_kick(take_apart); /* CPU 2 has just let go of the last vCPU */
    (void)cpu_runs(2);
    assert_int_equal(state_of(one), DOMAIN_DYING);
    settle();
    assert_null(domain_get_slot(one));
}

/* [utest->dsn~domain-life~1] */
static void what_others_map_outlives_its_domain(void **state)
{
    struct xen_add_to_physmap_batch b = {.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1};
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = BOOT_DOMAIN_WINDOW >> PAGE_SHIFT};
    xen_ulong_t idx = (GUEST_RAM0_BASE >> PAGE_SHIFT) + 5u;
    xen_pfn_t gfn = BOOT_DOMAIN_WINDOW >> PAGE_SHIFT;
    uint64_t free_before = frame_free_count();
    uint16_t one = build_domain(boot, "one", 1, 2);
    struct stage2_entry e;
    int error = 1;

    (void)state;
    b.u.foreign_domid = one;
    b.idxs.p = &idx;
    b.gpfns.p = &gfn;
    b.errs.p = &error;
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b), OK);
    assert_int_equal(error, 0);
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_int_equal(state_of(one), DOMAIN_DYING); /* waits */
    assert_int_equal(domain_of(one)->frames, 1);
    spin_lock(&boot->domain->physmap_lock);
    e = physmap_look(boot->domain, GFN(gfn));
    spin_unlock(&boot->domain->physmap_lock);
    assert_int_equal(frame_look(e.mfn).count, 1);
    assert_int_equal(frame_look(e.mfn).owner, FRAME_OWNER(one));
    assert_int_equal(do_memory(boot, XENMEM_remove_from_physmap, &r), OK);
    settle();
    assert_null(domain_get_slot(one));
    assert_int_equal(frame_free_count(), free_before);
}

/* [utest->dsn~domain-life~1] */
static void a_dying_domain_takes_nothing_more(void **state)
{
    struct xen_domctl op = {0};
    uint16_t one = build_domain(boot, "one", 1, 2);
    struct domain *d = domain_of(one);
    xen_pfn_t extent = 7;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = one, .extent_start.p = &extent};
    struct domain *hold;
    mfn_t m;

    (void)state;
    assert_int_equal(domain_get(boot, one, &hold), OK); /* keeps it dying */
    assert_int_equal(destroy(boot, one), OK);
    assert_int_equal(do_memory(boot, XENMEM_populate_physmap, &r), 0);
    op.u.max_mem.max_memkb = 1;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_mem, one, &op), ERR_PERM);
    assert_int_equal(unpause(boot, one), ERR_INVAL);
    assert_int_equal(physmap_hold(d, GFN(GUEST_RAM0_BASE >> PAGE_SHIFT), &m), ERR_INVAL);
    assert_int_equal(physmap_populate(d, GFN(99), 0), ERR_NOMEM);
    d->max_frames = 5000;
    assert_int_equal(physmap_populate(d, GFN(99), 0), ERR_SRCH);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CREATE, DOMID_SELF, one), ERR_SRCH);
    assert_int_equal(destroy(boot, one), OK);
    domain_put(hold);
    settle();
    assert_null(domain_get_slot(one));
}

/* [utest->dsn~domain-life~1] */
static void a_large_domain_goes_in_steps(void **state)
{
    uint64_t free_before = frame_free_count();
    uint16_t one = build_domain(boot, "one", 10, 4);
    struct xen_domctl op = {0};
    struct domain *hold;

    (void)state;
    op.u.paging_mempool.size = UINT64_C(1500) << PAGE_SHIFT;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op), OK);
    assert_int_equal(unpause(boot, one), OK);
    settle();
    assert_int_equal(domain_get(boot, one, &hold), OK);
    assert_int_equal(destroy(boot, one), OK);
    assert_int_equal(domain_destroy(hold), ERR_BUSY); /* it already is */
    domain_put(hold);
    settle();
    assert_int_equal(frame_free_count(), free_before);
}

/* [utest->dsn~domain-life~1] */
static void ten_thousand_lives_leave_no_trace(void **state)
{
    uint64_t free_before;
    struct random r = {.state = 7};

    (void)state;
    free_before = frame_free_count();
    for (uint32_t i = 0; i < 10000u; i++) {
        uint16_t domid = build_domain(boot, "again", 1u + (uint32_t)random_below(&r, 6), (i % 16u == 0u) ? 2u : 0u);

        assert_int_equal(domid, 1);
        if (random_below(&r, 2) == 0u) {
            assert_int_equal(unpause(boot, domid), OK);
            (void)cpu_runs(0);
        }
        assert_int_equal(destroy(boot, domid), OK);
        for (uint32_t turn = 0; frame_free_count() != free_before && turn < 64u; turn++) {
            for (uint32_t c = 0; c < HOST_CPUS; c++) {
                (void)cpu_runs(c);
            }
        }
        assert_int_equal(frame_free_count(), free_before);
    }
}

/* ---- every allocation fails once ---- */

/* Frames that are kept from the machine. */
static mfn_t kept[32768];
static uint32_t kept_count;

static void leave_frames(uint64_t n)
{
    while (frame_free_count() > n) {
        assert_int_equal(frame_alloc(250, FRAME_POOL, 0, &kept[kept_count]), OK);
        kept_count++;
    }
}

static void give_frames_back(void)
{
    while (kept_count > 0u) {
        kept_count--;
        frame_free(kept[kept_count], 1);
    }
}

/* [utest->dsn~domain-create-atomic~1] */
static void creation_is_all_or_nothing_whichever_allocation_fails(void **state)
{
    struct domain_config config = {.max_vcpus = 1};
    uint64_t all = frame_free_count();
    uint64_t failures = 0;
    struct domain *d;
    err_t err;

    (void)state;
    for (uint64_t n = 0;; n++) {
        leave_frames(n);
        err = domain_create(SLOT_BOOT, &config, &d);
        if (err == OK) {
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
        assert_int_equal(frame_free_count(), n);
        assert_null(domain_get_slot(1));
        assert_int_equal(rights_holder(BULKHEAD_RIGHT_BUILD, 1), -1);
        give_frames_back();
        assert_int_equal(frame_free_count(), all);
        failures++;
    }
    assert_true(failures > 18u); /* structure, shared info, pool, root */
    domain_put(d);
    give_frames_back();
}

/* [utest->dsn~domain-create-atomic~1] */
static void a_vcpu_is_made_whole_or_not(void **state)
{
    struct domain_config config = {.max_vcpus = 2};
    struct domain *d;

    (void)state;
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), OK);
    leave_frames(0);
    assert_int_equal(domain_add_vcpus(d), ERR_NOMEM);
    assert_null(d->vcpus[0]);
    give_frames_back();
    while (d->pool_free > 0u) { /* the architecture's part fails */
        mfn_t m;
        assert_int_equal(pool_alloc(d, &m), OK);
    }
    assert_int_equal(domain_add_vcpus(d), ERR_NOMEM);
    assert_null(d->vcpus[0]);
    domain_put(d);
}

/* [utest->dsn~domain~1] */
static void as_many_domains_as_there_are_slots(void **state)
{
    struct domain_config config = {.max_vcpus = 1};
    struct domain *d;

    (void)state;
    for (uint32_t i = 1; i < MAX_DOMAINS; i++) {
        assert_int_equal(domain_create(SLOT_BOOT, &config, &d), OK);
        assert_int_equal(d->id, i);
        domain_put(d);
    }
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), ERR_NOSPC);
    config.domid = 5;
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), ERR_EXIST);
    config.domid = DOMID_BOOT;
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), ERR_EXIST);
    config.domid = MAX_DOMAINS;
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), ERR_INVAL);
    config = (struct domain_config){.max_vcpus = MAX_VCPUS + 1u};
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), ERR_INVAL);
    config.max_vcpus = 0;
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), ERR_INVAL);
}

/* [utest->dsn~domain-faults~1] */
static void faults_are_counted_and_the_worst_end_the_domain(void **state)
{
    uint16_t one = build_domain(boot, "one", 1, 2);
    struct vcpu *v;

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    v = vcpu_of(one, 0);
    host_console_clear();
    for (uint32_t i = 0; i < 3u; i++) {
        upcall_guest_fault(v, FAULT_STAGE2, 0x96000046, 0x1000);
        upcall_guest_fault(v, FAULT_UNDEFINED, 0x2000000, 0x2000);
    }
    assert_string_equal(host_console(), ""); /* nothing is printed for a guest's mistake */
    assert_int_equal(domain_of(one)->faults[FAULT_STAGE2], 3);
    assert_int_equal(domain_of(one)->faults[FAULT_UNDEFINED], 3);
    assert_int_equal(v->stats.guest_errors, 6);
    assert_int_equal(state_of(one), DOMAIN_LIVE);
    upcall_guest_fault(v, FAULT_ILLEGAL, 0, 0);
    assert_int_equal(state_of(one), DOMAIN_SHUTDOWN);
    assert_int_equal(domain_of(one)->shutdown_code, SHUTDOWN_crash);
    upcall_shutdown(v, SHUTDOWN_reboot); /* too late to matter */
    assert_int_equal(domain_of(one)->shutdown_code, SHUTDOWN_crash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_domain_is_found_by_its_number_only, start),
        cmocka_unit_test_setup(a_domain_runs_after_its_first_unpause_only, start),
        cmocka_unit_test_setup(an_incomplete_domain_does_not_start, start),
        cmocka_unit_test_setup(pauses_are_counted, start),
        cmocka_unit_test_setup(a_domain_shuts_down_once_and_keeps_its_memory, start),
        cmocka_unit_test_setup(destroy_gives_back_every_frame, start),
        cmocka_unit_test_setup(no_timer_outlives_its_domain, start),
        cmocka_unit_test_setup(a_domain_stays_while_a_cpu_still_looks_at_it, start),
        cmocka_unit_test_setup(what_others_map_outlives_its_domain, start),
        cmocka_unit_test_setup(a_dying_domain_takes_nothing_more, start),
        cmocka_unit_test_setup(a_large_domain_goes_in_steps, start),
        cmocka_unit_test_setup(ten_thousand_lives_leave_no_trace, start),
        cmocka_unit_test_setup(creation_is_all_or_nothing_whichever_allocation_fails, start),
        cmocka_unit_test_setup(a_vcpu_is_made_whole_or_not, start),
        cmocka_unit_test_setup(as_many_domains_as_there_are_slots, start),
        cmocka_unit_test_setup(faults_are_counted_and_the_worst_end_the_domain, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
