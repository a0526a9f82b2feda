/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"

#include <stdlib.h>
#include <string.h>

#define MIB        32u
#define FIRST      (HOST_RAM_BASE >> PAGE_SHIFT)
#define FRAMES     (MIB << 8)
#define TABLE_SIZE (FRAMES * 8u)
#define OWNERS     5u

static void *table;

/* RAM, all of it nobody's; the table is outside of it. */
static int start(void **state)
{
    (void)state;
    host_reset(MIB);
    free(table);
    table = calloc(1, frame_table_size(host_board()));
    frame_init(host_board(), table);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free(table);
    table = NULL;
    return 0;
}

/* [utest->dsn~frame-table~1] */
static void nothing_is_free_before_a_claim(void **state)
{
    mfn_t m;

    (void)state;
    assert_int_equal(frame_table_size(host_board()), TABLE_SIZE);
    assert_int_equal(frame_total_count(), FRAMES);
    assert_int_equal(frame_last().v, FIRST + FRAMES - 1u);
    assert_int_equal(frame_free_count(), 0);
    assert_int_equal(frame_alloc(1, FRAME_RAM, 0, &m), ERR_NOMEM);
    assert_int_equal(frame_look(MFN(FIRST)).type, FRAME_NONE);
}

/* [utest->dsn~frame-claim~1] */
static void claim_refuses_what_is_not_nobodys_ram(void **state)
{
    static const struct {
        uint64_t mfn, count;
        err_t err;
    } cases[] = {
        {FIRST + 100, 0, ERR_INVAL},        /* empty */
        {FIRST - 1, 2, ERR_INVAL},          /* begins before RAM */
        {FIRST + FRAMES - 1, 2, ERR_INVAL}, /* ends behind RAM */
        {FIRST, FRAMES + 1, ERR_INVAL},     /* larger than RAM */
        {FIRST + 1, UINT64_MAX, ERR_INVAL}, /* wraps */
        {UINT64_MAX, 1, ERR_INVAL},         /* far away */
        {FIRST + 1000, 1, ERR_EXIST},       /* reserved: first, last, around, inside */
        {FIRST + 1099, 10, ERR_EXIST},      {FIRST + 900, 101, ERR_EXIST}, {FIRST + 1010, 5, ERR_EXIST},
        {FIRST + 900, 500, ERR_EXIST},      {FIRST + 2000, 1, ERR_EXIST}, /* claimed */
        {FIRST + 2600, 1, ERR_EXIST},                                     /* seen by the Boot Domain */
    };

    (void)state;
    assert_int_equal(frame_reserve(MFN(FIRST + 1000), 100), OK);
    assert_int_equal(frame_claim(MFN(FIRST + 2000), 100, false), OK);
    assert_int_equal(frame_claim(MFN(FIRST + 2600), 3, true), OK);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(frame_claim(MFN(cases[i].mfn), cases[i].count, false), cases[i].err);
        assert_int_equal(frame_free_count(), 100);
    }
    assert_int_equal(frame_claim(MFN(FIRST + 2602), 3, true), ERR_EXIST);
    assert_int_equal(frame_claim(MFN(FIRST - 2), 3, true), ERR_INVAL);
    frame_drop_outside();
    assert_int_equal(frame_claim(MFN(FIRST + 2600), 1, false), OK);
    assert_int_equal(frame_claim(MFN(FIRST + 1000), 1, false), ERR_EXIST); /* the hypervisor's own stays */
}

/* [utest->dsn~frame-claim~1] */
static void neighbouring_claims_are_one_range_however_many(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < FRAMES; i++) { /* upwards: joins below */
        assert_int_equal(frame_claim(MFN(FIRST + i), 1, false), OK);
    }
    assert_int_equal(frame_free_count(), FRAMES);
    assert_int_equal(start(NULL), 0);
    for (uint64_t i = FRAMES; i > 0u; i--) { /* downwards: joins above */
        assert_int_equal(frame_claim(MFN(FIRST + i - 1u), 1, false), OK);
    }
    assert_int_equal(frame_free_count(), FRAMES);
    assert_int_equal(start(NULL), 0);
    for (uint64_t i = 0; i < FRAME_REGIONS; i++) { /* islands: bounded */
        assert_int_equal(frame_claim(MFN(FIRST + 2u * i), 1, false), OK);
    }
    assert_int_equal(frame_claim(MFN(FIRST + 2u * FRAME_REGIONS), 1, false), ERR_NOSPC);
    assert_int_equal(frame_free_count(), FRAME_REGIONS);
    assert_int_equal(frame_take(MFN(FIRST + 2u * FRAME_REGIONS), 1, 3, FRAME_RAM), ERR_NOSPC);
}

