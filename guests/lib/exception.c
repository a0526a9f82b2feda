/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/exception.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/sysreg.h>

#include <xen/sched.h>

void exception_fatal(const char *what, const struct exception_frame *frame)
{
    print("%s: vector %llu ESR %016llx ELR %016llx FAR %016llx SPSR %llx\n", what, (unsigned long long)frame->vector,
          (unsigned long long)frame->esr, (unsigned long long)frame->elr, (unsigned long long)frame->far,
          (unsigned long long)frame->spsr);
    for (uint32_t i = 0; i < 28; i += 4) {
        print("x%-2u %016llx %016llx %016llx %016llx\n", (unsigned)i, (unsigned long long)frame->x[i],
              (unsigned long long)frame->x[i + 1], (unsigned long long)frame->x[i + 2],
              (unsigned long long)frame->x[i + 3]);
    }
    print("x28 %016llx %016llx %016llx sp %016llx\n", (unsigned long long)frame->x[28],
          (unsigned long long)frame->x[29], (unsigned long long)frame->x[30], (unsigned long long)frame->sp);
    shutdown(SHUTDOWN_crash);
}
