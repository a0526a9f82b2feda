/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "bulkhead/start_info.h"
#include "core/physmap.h"
#include "core/seal.h"

#include <string.h>

static struct vcpu *boot;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    return (boot != NULL) ? 0 : -1;
}

/* A byte of the Boot Domain's guest-physical memory, as a CPU with caches off sees it. */
static uint8_t guest_byte(uint64_t gaddr, struct stage2_entry *e)
{
    spin_lock(&boot->domain->physmap_lock);
    *e = physmap_look(boot->domain, GFN(gaddr >> PAGE_SHIFT));
    spin_unlock(&boot->domain->physmap_lock);
    assert_int_not_equal(e->mapping, MAPPING_NONE);
    return ((const uint8_t *)host_memory(e->mfn))[gaddr & PAGE_MASK];
}

static uint8_t pattern(uint8_t seed, uint64_t i)
{
    return (uint8_t)(seed + i * 7u + (i >> 8));
}

/* [utest->dsn~boot-domain-entry~1] */
static void boot_domain_finds_its_program_and_zeroes_behind(void **state)
{
    struct stage2_entry e;

    (void)state;
    for (uint64_t i = 0; i < BINARY_SIZE; i += 101u) {
        assert_int_equal(guest_byte(BOOT_DOMAIN_BASE + i, &e), pattern(1, i));
        assert_int_equal(e.mapping, MAPPING_RAM);
        assert_int_equal(e.access, ACCESS_RWX);
    }
    for (uint64_t i = BINARY_SIZE; i < BOOT_MEMORY - PAGE_SIZE; i += 1021u) {
        assert_int_equal(guest_byte(BOOT_DOMAIN_BASE + i, &e), 0);
    }
    assert_int_equal(boot->arch.pc, BOOT_DOMAIN_BASE);
    assert_int_equal(boot->domain->id, DOMID_BOOT);
}

/* [utest->dsn~boot-domain-entry~1] */
static void archive_is_mapped_where_the_image_has_it(void **state)
{
    struct stage2_entry e;

    (void)state;
    for (uint64_t i = 0; i < ARCHIVE_SIZE; i += 4093u) {
        assert_int_equal(guest_byte(BOOT_DOMAIN_ARCHIVE + i, &e), pattern(2, i));
        assert_int_equal(e.mfn.v, (ARCHIVE_AT + i) >> PAGE_SHIFT);
        assert_int_equal(e.mapping, MAPPING_RAM);
        assert_int_equal(frame_look(e.mfn).owner, FRAME_OWNER(SLOT_BOOT));
    }
    (void)guest_byte(BOOT_DOMAIN_ARCHIVE, &e);
    assert_int_equal(e.order, 9);
}

/* [utest->dsn~boot-domain-entry~1] */
static void device_tree_is_read_only_and_nobodys(void **state)
{
    struct stage2_entry e;

    (void)state;
    for (uint64_t i = 0; i < DTB_SIZE; i += 97u) {
        assert_int_equal(guest_byte(BOOT_DOMAIN_DTB + (DTB_AT & PAGE_MASK) + i, &e), pattern(3, i));
        assert_int_equal(e.access, ACCESS_R);
        assert_int_equal(e.mapping, MAPPING_OUTSIDE);
        assert_int_equal(frame_look(e.mfn).type, FRAME_NONE);
    }
}

static void read_guest(void *to, uint64_t gaddr, size_t n)
{
    struct stage2_entry e;

    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = guest_byte(gaddr + i, &e);
    }
}