/* [utest->dsn~frame-table~1] */
static void blocks_split_and_merge_back(void **state)
{
    mfn_t m[8];

    (void)state;
    assert_int_equal(frame_claim(MFN(FIRST), FRAMES, false), OK);
    for (uint32_t i = 0; i < ARRAY_SIZE(m); i++) {
        assert_int_equal(frame_alloc(2, FRAME_RAM, i, &m[i]), OK);
        assert_int_equal(m[i].v & ((UINT64_C(1) << i) - 1u), 0);
    }
    assert_int_equal(frame_free_count(), FRAMES - 255u);
    for (uint32_t i = 0; i < ARRAY_SIZE(m); i++) {
        frame_free(m[i], UINT64_C(1) << i);
    }
    assert_int_equal(frame_free_count(), FRAMES);
    for (uint32_t i = 0; i < FRAMES / 512u; i++) { /* everything is there again in large blocks */
        assert_int_equal(frame_alloc(2, FRAME_RAM, 9, &m[0]), OK);
    }
    assert_int_equal(frame_alloc(2, FRAME_RAM, 0, &m[0]), ERR_NOMEM);
}

/* [utest->dsn~frame-owner~1] */
static void counts_belong_to_owner_and_type(void **state)
{
    uint16_t owner;
    mfn_t m;

    (void)state;
    assert_int_equal(frame_claim(MFN(FIRST), 64, false), OK);
    assert_int_equal(frame_alloc(7, FRAME_RAM, 0, &m), OK);
    assert_int_equal(frame_get(m, 8, FRAME_RAM), ERR_PERM);
    assert_int_equal(frame_get(m, 7, FRAME_POOL), ERR_PERM);
    assert_int_equal(frame_get(MFN(FIRST - 1u), 7, FRAME_RAM), ERR_PERM);
    assert_int_equal(frame_get(MFN(FIRST + 200u), 0, FRAME_NONE), ERR_PERM);
    assert_int_equal(frame_get(m, 7, FRAME_RAM), OK);
    assert_int_equal(frame_look(m).count, 2);
    assert_false(frame_is_sole(m, 1, 7));
    assert_false(frame_put(m, &owner));
    assert_true(frame_is_sole(m, 1, 7));
    assert_false(frame_is_sole(m, 1, 8));
    frame_assign(m, 1, 9, FRAME_RAM);
    assert_int_equal(frame_look(m).owner, 9);
    assert_true(frame_put(m, &owner));
    assert_int_equal(owner, 9);
    assert_int_equal(frame_get(m, 9, FRAME_RAM), ERR_PERM); /* on its way out: nobody gets it back */
    frame_free(m, 1);
    assert_int_equal(frame_look(m).type, FRAME_FREE);
    assert_int_equal(frame_free_count(), 64);
}

/* [utest->dsn~frame-owner~1] */
static void count_does_not_wrap(void **state)
{
    uint64_t *entries = table;
    mfn_t m = MFN(FIRST + 5u);

    (void)state;
    assert_int_equal(frame_take(m, 1, 3, FRAME_RAM), OK);
    entries[5] |= UINT64_C(0xfffffffe) << 32; /* 2^32 - 2 users: as if */
    entries[5] &= ~(UINT64_C(1) << 32);
    assert_int_equal(frame_look(m).count, UINT32_MAX - 1u);
    assert_int_equal(frame_get(m, 3, FRAME_RAM), ERR_BUSY);
}

/* ---- against a reference ---- */

static uint8_t owner_of[FRAMES]; /* 0 nobody's, 1 free, 2.. owned by this - 1 */

