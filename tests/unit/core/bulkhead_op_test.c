/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/rights.h"

#include <string.h>

#define RAM_GFN 0x40000u
#define NOWHERE ((void *)0x1000u)

static struct vcpu *boot;
static uint16_t one; /* being built; 4 MiB of at most 64 */
static uint16_t two; /* running, without rights */

static int start(void **state)
{
    struct xen_domctl op = {.u.max_mem.max_memkb = 65536};

    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = build_domain(boot, "one", 1, 4);
    two = build_domain(boot, "two", 1, 2);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_mem, one, &op), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    return 0;
}

/* Nothing is claimed, so there is memory outside. */
static int start_unclaimed(void **state)
{
    (void)state;
    boot = machine_start();
    one = 0;
    two = 0;
    return 0;
}

static struct stage2_entry look(struct domain *d, uint64_t gfn)
{
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(gfn));
    spin_unlock(&d->physmap_lock);
    return e;
}

/* [utest->dsn~bulkhead-op~1] */
static void operations_from_nowhere_or_unknown(void **state)
{
    (void)state;
    for (uint32_t op = BULKHEAD_OP_EXIT_BOOT_SERVICES; op <= BULKHEAD_OP_CONSOLE; op++) {
        int64_t err = do_bulkhead(vcpu_of(two, 0), op, NOWHERE);

        assert_int_equal(do_bulkhead(boot, op, NOWHERE), ERR_FAULT);
        assert_true(err == ERR_FAULT || err == ERR_PERM);
    }
    assert_int_equal(do_bulkhead(boot, 0, NOWHERE), ERR_NOSYS);
    assert_int_equal(do_bulkhead(boot, UINT32_MAX, NOWHERE), ERR_NOSYS);
}

/* [utest->dsn~bulkhead-op~1] */
static void an_ordinary_domain_may_read_the_boot_record_only(void **state)
{
    struct vcpu *v = vcpu_of(two, 0);
    struct bulkhead_exit e = {0};
    struct bulkhead_board b = {.size = 0};
    struct bulkhead_memory m = {.base = HOST_RAM_BASE, .size = PAGE_SIZE};
    struct bulkhead_populate p = {.domid = one, .count = 1};
    struct bulkhead_move mv = {.domid = one, .count = 1, .tail_bytes = 4096};
    struct bulkhead_domain d = {.domid = one, .name = "x"};
    struct bulkhead_boot_record r;

    (void)state;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_EXIT_BOOT_SERVICES, &e), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_BOARD, &b), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_CLAIM_MEMORY, &m), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_MAP_OUTSIDE, &m), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_POPULATE_STATIC, &p), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_MOVE_FRAMES, &mv), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_SET_DOMAIN, &d), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_BOOT_RECORD, &r), OK);
    assert_int_equal(r.exited, 0);
}

/* [utest->dsn~bulkhead-op~1] */
static void the_board_table_is_read_as_far_as_there_is_room(void **state)
{
    struct board_table t = {0};
    struct bulkhead_board b = {.buffer = POINTER(&t), .size = sizeof(t)};

    (void)state;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BOARD, &b), OK);
    assert_memory_equal(&t, host_board(), sizeof(t));
    memset(&t, 0, sizeof(t));
    b.size = 12;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BOARD, &b), OK);
    assert_int_equal(b.size, sizeof(t));
    assert_int_equal(t.version, BOARD_VERSION);
    assert_int_equal(t.size, 0);
    b.buffer = 0x1000;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BOARD, &b), ERR_FAULT);
}

