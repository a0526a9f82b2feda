/* SPDX-License-Identifier: Apache-2.0 */
/* EL2 vectors.  While a guest runs, SP_EL2 points to its struct vcpu, whose first field holds x0..x30, pc, pstate:
 * an exit stores straight into it, then takes the CPU's stack.
 * [impl->dsn~el2-entry~1] */
#include "arch/arm64/layout.h"

    .macro save_guest
    stp     x0, x1, [sp, #16 * 0]
    stp     x2, x3, [sp, #16 * 1]
    stp     x4, x5, [sp, #16 * 2]
    stp     x6, x7, [sp, #16 * 3]
    stp     x8, x9, [sp, #16 * 4]
    stp     x10, x11, [sp, #16 * 5]
    stp     x12, x13, [sp, #16 * 6]
    stp     x14, x15, [sp, #16 * 7]
    stp     x16, x17, [sp, #16 * 8]
    stp     x18, x19, [sp, #16 * 9]
    stp     x20, x21, [sp, #16 * 10]
    stp     x22, x23, [sp, #16 * 11]
    stp     x24, x25, [sp, #16 * 12]
    stp     x26, x27, [sp, #16 * 13]
    stp     x28, x29, [sp, #16 * 14]
    mrs     x1, elr_el2
    mrs     x2, spsr_el2
    stp     x30, x1, [sp, #16 * 15]
    str     x2, [sp, #VCPU_PC + 8]
    mov     x0, sp                  /* vCPU */
    mrs     x19, tpidr_el2          /* CPU */
    ldr     x2, [x19, #CPU_STACK]
    mov     sp, x2
    mov     x29, xzr
    .endm

    /* x0 = vCPU */
    .macro restore_guest
    ldr     x2, [x0, #VCPU_PC + 8]
    ldp     x30, x1, [x0, #16 * 15]
    mov     sp, x0
    msr     elr_el2, x1
    msr     spsr_el2, x2
    ldp     x28, x29, [sp, #16 * 14]
    ldp     x26, x27, [sp, #16 * 13]
    ldp     x24, x25, [sp, #16 * 12]
    ldp     x22, x23, [sp, #16 * 11]
    ldp     x20, x21, [sp, #16 * 10]
    ldp     x18, x19, [sp, #16 * 9]
    ldp     x16, x17, [sp, #16 * 8]
    ldp     x14, x15, [sp, #16 * 7]
    ldp     x12, x13, [sp, #16 * 6]
    ldp     x10, x11, [sp, #16 * 5]
    ldp     x8, x9, [sp, #16 * 4]
    ldp     x6, x7, [sp, #16 * 3]
    ldp     x4, x5, [sp, #16 * 2]
    ldp     x2, x3, [sp, #16 * 1]
    ldp     x0, x1, [sp, #16 * 0]
    eret
    dsb     nsh                     /* no straight-line speculation past eret */
    isb
    .endm

    .macro vector_slot label
    .balign 128
    b       \label
    .endm

    .macro hyp_slot kind
    .balign 128
    msr     tpidrro_el0, x0         /* the machine ends here: a guest's register may be lost */
    mov     x0, #\kind
    b       hyp_fault
    .endm

    /* One vector table for each way to make the branch history harmless before the hypervisor's own branches. */
    .macro lower_el suffix
    .balign 128
    save_guest
    mrs     x1, esr_el2
    b       guest_sync\suffix
    .balign 128
    save_guest
    b       guest_irq\suffix
    .balign 128
    save_guest
    b       guest_irq\suffix
    .balign 128
    save_guest
    b       guest_serror\suffix
    .endm

    .macro vector_table suffix
    .balign 2048
    .global vectors\suffix
vectors\suffix:
    hyp_slot 0                      /* current EL, SP0: never used */
    hyp_slot 1
    hyp_slot 2
    hyp_slot 3
    hyp_slot 4                      /* current EL: a fault of ours */
    hyp_slot 5
    hyp_slot 6
    hyp_slot 7
    lower_el \suffix                /* AArch64 */
    lower_el \suffix                /* AArch32 (EL0) */
    .endm

    .section .text.vectors, "ax"
    vector_table
    vector_table _loop
    vector_table _firmware

    .section .text.entry, "ax"
    .balign 64
guest_sync:
    bl      trap_sync               /* x0 = vCPU, x1 = ESR */
    ldp     x0, x1, [x19, #CPU_CURRENT] /* current, work */
    cbnz    x1, guest_work
    restore_guest

    .balign 64
guest_irq:
    bl      trap_irq
    ldp     x0, x1, [x19, #CPU_CURRENT]
    cbnz    x1, guest_work
    restore_guest

guest_serror:
    mrs     x1, esr_el2
    bl      trap_serror
    b       guest_work

    /* Branch history: overwrite it by taken branches, or let the firmware do it. */
    .macro history_loop
    ldr     x2, [x19, #CPU_HISTORY]
1:  b       2f
2:  subs    x2, x2, #1
    b.ne    1b
    dsb     nsh
    isb
    .endm

    .macro history_firmware
    mov     x20, x0
    mov     x21, x1
    ldr     x0, [x19, #CPU_HISTORY] /* SMCCC_ARCH_WORKAROUND_3 or _1 */
    smc     #0
    mov     x0, x20
    mov     x1, x21
    .endm

guest_sync_loop:
    history_loop
    b       guest_sync
guest_irq_loop:
    history_loop
    b       guest_irq
guest_serror_loop:
    history_loop
    b       guest_serror
guest_sync_firmware:
    history_firmware
    b       guest_sync
guest_irq_firmware:
    history_firmware
    b       guest_irq
guest_serror_firmware:
    history_firmware
    b       guest_serror

guest_work:
    mov     x0, x19
    bl      upcall_next             /* returns the vCPU to run, loaded */
    restore_guest

    .global arch_enter_guest
arch_enter_guest:                   /* x0 = vCPU, loaded and current */
    restore_guest

/* A fault at EL2.  x0 = vector slot, guest-visible tpidrro_el0 = x0 before.  Registers go to the CPU's panic page; the
 * stack stays as it is for the backtrace. */
hyp_fault:
    msr     tpidr_el0, x1
    mrs     x1, tpidr_el2
    add     x1, x1, #0x1000
    str     x0, [x1, #8 * 32]
    mrs     x0, tpidrro_el0
    str     x0, [x1]
    mrs     x0, tpidr_el0
    str     x0, [x1, #8]
    stp     x2, x3, [x1, #8 * 2]
    stp     x4, x5, [x1, #8 * 4]
    stp     x6, x7, [x1, #8 * 6]
    stp     x8, x9, [x1, #8 * 8]
    stp     x10, x11, [x1, #8 * 10]
    stp     x12, x13, [x1, #8 * 12]
    stp     x14, x15, [x1, #8 * 14]
    stp     x16, x17, [x1, #8 * 16]
    stp     x18, x19, [x1, #8 * 18]
    stp     x20, x21, [x1, #8 * 20]
    stp     x22, x23, [x1, #8 * 22]
    stp     x24, x25, [x1, #8 * 24]
    stp     x26, x27, [x1, #8 * 26]
    stp     x28, x29, [x1, #8 * 28]
    mov     x0, sp
    stp     x30, x0, [x1, #8 * 30]
    mov     x0, x1
    add     x1, x1, #0x1000
    mov     sp, x1
    b       panic_fault             /* x0 = struct panic_frame */