static void check_reference(void)
{
    uint64_t free_frames = 0;

    for (uint64_t i = 0; i < FRAMES; i++) {
        struct frame f = frame_look(MFN(FIRST + i));

        free_frames += (owner_of[i] == 1u) ? 1u : 0u;
        assert_int_equal(f.type, (owner_of[i] == 0u) ? FRAME_NONE : (owner_of[i] == 1u) ? FRAME_FREE : FRAME_RAM);
        if (owner_of[i] > 1u) {
            assert_int_equal(f.owner, owner_of[i] - 1u);
            assert_int_equal(f.count, 1);
        }
    }
    assert_int_equal(frame_free_count(), free_frames);
}

static void set_owner(uint64_t first, uint64_t count, uint8_t to)
{
    memset(&owner_of[first], to, count);
}

static bool all_are(uint64_t first, uint64_t count, uint8_t a, uint8_t b)
{
    for (uint64_t i = first; i < first + count; i++) {
        if (owner_of[i] != a && owner_of[i] != b) {
            return false;
        }
    }
    return true;
}

static void step(struct random *r)
{
    uint64_t at = random_below(r, FRAMES);
    uint64_t count = 1u + random_below(r, 40);
    uint8_t owner = (uint8_t)(1u + random_below(r, OWNERS));
    uint32_t order = (uint32_t)random_below(r, 6);
    mfn_t m;
    err_t err;

    count = (at + count <= FRAMES) ? count : FRAMES - at;
    switch (random_below(r, 4)) {
    case 0:
        err = frame_alloc(owner, FRAME_RAM, order, &m);
        if (err == OK) {
            assert_true(all_are(m.v - FIRST, UINT64_C(1) << order, 1, 1));
            set_owner(m.v - FIRST, UINT64_C(1) << order, (uint8_t)(owner + 1u));
        }
        break;
    case 1:
        if (owner_of[at] > 1u) { /* a run of frames of any owners: freeing does not ask */
            uint64_t n = 0;
            while (n < count && owner_of[at + n] > 1u) {
                n++;
            }
            frame_free(MFN(FIRST + at), n);
            set_owner(at, n, 1);
        }
        break;
    case 2:
        err = frame_take(MFN(FIRST + at), count, owner, FRAME_RAM);
        assert_int_equal(err == ERR_NOSPC || err == (all_are(at, count, 0, 1) ? OK : ERR_EXIST), 1);
        if (err == OK) {
            set_owner(at, count, (uint8_t)(owner + 1u));
        }
        break;
    default:
        err = frame_claim(MFN(FIRST + at), count, false);
        assert_int_equal(err == ERR_NOSPC || err == (all_are(at, count, 0, 0) ? OK : ERR_EXIST), 1);
        if (err == OK) {
            set_owner(at, count, 1);
        }
        break;
    }
}

/* [utest->dsn~frame-table~1] [utest->dsn~frame-owner~1] */
static void every_frame_is_what_a_reference_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4u; seed++) {
        struct random r = {.state = seed};

        assert_int_equal(start(NULL), 0);
        memset(owner_of, 0, sizeof(owner_of));
        assert_int_equal(frame_claim(MFN(FIRST + 1000), FRAMES / 2u, false), OK);
        set_owner(1000, FRAMES / 2u, 1);
        for (uint32_t i = 0; i < 6000u; i++) {
            step(&r);
            if (i % 500u == 0u) {
                check_reference();
            }
        }
        check_reference();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_free_before_a_claim, start, stop),
        cmocka_unit_test_setup_teardown(claim_refuses_what_is_not_nobodys_ram, start, stop),
        cmocka_unit_test_setup_teardown(neighbouring_claims_are_one_range_however_many, start, stop),
        cmocka_unit_test_setup_teardown(blocks_split_and_merge_back, start, stop),
        cmocka_unit_test_setup_teardown(counts_belong_to_owner_and_type, start, stop),
        cmocka_unit_test_setup_teardown(count_does_not_wrap, start, stop),
        cmocka_unit_test_setup_teardown(every_frame_is_what_a_reference_says, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