/* [utest->dsn~bulkhead-memory~1] */
static void claims_are_checked(void **state)
{
    const struct {
        uint64_t base, size;
        int64_t result;
    } cases[] = {
        {FREE_RAM_AT + 1u, PAGE_SIZE, ERR_INVAL},
        {FREE_RAM_AT, PAGE_SIZE + 1u, ERR_INVAL},
        {FREE_RAM_AT, 0, ERR_INVAL},
        {0, PAGE_SIZE, ERR_INVAL},
        {HOST_RAM_BASE + (uint64_t)(RAM_MIB << 20), PAGE_SIZE, ERR_INVAL},
        {FREE_RAM_AT, UINT64_MAX & ~PAGE_MASK, ERR_INVAL},
        {IMAGE_AT, PAGE_SIZE, ERR_EXIST},
        {IMAGE_AT - PAGE_SIZE, 2u * PAGE_SIZE, ERR_EXIST},
        {RUNTIME_AT + RUNTIME_SIZE - PAGE_SIZE, PAGE_SIZE, ERR_EXIST},
        {DTB_AT & ~PAGE_MASK, PAGE_SIZE, ERR_EXIST},
        {FREE_RAM_AT, DTB_AT + 4096u - FREE_RAM_AT - (DTB_AT & PAGE_MASK), ERR_EXIST},
        {FREE_RAM_AT, 0x100000, OK},
        {FREE_RAM_AT, 0x100000, ERR_EXIST},
        {FREE_RAM_AT + 0x100000u, 0x100000, OK},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bulkhead_memory m = {.base = cases[i].base, .size = cases[i].size};
        if (do_bulkhead(boot, BULKHEAD_OP_CLAIM_MEMORY, &m) != cases[i].result) {
            fail_msg("case %zu", i);
        }
    }
}

/* [utest->dsn~bulkhead-memory~1] */
static void large_memory_outside_ends_with_who_sees_it(void **state)
{
    struct bulkhead_memory m = {.base = FREE_RAM_AT, .size = 0x200000, .gaddr = BOOT_DOMAIN_WINDOW};

    (void)state;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MAP_OUTSIDE, &m), OK);
    assert_int_equal(look(boot->domain, BOOT_DOMAIN_WINDOW >> PAGE_SHIFT).order, PHYSMAP_BIG_ORDER);
    assert_int_equal(exit_boot(boot, 0), OK);
    settle(); /* nobody counted who sees it */
    assert_int_equal(frame_claim(MFN(FREE_RAM_AT >> PAGE_SHIFT), 0x200, false), OK);
}

/* [utest->dsn~bulkhead-memory~1] */
static void memory_outside_is_seen_read_only_and_not_claimed_meanwhile(void **state)
{
    struct bulkhead_memory m = {.base = FREE_RAM_AT + 0x3000u, .size = 0x300000, .gaddr = BOOT_DOMAIN_WINDOW};
    struct bulkhead_memory claim = {.base = FREE_RAM_AT, .size = 0x400000};
    uint16_t child;

    (void)state;
    memset(arch_map_frame(MFN((FREE_RAM_AT + 0x4000u) >> PAGE_SHIFT)), 0x77, PAGE_SIZE);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MAP_OUTSIDE, &m), OK);
    assert_int_equal(restarts(), 0x300u / PHYSMAP_PAGES - 1u);
    assert_int_equal(m.size, 0);
    for (uint64_t i = 0; i < 0x300u; i++) {
        struct stage2_entry e = look(boot->domain, (BOOT_DOMAIN_WINDOW >> PAGE_SHIFT) + i);
        assert_int_equal(e.mapping, MAPPING_OUTSIDE);
        assert_int_equal(e.access, ACCESS_R);
        assert_int_equal(e.mfn.v, ((FREE_RAM_AT + 0x3000u) >> PAGE_SHIFT) + i);
    }
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_CLAIM_MEMORY, &claim), ERR_EXIST);
    m = (struct bulkhead_memory){
        .base = FREE_RAM_AT + 0x3000u, .size = PAGE_SIZE, .gaddr = BOOT_DOMAIN_WINDOW + 0x10000000u};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MAP_OUTSIDE, &m), ERR_EXIST); /* once */
    m = (struct bulkhead_memory){.base = IMAGE_AT, .size = PAGE_SIZE, .gaddr = BOOT_DOMAIN_WINDOW + 0x10000000u};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MAP_OUTSIDE, &m), ERR_EXIST); /* ours */
    m = (struct bulkhead_memory){.base = FREE_RAM_AT + 0x900000u, .size = PAGE_SIZE, .gaddr = BOOT_DOMAIN_WINDOW + 1u};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MAP_OUTSIDE, &m), ERR_INVAL);
    m = (struct bulkhead_memory){.base = FREE_RAM_AT + 0x900000u, .size = PAGE_SIZE, .gaddr = BOOT_DOMAIN_BASE};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MAP_OUTSIDE, &m), ERR_EXIST); /* its own RAM is there */

    /* a domain's frames cannot be taken from there either */
    claim = (struct bulkhead_memory){.base = FREE_RAM_AT + 0xa00000u, .size = 0x400000};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_CLAIM_MEMORY, &claim), OK);
    child = build_domain(boot, "child", 1, 2);
    domain_of(child)->max_frames = 4096;
    struct bulkhead_populate p = {.domid = child, .mfn = (FREE_RAM_AT >> PAGE_SHIFT) + 3u, .gfn = 0x80000, .count = 1};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), ERR_EXIST);
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
    assert_int_equal(frame_claim(MFN(FREE_RAM_AT >> PAGE_SHIFT), 0x900, false), OK); /* nobody sees it any more */
}

