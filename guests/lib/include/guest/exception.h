/* SPDX-License-Identifier: Apache-2.0 */
/* EL1 exceptions.  The library's vectors save a frame on the interrupted stack and call one of on_sync, on_irq,
 * on_fiq, on_serror.  Each has a weak default that a program replaces by defining the function itself.
 * [impl->dsn~guest-exceptions~1] */
#ifndef GUEST_EXCEPTION_H
#define GUEST_EXCEPTION_H

#include <stdbool.h>
#include <stdint.h>

/* Layout known to vectors.S. */
struct exception_frame {
    uint64_t x[31];
    uint64_t sp; /* of the interrupted code */
    uint64_t elr;
    uint64_t spsr;
    uint64_t esr;
    uint64_t far;
    uint64_t vector; /* 0..15: offset in the vector table / 0x80 */
    uint64_t pad;
};
_Static_assert(sizeof(struct exception_frame) == 38 * 8, "layout is known to vectors.S");

#define ESR_EC(esr)  (((esr) >> 26) & 0x3f)
#define ESR_ISS(esr) ((esr) & 0x1ffffff)
#define ESR_FSC(esr) ((esr) & 0x3f)

#define EC_UNKNOWN    0x00
#define EC_WFX        0x01
#define EC_FP_ACCESS  0x07
#define EC_ILLEGAL    0x0e
#define EC_HVC64      0x16
#define EC_SMC64      0x17
#define EC_SYSREG     0x18
#define EC_SVE        0x19
#define EC_IABT_LOWER 0x20
#define EC_IABT       0x21
#define EC_PC_ALIGN   0x22
#define EC_DABT       0x25
#define EC_SP_ALIGN   0x26
#define EC_BREAKPOINT 0x31
#define EC_STEP       0x33
#define EC_WATCHPOINT 0x35
#define EC_BRK64      0x3c
#define FSC_EXTERNAL  0x10 /* synchronous external abort, not on a walk */

/* Called by the vectors with interrupts masked; a return resumes at frame->elr with frame->spsr.
 * Defaults: on_sync ends a fault_call() in progress, else prints the frame and shuts down with SHUTDOWN_crash, as
 * the three others do at once. */
void on_sync(struct exception_frame *frame);
void on_irq(struct exception_frame *frame);
void on_fiq(struct exception_frame *frame);
void on_serror(struct exception_frame *frame);

/* Print what, the frame and end the domain with SHUTDOWN_crash. */
void exception_fatal(const char *what, const struct exception_frame *frame) __attribute__((noreturn));

/* Run fn(arg); true when it ended by a synchronous exception, whose frame is then in *frame (may be NULL).
 * May be nested; the innermost one takes the exception.  Interrupt masks are as before the call afterwards. */
bool fault_call(void (*fn)(void *arg), void *arg, struct exception_frame *frame);

/* For a program's own on_sync: if a fault_call() is in progress on this CPU, end it (does not return then). */
void fault_end(const struct exception_frame *frame);

#endif
