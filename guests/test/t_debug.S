/* SPDX-License-Identifier: Apache-2.0 */
    .section .text.debug, "ax"

/* Functions to set breakpoints on and to step through. */
    .global debug_target
debug_target:
    nop
    ret

/* void debug_step(void *unused): return to debug_stepped with PSTATE.SS set and debug exceptions open */
    .global debug_step
debug_step:
    mrs     x1, daif
    and     x1, x1, #0x1c0              /* keep A, I, F masked as they are; D open */
    mov     x2, #0x5                    /* EL1h */
    orr     x1, x1, x2
    orr     x1, x1, #(1 << 21)          /* SPSR.SS */
    msr     spsr_el1, x1
    adr     x2, debug_stepped
    msr     elr_el1, x2
    eret
    .global debug_stepped
debug_stepped:
    nop
    .global debug_stepped_once
debug_stepped_once:
    nop
    ret