/* [utest->dsn~bulkhead-memory~1] */
static void chosen_frames_become_ram_where_they_are_wanted(void **state)
{
    struct bulkhead_populate p = {
        .domid = one, .mfn = (HOST_RAM_BASE >> PAGE_SHIFT) + 0x3407u, .gfn = 0x80003, .count = 1300};

    (void)state;
    memset(arch_map_frame(MFN(p.mfn + 5u)), 0x77, PAGE_SIZE);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), OK);
    assert_int_equal(restarts(), 1300u / PHYSMAP_PAGES); /* the first and the last step are shorter */
    assert_int_equal(p.count, 0);
    for (uint64_t i = 0; i < 1300u; i++) {
        struct stage2_entry e = look(domain_of(one), 0x80003u + i);
        assert_int_equal(e.mapping, MAPPING_RAM);
        assert_int_equal(e.mfn.v, (HOST_RAM_BASE >> PAGE_SHIFT) + 0x3407u + i);
        assert_int_equal(frame_look(e.mfn).owner, FRAME_OWNER(one));
    }
    assert_int_equal(((const uint8_t *)host_memory(MFN((HOST_RAM_BASE >> PAGE_SHIFT) + 0x340cu)))[9], 0);
    assert_int_equal(domain_of(one)->frames, 2324);
    p = (struct bulkhead_populate){
        .domid = one, .mfn = (HOST_RAM_BASE >> PAGE_SHIFT) + 0x3a00u, .gfn = 0xa0000, .count = 1024};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), OK);
    assert_int_equal(look(domain_of(one), 0xa0000).order, 9);
}

/* [utest->dsn~bulkhead-memory~1] */
static void chosen_frames_are_checked(void **state)
{
    uint64_t ram = HOST_RAM_BASE >> PAGE_SHIFT;
    const struct {
        uint64_t mfn, gfn, count;
        int64_t result;
    } cases[] = {
        {ram - 1u, 0x80000, 1, ERR_INVAL},
        {ram + (RAM_MIB << 8), 0x80000, 1, ERR_INVAL},
        {UINT64_MAX, 0x80000, 1, ERR_INVAL},
        {ram + 0x2000u, UINT64_MAX, 1, ERR_INVAL},
        {ram + 0x2000u, 0x80000, UINT64_MAX, ERR_INVAL},
        {ram + 0x2000u, arch_stage2_gfn_limit() - 1u, 2, ERR_INVAL},
        {IMAGE_AT >> PAGE_SHIFT, 0x80000, 1, ERR_EXIST},
        {DTB_AT >> PAGE_SHIFT, 0x80000, 1, ERR_EXIST},
        {ram + 0x2000u, RAM_GFN, 1, ERR_EXIST},        /* something is there */
        {ram + 0x2000u, 0x80000, 1u << 20, ERR_EXIST}, /* runs into the device tree in the end */
    };
    struct bulkhead_populate p;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        p = (struct bulkhead_populate){.domid = one, .mfn = cases[i].mfn, .gfn = cases[i].gfn, .count = cases[i].count};
        int64_t result = do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p);
        if (result != cases[i].result && !(i + 1u == ARRAY_SIZE(cases) && result < 0)) {
            fail_msg("case %zu: %ld", i, (long)result);
        }
    }
    p = (struct bulkhead_populate){.domid = one, .count = 0};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), OK);
    p = (struct bulkhead_populate){.domid = two, .mfn = ram, .gfn = 0x80000, .count = 1};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), ERR_PERM); /* it runs */
    p.domid = 77;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), ERR_SRCH);
    domain_of(one)->max_frames = domain_of(one)->frames;
    p.domid = one;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), ERR_NOMEM);
}

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(2u + i * 7u + (i >> 8));
}

