/* SPDX-License-Identifier: Apache-2.0 */
/* What the models of arch/host find: each test breaks one rule in a child process and wants its death and its words. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "arch/host/stage2_hw.h"
#include "core/physmap.h"
#include "core/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_DESC(m) ((mfn_to_maddr(m).v) | 3u | (UINT64_C(1) << 55))

static struct vcpu *boot;
static struct domain *d;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    d = domain_of(build_domain(boot, "one", 1, 4));
    return 0;
}

/* fn dies with these words on the error stream. */
static void dies(void (*fn)(void), const char *says)
{
    char text[4096] = "";
    size_t used = 0;
    int status = 0;
    int ends[2];
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        (void)dup2(ends[1], 2);
        signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    (void)close(ends[1]);
    while ((n = read(ends[0], text + used, sizeof(text) - 1u - used)) > 0) {
        used += (size_t)n;
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (strstr(text, says) == NULL) {
        fail_msg("it said: %s", text);
    }
}

static void run_dirty(void)
{
    mfn_t m;

    (void)physmap_hold(d, GFN(0x40000), &m);
    *(char *)arch_map_frame(m) = 1;
    physmap_release(m);
    (void)unpause(boot, d->id);
    arch_vcpu_load(d->vcpus[0]);
}

/* [utest->dsn~host-model~1] */
static void a_frame_that_was_not_cleaned_is_found(void **state)
{
    (void)state;
    dies(run_dirty, "at gfn 0x40000 of domain 1 was not cleaned");
}

static void load_elsewhere(void)
{
    host_become(3);
    arch_vcpu_load(d->vcpus[0]);
}

static void reset_loaded(void)
{
    arch_vcpu_load(d->vcpus[0]);
    arch_vcpu_reset(d->vcpus[0], 0, 0);
}

static void scrub_too_much(void)
{
    arch_scrub(MFN(HOST_RAM_BASE >> PAGE_SHIFT), 513);
}

static void map_no_ram(void)
{
    (void)arch_map_frame(MFN(1));
}

static void copy_too_much(void)
{
    static char buf[5000];

    (void)copy_in(buf, GVA(POINTER(buf)), 4097);
}

static void assertion(void)
{
    uint16_t owner;

    (void)frame_put(MFN(IMAGE_AT >> PAGE_SHIFT), &owner);
}

/* [utest->dsn~host-model~1] */
static void calls_out_of_contract_are_found(void **state)
{
    (void)state;
    dies(load_elsewhere, "vCPU 0 loaded on CPU 3, its home is 0");
    dies(reset_loaded, "reset of a vCPU that is in registers");
    dies(scrub_too_much, "arch_scrub of 513 frames");
    dies(map_no_ram, "are not RAM");
    dies(copy_too_much, "copy of 4097 bytes");
    dies(assertion, "ASSERT(COUNT(seen) > 0u && TYPE(seen) > FRAME_FREE)");
}

/* The last level table of gfn 0x40000 after a split, and the frame there. */
static mfn_t table_of(uint32_t *index, mfn_t *frame)
{
    mfn_t table = d->arch.root;
    uint64_t desc;

    spin_lock(&d->physmap_lock);
    if (arch_stage2_prepare(d, GFN(0x40000), 0) != OK) {
        abort();
    }
    *frame = physmap_look(d, GFN(0x40000)).mfn;
    desc = stage2_read(table, 0x40000u >> 18);
    table = maddr_to_mfn(MADDR(desc & UINT64_C(0xfffffffff000)));
    desc = stage2_read(table, (0x40000u >> 9) & 511u);
    table = maddr_to_mfn(MADDR(desc & UINT64_C(0xfffffffff000)));
    spin_unlock(&d->physmap_lock);
    *index = 0;
    return table;
}

static void no_break(void)
{
    uint32_t index;
    mfn_t frame;
    mfn_t table = table_of(&index, &frame);

    stage2_write(table, index, PAGE_DESC(MFN(frame.v + 1u)));
}

static void no_flush_before_make(void)
{
    uint32_t index;
    mfn_t frame;
    mfn_t table = table_of(&index, &frame);

    stage2_write(table, index, 0);
    stage2_publish();
    stage2_write(table, index, PAGE_DESC(MFN(frame.v + 1u)));
}

static void no_flush_before_reuse(void)
{
    uint32_t index;
    mfn_t frame;
    mfn_t table = table_of(&index, &frame);

    stage2_write(table, index, 0);
    stage2_publish();
    arch_scrub(frame, 1);
}

static void no_flush_at_all(void)
{
    uint32_t index;
    mfn_t frame;
    mfn_t table = table_of(&index, &frame);

    stage2_write(table, index, 0);
    stage2_publish();
    host_check_stage2(d);
}

static void no_publish(void)
{
    uint32_t index;
    mfn_t frame;
    mfn_t table = table_of(&index, &frame);

    stage2_write(table, index + 1u, stage2_read(table, index + 1u));
    host_check_stage2(NULL);
}

static void link_before_publish(void)
{
    mfn_t next;

    if (pool_alloc(d, &next) != OK) {
        abort();
    }
    stage2_write(next, 0, 0);
    stage2_write(d->arch.root, 1000, PAGE_DESC(next));
}

static void vmid_again(void)
{
    uint32_t index;
    mfn_t frame;
    mfn_t table = table_of(&index, &frame);

    stage2_write(table, index, 0);
    stage2_init_domain(d);
}

/* [utest->dsn~host-tlb-model~1] */
static void omitted_table_maintenance_is_found(void **state)
{
    (void)state;
    dies(no_break, "no break before make");
    dies(no_flush_before_make, "made before the TLB forgot the old one");
    dies(no_flush_before_reuse, "reused while a TLB may know it");
    dies(no_flush_at_all, "not flushed");
    dies(no_publish, "stage 2 writes not published");
    dies(link_before_publish, "linked before it is published");
    dies(vmid_again, "VMID 2 used again before its TLB entries are gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_frame_that_was_not_cleaned_is_found, start),
        cmocka_unit_test_setup(calls_out_of_contract_are_found, start),
        cmocka_unit_test_setup(omitted_table_maintenance_is_found, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
