/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/exception.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/test.h>

#include <stdarg.h>
#include <stddef.h>
#include <xen/sched.h>

static struct {
    bool failed;
    const char *skipped;
    char why[160];
} now;

void test_fail(const char *format, ...)
{
    va_list arguments;

    if (!now.failed) {
        now.failed = true;
        va_start(arguments, format);
        (void)vsnprintf(now.why, sizeof(now.why), format, arguments);
        va_end(arguments);
    }
}

void test_skip(const char *why)
{
    now.skipped = why;
}

static void call_test(void *argument)
{
    ((const struct test *)argument)->run();
}

static void run_one(const struct test *test)
{
    struct exception_frame frame;

    now.failed = false;
    now.skipped = NULL;
    if (fault_call(call_test, (void *)(uintptr_t)test, &frame)) {
        test_fail("exception: ESR 0x%llx ELR 0x%llx FAR 0x%llx", (unsigned long long)frame.esr,
                  (unsigned long long)frame.elr, (unsigned long long)frame.far);
    }
}

void test_all(const struct test *tests, uint32_t count)
{
    uint32_t failed = 0, skipped = 0;

    for (uint32_t i = 0; i < count; i++) {
        run_one(&tests[i]);
        if (now.failed) {
            failed++;
            print("TEST %s FAIL %s\n", tests[i].name, now.why);
        } else if (now.skipped != NULL) {
            skipped++;
            print("TEST %s skip %s\n", tests[i].name, now.skipped);
        } else {
            print("TEST %s ok\n", tests[i].name);
        }
    }
    print("DONE %u passed, %u failed\n", (unsigned)(count - failed - skipped), (unsigned)failed);
}

void test_run(const struct test *tests, uint32_t count)
{
    test_all(tests, count);
    shutdown(SHUTDOWN_poweroff);
}