/* [utest->dsn~move-frames~1] */
static void a_module_is_moved_not_copied(void **state)
{
    uint64_t pages = (ARCHIVE_SIZE + PAGE_SIZE - 1u) >> PAGE_SHIFT;
    struct bulkhead_move m = {
        .domid = one, .tail_bytes = 100, .from = BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT, .to = 0x48000, .count = pages};
    uint64_t had = boot->domain->frames;

    (void)state;
    memset(arch_map_frame(MFN((ARCHIVE_AT >> PAGE_SHIFT) + 3u)), 0x31, PAGE_SIZE); /* as the Boot Domain writes it */
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), OK);
    assert_int_equal(m.count, 0);
    for (uint64_t i = 0; i < pages; i++) {
        struct stage2_entry e = look(domain_of(one), 0x48000u + i);
        const uint8_t *p = host_memory(e.mfn);

        assert_int_equal(e.mfn.v, (ARCHIVE_AT >> PAGE_SHIFT) + i);
        assert_int_equal(e.access, ACCESS_RWX);
        assert_int_equal(frame_look(e.mfn).owner, FRAME_OWNER(one));
        assert_int_equal(frame_look(e.mfn).count, 1);
        assert_int_equal(look(boot->domain, (BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT) + i).mapping, MAPPING_NONE);
        assert_int_equal(p[99], (i == 3u) ? 0x31u : pattern(i * PAGE_SIZE + 99u));
    }
    assert_int_equal(look(domain_of(one), 0x48000).order, 9);
    for (uint32_t i = 100; i < PAGE_SIZE; i++) { /* what was behind the module's end */
        assert_int_equal(((const uint8_t *)host_memory(look(domain_of(one), 0x48000u + pages - 1u).mfn))[i], 0);
    }
    assert_int_equal(boot->domain->frames, had - pages);
    host_check_stage2(NULL);
}

/* [utest->dsn~move-frames~1] */
static void unaligned_moves_go_page_by_page(void **state)
{
    struct bulkhead_move m = {.domid = one,
                              .tail_bytes = 4096,
                              .from = (BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT) + 1u,
                              .to = 0x48005,
                              .count = 511};

    (void)state;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), OK);
    for (uint64_t i = 0; i < 511u; i++) {
        assert_int_equal(look(domain_of(one), 0x48005u + i).mfn.v, (ARCHIVE_AT >> PAGE_SHIFT) + 1u + i);
    }
    assert_int_equal(look(boot->domain, BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT).mapping, MAPPING_RAM); /* the first stayed */
}

/* [utest->dsn~move-frames~1] */
static void moves_are_checked(void **state)
{
    uint64_t from = BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT;
    const struct bulkhead_move cases[] = {
        {.domid = one, .tail_bytes = 0, .from = from, .to = 0x48000, .count = 1},
        {.domid = one, .tail_bytes = 4097, .from = from, .to = 0x48000, .count = 1},
        {.domid = one, .tail_bytes = 4096, .pad = 1, .from = from, .to = 0x48000, .count = 1},
        {.domid = one, .tail_bytes = 4096, .from = UINT64_MAX, .to = 0x48000, .count = 1},
        {.domid = one, .tail_bytes = 4096, .from = from, .to = UINT64_MAX, .count = 1},
        {.domid = one, .tail_bytes = 4096, .from = from, .to = 0x48000, .count = UINT64_MAX},
        {.domid = one, .tail_bytes = 4096, .from = 0x99999, .to = 0x48000, .count = 1}, /* a hole */
        {.domid = one, .tail_bytes = 4096, .from = BOOT_DOMAIN_DTB >> PAGE_SHIFT, .to = 0x48000, .count = 1},
    };
    struct bulkhead_move m;
    uint64_t frames = domain_of(one)->frames;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        m = cases[i];
        if (do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m) != ERR_INVAL) {
            fail_msg("case %zu", i);
        }
        assert_int_equal(domain_of(one)->frames, frames);
    }
    m = (struct bulkhead_move){.domid = one, .tail_bytes = 4096, .from = from, .to = RAM_GFN, .count = 1};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_EXIST);
    m.domid = two;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_PERM);
    m.domid = DOMID_BOOT;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_PERM); /* nobody builds it any more */
    m.domid = one;
    domain_of(one)->max_frames = frames;
    m.to = 0x48000;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_NOMEM);
    assert_int_equal(look(boot->domain, from).mapping, MAPPING_RAM);
    assert_int_equal(domain_of(one)->frames, frames);
    m.count = 0;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), OK);
}

