/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the examples of NIST, and what a domain is given that verifies its images.
 * [utest->dsn~boot-verify~1] */
#include "said.h"

#include <stdlib.h>
#include <string.h>

#include <xen/errno.h>

#include "builder_fixture.h"
#include "model.h"
#include "verify.h"

#define RAMDISK_AT UINT64_C(0x40e00000)
#define TREE_AT    (RAMDISK_AT + 2 * PAGE)
#define VERIFY_AT  (TREE_AT + 0x10000)
#define IMAGE_AT   UINT64_C(0x40000000)

/* In pieces of `piece` bytes. */
static void digest_of(const uint8_t *data, uint64_t bytes, uint64_t piece, uint32_t digest[SHA256_WORDS])
{
    struct sha256 sha;

    sha256_open(&sha);
    for (uint64_t done = 0; done < bytes; done += piece) {
        sha256_add(&sha, &data[done], (bytes - done < piece) ? bytes - done : piece);
    }
    sha256_close(&sha, digest);
}

static void digests_are_those_of_nist(void **state)
{
    static const struct {
        const char *text;
        uint32_t digest[SHA256_WORDS];
    } examples[] = {
        {"", {0xe3b0c442, 0x98fc1c14, 0x9afbf4c8, 0x996fb924, 0x27ae41e4, 0x649b934c, 0xa495991b, 0x7852b855}},
        {"abc", {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad}},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         {0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1}},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqr"
         "s"
         "tu",
         {0xcf5b16a7, 0x78af8380, 0x036ce59e, 0x7b049237, 0x0b249b11, 0xe8f07a51, 0xafac4503, 0x7afee9d1}},
    };
    uint32_t digest[SHA256_WORDS];

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        size_t bytes = strlen(examples[i].text);
        for (uint64_t piece = 1; piece <= 120; piece++) {
            digest_of((const uint8_t *)examples[i].text, bytes, piece, digest);
            assert_memory_equal(digest, examples[i].digest, sizeof(digest));
        }
    }
}

static void the_digest_of_a_million_is_that_of_nist(void **state)
{
    static const uint32_t expected[SHA256_WORDS] = {0xcdc76e5c, 0x9914fb92, 0x81a1c7e2, 0x84d73e67,
                                                    0xf1809a48, 0xa497200e, 0x046d39cc, 0xc7112cd0};
    static const uint64_t pieces[] = {1000000, 4096, 65};
    uint8_t *data = malloc(1000000);
    uint32_t digest[SHA256_WORDS];

    (void)state;
    memset(data, 'a', 1000000);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        digest_of(data, 1000000, pieces[i], digest);
        assert_memory_equal(digest, expected, sizeof(digest));
    }
    free(data);
}

static struct plan_domain *add_verified(void)
{
    struct plan_domain *domain = builder_add("linux");

    domain->keep_modules = true;
    domain->verify = true;
    builder_add_ramdisk(domain);
    return domain;
}

/* The digest of what is in the domain's memory is the range's. */
static void assert_range(const struct verify_range *range, const char *name, uint64_t base, uint64_t bytes)
{
    uint8_t *data = malloc(bytes);
    uint32_t digest[SHA256_WORDS];

    assert_string_equal(range->name, name);
    assert_int_equal(range->base, base);
    assert_int_equal(range->bytes, bytes);
    model_read(1, base, data, bytes);
    digest_of(data, bytes, bytes, digest);
    assert_memory_equal(range->digest, digest, sizeof(digest));
    free(data);
}