/* [utest->dsn~boot-domain-entry~1] */
static void start_info_lists_modules_and_memory(void **state)
{
    struct hvm_start_info info;
    struct hvm_modlist_entry modules[BOOT_MODULE_COUNT];
    struct hvm_memmap_table_entry map[3];

    (void)state;
    read_guest(&info, boot->arch.x[0], sizeof(info));
    assert_int_equal(info.magic, HVM_START_MAGIC);
    assert_int_equal(info.version, 1);
    assert_int_equal(info.nr_modules, BOOT_MODULE_COUNT);
    assert_int_equal(info.memmap_entries, 3);
    read_guest(modules, info.modlist_paddr, sizeof(modules));
    assert_int_equal(modules[BOOT_MODULE_ARCHIVE].paddr, BOOT_DOMAIN_ARCHIVE);
    assert_int_equal(modules[BOOT_MODULE_ARCHIVE].size, ARCHIVE_SIZE);
    assert_int_equal(modules[BOOT_MODULE_DTB].paddr, BOOT_DOMAIN_DTB + (DTB_AT & PAGE_MASK));
    assert_int_equal(modules[BOOT_MODULE_DTB].size, DTB_SIZE);
    read_guest(map, info.memmap_paddr, sizeof(map));
    assert_int_equal(map[0].type, HVM_MEMMAP_TYPE_RAM);
    assert_int_equal(map[0].addr, BOOT_DOMAIN_BASE);
    assert_int_equal(map[0].size, BOOT_MEMORY - PAGE_SIZE);
    assert_int_equal(map[1].type, HVM_MEMMAP_TYPE_RESERVED);
    assert_int_equal(map[1].addr, IMAGE_AT);
    assert_int_equal(map[1].size, IMAGE_SIZE);
    assert_int_equal(map[2].addr, DTB_AT & ~PAGE_MASK);
    assert_int_equal(map[2].size,
                     2u * PAGE_SIZE + (((DTB_AT & PAGE_MASK) + DTB_SIZE > 2u * PAGE_SIZE) ? PAGE_SIZE : 0u));
}

static void no_modules(struct boot_info *info, struct image_descriptor *d)
{
    (void)d;
    info->archive_size = 0;
    info->dtb_size = 0;
    info->dtb = MADDR(0);
}

/* [utest->dsn~start-up~1] */
static void boot_domain_starts_without_archive_and_device_tree(void **state)
{
    struct hvm_modlist_entry modules[BOOT_MODULE_COUNT];
    struct hvm_start_info info;

    (void)state;
    boot = machine_start_with(no_modules);
    assert_non_null(boot);
    read_guest(&info, boot->arch.x[0], sizeof(info));
    read_guest(modules, info.modlist_paddr, sizeof(modules));
    assert_int_equal(modules[BOOT_MODULE_ARCHIVE].size, 0);
    assert_int_equal(modules[BOOT_MODULE_DTB].size, 0);
}

static void with_gap(struct boot_info *info, struct image_descriptor *d)
{
    (void)info;
    d->runtime.offset = RUNTIME_AT - IMAGE_AT;
}

/* [utest->dsn~start-up~1] */
static void archive_is_mapped_in_large_entries_up_to_the_runtime_memory(void **state)
{
    struct stage2_entry e;

    (void)state;
    boot = machine_start_with(with_gap);
    assert_non_null(boot);
    (void)guest_byte(BOOT_DOMAIN_ARCHIVE + ARCHIVE_SIZE, &e);
    assert_int_equal(e.order, 9);
    assert_int_equal(e.mfn.v, (ARCHIVE_AT + ARCHIVE_SIZE) >> PAGE_SHIFT);
    assert_int_equal(boot->domain->frames, (BOOT_MEMORY >> PAGE_SHIFT) + 1024u);
}

static void small_memory(struct boot_info *info, struct image_descriptor *d)
{
    (void)info;
    d->boot_domain_memory = BINARY_SIZE & ~PAGE_MASK;
}
static void small_runtime(struct boot_info *info, struct image_descriptor *d)
{
    (void)d;
    info->free_size = 0x300000;
}
static void no_table(struct boot_info *info, struct image_descriptor *d)
{
    (void)d;
    info->free_size = PAGE_SIZE;
}
static void dtb_in_image(struct boot_info *info, struct image_descriptor *d)
{
    (void)d;
    info->dtb = MADDR(ARCHIVE_AT);
}