/* [utest->dsn~move-frames~1] */
static void nothing_moves_to_a_domain_that_is_taken_apart(void **state)
{
    struct bulkhead_move m = {
        .domid = one, .tail_bytes = 4096, .from = BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT, .to = 0x48000, .count = 1};
    struct domain *d = domain_get_slot(one); /* while somebody holds it, it is there without its tables */

    (void)state;
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_int_equal(d->arch.root.v, 0);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_PERM);
    assert_int_equal(look(boot->domain, m.from).mapping, MAPPING_RAM);
    domain_put(d);
    settle();
    assert_null(domain_get_slot(one));
}

/* The domain's free pool frames go aside; returns how many. */
static uint64_t spend_pool(struct domain *d)
{
    uint64_t n = 0;
    mfn_t m;

    spin_lock(&d->physmap_lock);
    while (pool_alloc(d, &m) == OK) {
        n++;
    }
    spin_unlock(&d->physmap_lock);
    return n;
}

/* [utest->dsn~move-frames~1] */
static void what_somebody_else_uses_is_not_moved(void **state)
{
    uint64_t from = BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT;
    struct bulkhead_move m = {.domid = one, .tail_bytes = 4096, .from = from, .to = 0x48000, .count = 4};
    mfn_t held;

    (void)state;
    assert_int_equal(physmap_hold(boot->domain, GFN(from + 2u), &held), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_INVAL);
    assert_int_equal(m.count, 2); /* those before it have gone */
    assert_int_equal(look(boot->domain, from + 1u).mapping, MAPPING_NONE);
    assert_int_equal(look(boot->domain, from + 2u).mapping, MAPPING_RAM);
    assert_int_equal(look(domain_of(one), 0x48002).mapping, MAPPING_NONE);
    physmap_release(held);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), OK);
    assert_int_equal(frame_look(held).owner, FRAME_OWNER(one));
}

/* [utest->dsn~move-frames~1] */
static void a_move_without_tables_changes_nothing(void **state)
{
    uint64_t from = BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT;
    struct bulkhead_move m = {.domid = one, .tail_bytes = 4096, .from = from + 1u, .to = 0x48001, .count = 2};
    uint64_t free_before = frame_free_count();
    uint64_t had = domain_of(one)->frames;
    uint64_t boot_had = boot->domain->frames;

    (void)state;
    (void)spend_pool(domain_of(one)); /* the receiver's */
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_NOMEM);
    assert_int_equal(domain_of(one)->frames, had);
    assert_int_equal(boot->domain->frames, boot_had);
    assert_int_equal(frame_free_count(), free_before);
    assert_int_equal(look(boot->domain, from + 1u).mapping, MAPPING_RAM);
}

/* [utest->dsn~move-frames~1] */
static void a_giver_without_tables_keeps_its_frames(void **state)
{
    uint64_t from = BOOT_DOMAIN_ARCHIVE >> PAGE_SHIFT;
    struct bulkhead_move m = {.domid = one, .tail_bytes = 4096, .from = from + 1u, .to = 0x48001, .count = 2};

    (void)state;
    (void)spend_pool(boot->domain); /* its 2 MiB entry cannot be split */
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_INVAL);
    assert_int_equal(look(boot->domain, from + 1u).mapping, MAPPING_RAM);
    assert_int_equal(frame_look(MFN((ARCHIVE_AT >> PAGE_SHIFT) + 1u)).owner, FRAME_OWNER(SLOT_BOOT));
    assert_int_equal(domain_of(one)->frames, 1024);
}