static void a_verified_domain_begins_with_code_and_table(void **state)
{
    static uint8_t page[VERIFY_PAGE_BYTES];
    struct verify_head head;
    struct verify_range ranges[4];

    (void)state;
    add_verified();
    builder_add("other");
    builder_run_all();
    assert_said_nothing();
    assert_int_equal(model_domains[1].pc, VERIFY_AT);
    assert_int_equal(model_domains[1].x0, TREE_AT);
    assert_int_equal(model_domains[2].pc, IMAGE_AT);
    model_read(1, VERIFY_AT, page, sizeof(page));
    assert_memory_equal(page, verify_code, VERIFY_CODE_BYTES);
    memcpy(&head, &page[VERIFY_CODE_BYTES], sizeof(head));
    memcpy(ranges, &page[VERIFY_CODE_BYTES + sizeof(head)], sizeof(ranges));
    assert_int_equal(head.entry, IMAGE_AT);
    assert_int_equal(head.count, 4);
    assert_range(&ranges[0], "this check", VERIFY_AT, VERIFY_CODE_BYTES);
    assert_range(&ranges[1], "kernel", IMAGE_AT, KERNEL_BYTES);
    assert_range(&ranges[2], "ramdisk", RAMDISK_AT, RAMDISK_BYTES);
    assert_string_equal(ranges[3].name, "device tree");
    assert_range(&ranges[3], "device tree", TREE_AT, ranges[3].bytes);
    assert_zero_at(1, VERIFY_AT + VERIFY_PAGE_BYTES, VERIFY_ROOM - VERIFY_PAGE_BYTES);
}

static void its_page_is_sealed_too(void **state)
{
    uint64_t pages;

    (void)state;
    add_verified()->verify = false;
    builder_run_all();
    pages = model_domains[1].sealed_pages;
    builder_stop(NULL);
    builder_start(NULL);
    add_verified();
    builder_run_all();
    assert_int_equal(model_domains[1].sealed_pages, pages + 1);
}

static void a_range_of_no_bytes_and_one_too_many_are_left_out(void **state)
{
    static struct verify verify;

    (void)state;
    verify_open(&verify, VERIFY_AT, IMAGE_AT);
    assert_null(verify_add(&verify, "ramdisk", IMAGE_AT, 0));
    for (uint32_t i = 1; i < VERIFY_MAX_RANGES; i++) {
        assert_non_null(verify_add(&verify, "kernel", IMAGE_AT, 1));
    }
    assert_null(verify_add(&verify, "kernel", IMAGE_AT, 1));
    assert_int_equal(verify.head.count, VERIFY_MAX_RANGES);
}

static void refuses_memory_that_it_cannot_map(void **state)
{
    struct plan_domain *domain;

    (void)state;
    domain = add_verified();
    domain->flags = BULKHEAD_DOMAIN_DIRECT;
    domain->fixed_count = 1;
    domain->fixed[0] = (struct board_range){.base = VERIFY_LIMIT, .size = 16 * MIB};
    builder_run_all();
    assert_said("boot: domain 'linux': its images cannot be verified at 0x8000000000 and above; give it memory below, "
                "or leave bulkhead,verify out");
    assert_false(model_domains[1].exists);
}

static void every_refusal_of_the_hypervisor_ends_cleanly(void **state)
{
    uint32_t n = 0;

    (void)state;
    do {
        builder_stop(NULL);
        builder_start(NULL);
        struct plan_domain *domain = add_verified();
        domain->modules[PLAN_KERNEL].data = ramdisk_file; /* a short one */
        domain->modules[PLAN_KERNEL].size = RAMDISK_BYTES;
        model_fail(n, -XEN_ENOMEM);
        builder_run_all();
        n++;
    } while (!builder.states[0].is_started && !model_domains[1].exists);
    assert_true(builder.states[0].is_started);
    assert_said_nothing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_nist),
        cmocka_unit_test(the_digest_of_a_million_is_that_of_nist),
        cmocka_unit_test_setup_teardown(a_verified_domain_begins_with_code_and_table, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(its_page_is_sealed_too, builder_start, builder_stop),
        cmocka_unit_test(a_range_of_no_bytes_and_one_too_many_are_left_out),
        cmocka_unit_test_setup_teardown(refuses_memory_that_it_cannot_map, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(every_refusal_of_the_hypervisor_ends_cleanly, builder_start, builder_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