/* [utest->dsn~boot-domain-refusal~1] */
static void impossible_images_stop_the_machine_with_the_reason(void **state)
{
    static const struct {
        void (*change)(struct boot_info *info, struct image_descriptor *d);
        const char *says;
    } cases[] = {
        {small_memory, "bulkhead: cannot make the Boot Domain: the image gives it less memory than its program needs "
                       "(error -12); rebuild the image with the host tool for this board"},
        {small_runtime, "its memory does not fit the runtime part of the image (error -12)"},
        {no_table, "bulkhead: no room for the frame table"},
        {dtb_in_image, "the device tree overlaps the image, or is not in RAM (error -17)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_null(machine_start_with(cases[i].change));
        assert_non_null(strstr(host_console(), cases[i].says));
    }
}

static void on_cpu_2(struct boot_info *info, struct image_descriptor *d)
{
    (void)info;
    d->boot_domain_cpu = 2;
}
static void on_cpu_9(struct boot_info *info, struct image_descriptor *d)
{
    (void)info;
    d->boot_domain_cpu = 9;
}

/* [utest->dsn~boot-domain-entry~1] */
static void boot_domain_runs_where_the_image_says_or_on_the_boot_cpu(void **state)
{
    (void)state;
    boot = machine_start_with(on_cpu_2);
    assert_non_null(boot);
    assert_int_equal(boot->home, 2);
    boot = machine_start_with(on_cpu_9);
    assert_non_null(boot);
    assert_int_equal(boot->home, 0);
    assert_non_null(strstr(host_console(), "the Boot Domain's CPU 9 does not run; it takes CPU 0"));
}

/* [utest->dsn~boot-seal~1] */
static void exit_returns_every_frame_and_seals(void **state)
{
    struct bulkhead_boot_record r;
    uint64_t free_before;
    uint16_t child;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    free_before = frame_free_count();
    child = build_domain(boot, "child", 1, 4);
    assert_int_equal(unpause(boot, child), OK);
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
    assert_int_equal(hypercall(vcpu_of(child, 0), HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_BOOT_RECORD, POINTER(&r), 0), OK);
    assert_int_equal(r.exited, 1);
    assert_int_equal(r.status, 0);
    assert_int_equal(r.ticks_reset, 17);
    assert_true(r.ticks_first_domain >= 1000u);
    assert_null(domain_get_slot(SLOT_BOOT));
    /* its RAM, tables and archive are free; the child's are not */
    assert_true(frame_free_count() >
                free_before - 0x400u - 0x60u + (BOOT_MEMORY >> PAGE_SHIFT) + (ARCHIVE_SIZE >> PAGE_SHIFT));
    for (uint64_t m = ARCHIVE_AT >> PAGE_SHIFT; m < (ARCHIVE_AT + ARCHIVE_SIZE) >> PAGE_SHIFT; m++) {
        const uint8_t *p = host_memory(MFN(m));
        assert_int_equal(frame_look(MFN(m)).type, FRAME_FREE);
        for (uint32_t i = 64; i < PAGE_SIZE; i++) { /* behind the links of a free block */
            assert_int_equal(p[i], 0);
        }
    }
}

/* [utest->dsn~boot-seal~1] */
static void nobody_becomes_the_boot_domain_again(void **state)
{
    struct xen_domctl op = {0};
    uint16_t child;
    struct vcpu *control;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    child = build_domain(boot, "control", 1, 2);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CREATE, DOMID_SELF, child), OK);
    assert_int_equal(unpause(boot, child), OK);
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
    control = vcpu_of(child, 0);
    op.u.createdomain =
        (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1};
    assert_int_equal(do_domctl(control, XEN_DOMCTL_createdomain, DOMID_BOOT, &op), OK);
    assert_int_not_equal(op.domain, DOMID_BOOT); /* a reserved number means: any free one */
    assert_int_equal(unpause(control, DOMID_BOOT), ERR_SRCH);
    assert_int_equal(destroy(control, DOMID_BOOT), ERR_SRCH);
    assert_int_equal(move_right(control, BULKHEAD_RIGHT_CREATE, DOMID_SELF, DOMID_BOOT), ERR_PERM);
    assert_int_equal(exit_boot(control, 0), ERR_PERM);
}

/* [utest->dsn~seal-cpus~1] */
static void cpus_of_safe_domains_are_not_for_later_ones(void **state)
{
    struct xen_domctl op = {0};
    uint64_t mask = UINT64_MAX;
    uint16_t safe;
    uint16_t child;
    struct vcpu *control;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    child = build_domain(boot, "control", 1, 2);
    safe = build_domain(boot, "safe", 2, 2); /* CPUs 0 and 1 */
    domain_of(safe)->flags |= BULKHEAD_DOMAIN_SAFE;
    assert_int_equal(unpause(boot, safe), OK);
    assert_int_equal(vcpu_of(build_domain(boot, "beside", 1, 2), 0)->home, 0); /* before the seal anything goes */
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CREATE, DOMID_SELF, child), OK);
    assert_int_equal(unpause(boot, child), OK);
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
    control = vcpu_of(child, 0);
    op.u.createdomain =
        (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 3};
    assert_int_equal(do_domctl(control, XEN_DOMCTL_createdomain, 9, &op), OK);
    op = (struct xen_domctl){.u.max_vcpus.max = 3};
    assert_int_equal(do_domctl(control, XEN_DOMCTL_max_vcpus, 9, &op), OK);
    assert_int_equal(vcpu_of(9, 0)->home, 2);
    assert_int_equal(vcpu_of(9, 1)->home, 3);
    assert_int_equal(vcpu_of(9, 2)->home, 2);
    op.u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){.vcpu = 1, .flags = XEN_VCPUAFFINITY_HARD};
    op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    assert_int_equal(do_domctl(control, XEN_DOMCTL_setvcpuaffinity, 9, &op), OK);
    assert_int_equal(mask, 0xc); /* what it got */
    mask = 3;
    assert_int_equal(do_domctl(control, XEN_DOMCTL_setvcpuaffinity, 9, &op), ERR_INVAL);
    assert_int_equal(vcpu_of(9, 1)->home, 3);
}