static int64_t set(uint16_t domid, const char *name, uint16_t role, uint32_t flags)
{
    struct bulkhead_domain d = {.domid = domid, .role = role, .flags = flags};

    memset(d.name, 'x', sizeof(d.name)); /* rubbish behind the name */
    memcpy(d.name, name, (strlen(name) + 1u < sizeof(d.name)) ? strlen(name) + 1u : sizeof(d.name));
    return do_bulkhead(boot, BULKHEAD_OP_SET_DOMAIN, &d);
}

/* [utest->dsn~domain-identity~1] */
static void names_and_roles_are_unique(void **state)
{
    uint16_t third = build_domain(boot, "third", 1, 2);

    (void)state;
    assert_int_equal(set(third, "one", BULKHEAD_ROLE_DOMU, 0), ERR_EXIST);
    assert_int_equal(set(third, "two", BULKHEAD_ROLE_DOMU, 0), ERR_EXIST);
    assert_int_equal(set(third, "third", BULKHEAD_ROLE_DOMU, 0), OK); /* its own name again */
    assert_int_equal(set(third, "", BULKHEAD_ROLE_DOMU, 0), ERR_INVAL);
    assert_int_equal(set(third, "a b", BULKHEAD_ROLE_DOMU, 0), ERR_INVAL);
    assert_int_equal(set(third, "a/b", BULKHEAD_ROLE_DOMU, 0), ERR_INVAL);
    assert_int_equal(set(third, "0123456789abcdef0123456789abcdef", BULKHEAD_ROLE_DOMU, 0), ERR_INVAL);
    assert_int_equal(set(third, "0123456789abcdef0123456789abcde", BULKHEAD_ROLE_DOMU, 0), OK);
    assert_int_equal(set(third, "x", 3, 0), ERR_INVAL);
    assert_int_equal(set(third, "x", 0, 8), ERR_INVAL);
    assert_int_equal(set(third, "hw", BULKHEAD_ROLE_HARDWARE, 0), OK);
    assert_int_equal(set(one, "hw2", BULKHEAD_ROLE_HARDWARE, 0), ERR_EXIST);
    assert_int_equal(set(one, "ctl", BULKHEAD_ROLE_CONTROL, BULKHEAD_DOMAIN_SAFE), OK);
    assert_int_equal(set(third, "ctl2", BULKHEAD_ROLE_CONTROL, 0), ERR_EXIST);
    assert_int_equal(set(two, "late", BULKHEAD_ROLE_DOMU, 0), ERR_PERM); /* it runs */
    assert_int_equal(set(99, "x", 0, 0), ERR_SRCH);
    assert_int_equal(set(one, "ctl", BULKHEAD_ROLE_CONTROL, BULKHEAD_DOMAIN_VPL011), OK);
    assert_true(domain_of(one)->arch.has_vuart);
    assert_int_equal(set(one, "ctl", BULKHEAD_ROLE_CONTROL, 0), ERR_INVAL); /* the UART cannot be taken away */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(operations_from_nowhere_or_unknown, start),
        cmocka_unit_test_setup(an_ordinary_domain_may_read_the_boot_record_only, start),
        cmocka_unit_test_setup(the_board_table_is_read_as_far_as_there_is_room, start),
        cmocka_unit_test_setup(claims_are_checked, start_unclaimed),
        cmocka_unit_test_setup(large_memory_outside_ends_with_who_sees_it, start_unclaimed),
        cmocka_unit_test_setup(memory_outside_is_seen_read_only_and_not_claimed_meanwhile, start_unclaimed),
        cmocka_unit_test_setup(chosen_frames_become_ram_where_they_are_wanted, start),
        cmocka_unit_test_setup(chosen_frames_are_checked, start),
        cmocka_unit_test_setup(a_module_is_moved_not_copied, start),
        cmocka_unit_test_setup(nothing_moves_to_a_domain_that_is_taken_apart, start),
        cmocka_unit_test_setup(unaligned_moves_go_page_by_page, start),
        cmocka_unit_test_setup(moves_are_checked, start),
        cmocka_unit_test_setup(what_somebody_else_uses_is_not_moved, start),
        cmocka_unit_test_setup(a_move_without_tables_changes_nothing, start),
        cmocka_unit_test_setup(a_giver_without_tables_keeps_its_frames, start),
        cmocka_unit_test_setup(names_and_roles_are_unique, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
