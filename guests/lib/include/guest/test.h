/* SPDX-License-Identifier: Apache-2.0 */
/* On-target tests: lines "TEST name ok", "TEST name FAIL why", "TEST name skip why" and at the end
 * "DONE n passed, m failed". */
#ifndef GUEST_TEST_H
#define GUEST_TEST_H

#include <stdbool.h>
#include <stdint.h>

struct test {
    const char *name;
    void (*run)(void);
};

/* Run all (one that ends in an exception has failed) and print DONE. */
void test_all(const struct test *tests, uint32_t count);

/* The same, and shut down: SHUTDOWN_poweroff. */
void test_run(const struct test *tests, uint32_t count) __attribute__((noreturn));

/* The current test has failed; the first reason is kept.  The test goes on. */
void test_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The current test does not apply here. */
void test_skip(const char *why);

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            test_fail("line %d: %s", __LINE__, #condition);                                                            \
        }                                                                                                              \
    } while (0)

/* Both sides as unsigned 64-bit numbers, shown on failure. */
#define CHECK_EQUAL(got, want)                                                                                         \
    do {                                                                                                               \
        uint64_t check_got = (uint64_t)(got);                                                                          \
        uint64_t check_want = (uint64_t)(want);                                                                        \
        if (check_got != check_want) {                                                                                 \
            test_fail("line %d: %s is 0x%llx, not 0x%llx", __LINE__, #got, (unsigned long long)check_got,              \
                      (unsigned long long)check_want);                                                                 \
        }                                                                                                              \
    } while (0)

#endif