/* [utest->dsn~seal-cpus~1] */
static void without_a_cpu_there_is_no_vcpu(void **state)
{
    struct xen_domctl op = {0};
    uint16_t child;
    struct vcpu *control;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    child = build_domain(boot, "control", 4, 4);
    domain_of(child)->flags |= BULKHEAD_DOMAIN_SAFE;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CREATE, DOMID_SELF, child), OK);
    assert_int_equal(unpause(boot, child), OK);
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
    control = vcpu_of(child, 0);
    op.u.createdomain =
        (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1};
    assert_int_equal(do_domctl(control, XEN_DOMCTL_createdomain, 9, &op), OK);
    op = (struct xen_domctl){.u.max_vcpus.max = 1};
    assert_int_equal(do_domctl(control, XEN_DOMCTL_max_vcpus, 9, &op), ERR_INVAL);
}

static struct bulkhead_exit halting;

static void exit_and_halt(void *arg)
{
    (void)arg;
    (void)do_bulkhead(boot, BULKHEAD_OP_EXIT_BOOT_SERVICES, &halting);
}

/* [utest->dsn~boot-seal~1] */
static void exit_can_halt_the_platform(void **state)
{
    struct bulkhead_exit e;

    (void)state;
    boot = machine_start();
    e = (struct bulkhead_exit){.status = 2, .action = 7};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_EXIT_BOOT_SERVICES, &e), ERR_INVAL);
    assert_false(is_sealed());
    host_console_clear();
    halting = (struct bulkhead_exit){.status = 2, .action = BULKHEAD_EXIT_HALT};
    assert_null(host_run(exit_and_halt, NULL));
    assert_string_equal(host_console(),
                        "bulkhead: the launch failed (status 2) and the system description says halt\r\n");
}

/* [utest->dsn~boot-unfinished~1] */
static void domains_that_were_not_finished_go_with_the_boot_domain(void **state)
{
    uint16_t left;
    uint16_t later;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    left = build_domain(boot, "left", 1, 2);
    later = build_domain(boot, "later", 1, 2);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PAUSE, later, left), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PAUSE, left, later), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PAUSE, left, DOMID_INVALID), ERR_PERM);
    assert_int_equal(build_domain(boot, "third", 1, 2), 3);
    assert_int_equal(exit_boot(boot, 1), OK);
    settle();
    assert_null(domain_get_slot(3));
    assert_non_null(domain_get_slot(later));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(boot_domain_finds_its_program_and_zeroes_behind, start),
        cmocka_unit_test(archive_is_mapped_where_the_image_has_it),
        cmocka_unit_test(device_tree_is_read_only_and_nobodys),
        cmocka_unit_test(start_info_lists_modules_and_memory),
        cmocka_unit_test(boot_domain_starts_without_archive_and_device_tree),
        cmocka_unit_test(archive_is_mapped_in_large_entries_up_to_the_runtime_memory),
        cmocka_unit_test(impossible_images_stop_the_machine_with_the_reason),
        cmocka_unit_test(boot_domain_runs_where_the_image_says_or_on_the_boot_cpu),
        cmocka_unit_test(exit_returns_every_frame_and_seals),
        cmocka_unit_test(cpus_of_safe_domains_are_not_for_later_ones),
        cmocka_unit_test(without_a_cpu_there_is_no_vcpu),
        cmocka_unit_test(nobody_becomes_the_boot_domain_again),
        cmocka_unit_test(exit_can_halt_the_platform),
        cmocka_unit_test(domains_that_were_not_finished_go_with_the_boot_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
