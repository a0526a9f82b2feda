/* SPDX-License-Identifier: Apache-2.0 */
/* EL2 vectors.  While a guest runs, SP_EL2 points to its struct vcpu, whose first field holds x0..x30, pc, pstate:
 * an exit stores straight into it, then takes the CPU's stack.
 * [impl->dsn~el2-entry~1] */
#include "arch/arm64/layout.h"

    /* What a C function may change, pc and pstate; then x0 = vCPU, x1 = ESR, x6 = CPU's trace, x19 = CPU,
     * on the CPU's stack. */
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
    mrs     x1, elr_el2
    mrs     x2, spsr_el2
    stp     x30, x1, [sp, #16 * 15]
    str     x2, [sp, #VCPU_PC + 8]
    mov     x0, sp
    mrs     x1, esr_el2
    mrs     x19, tpidr_el2
    ldp     x2, x6, [x19, #CPU_STACK] /* and CPU_TRACE */
    mov     sp, x2
    .endm

    /* The registers that C functions keep: still the guest's.  v: register that points to the vCPU */
    .macro save_kept v
    stp     x20, x21, [\v, #16 * 10]
    stp     x22, x23, [\v, #16 * 11]
    stp     x24, x25, [\v, #16 * 12]
    stp     x26, x27, [\v, #16 * 13]
    stp     x28, x29, [\v, #16 * 14]
    .endm

    /* sp = vCPU: all that save_guest saved, but x0 and pc */
    .macro restore_changed
    ldp     x18, x19, [sp, #16 * 9]
    ldp     x16, x17, [sp, #16 * 8]
    ldp     x14, x15, [sp, #16 * 7]
    ldp     x12, x13, [sp, #16 * 6]
    ldp     x10, x11, [sp, #16 * 5]
    ldp     x8, x9, [sp, #16 * 4]
    ldp     x6, x7, [sp, #16 * 3]
    ldp     x4, x5, [sp, #16 * 2]
    ldp     x2, x3, [sp, #16 * 1]
    .endm

    .macro return_to_guest
    eret
    dsb     nsh                     /* no straight-line speculation past eret */
    isb
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
    restore_changed
    ldp     x0, x1, [sp, #16 * 0]
    return_to_guest
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
    mov     w3, #0x0ea1             /* ESR of HVC #0xEA1, a hypercall */
    movk    w3, #0x5a00, lsl #16
    cmp     w1, w3
    b.eq    guest_hypercall\suffix
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

    /* Branch history: overwrite it by taken branches, or let the firmware do it. */
    .macro history_loop
    ldr     x2, [x19, #CPU_HISTORY]
1:  b       2f
2:  subs    x2, x2, #1
    b.ne    1b
    dsb     nsh
    isb
    .endm

    .macro history_firmware         /* SMCCC 1.1 keeps x4 and up */
    mov     x4, x0
    mov     x5, x1
    ldr     x0, [x19, #CPU_HISTORY] /* SMCCC_ARCH_WORKAROUND_3 or _1 */
    smc     #0
    mov     x0, x4
    mov     x1, x5
    .endm

    /* The exit is recorded; x0 and x1 as before. */
    .macro trace_exit irq
    mov     w2, #\irq
    bl      trap_trace
    mrs     x1, esr_el2
    .endm

    .section .text.entry, "ax"
    .balign 64
guest_hypercall_firmware:
    history_firmware
    b       guest_hypercall
guest_sync_firmware:
    history_firmware
    b       guest_sync
guest_irq_firmware:
    history_firmware
    b       guest_irq
guest_serror_loop:
    history_loop
    b       guest_serror
guest_serror_firmware:
    history_firmware
    b       guest_serror

    /* The registers that C keeps are saved only when another vCPU may run. */
    .balign 64
guest_hypercall_loop:
    history_loop
guest_hypercall:
    cbnz    x6, 2f
1:  mov     x1, x16                 /* number */
    mov     x2, x0                  /* arguments: v->arch.x */
    bl      upcall_hypercall
    ldp     x4, x3, [x19, #CPU_WORK] /* and CPU_CURRENT */
    cbnz    x4, hypercall_slow
    cmn     x0, #85                 /* ERR_RESTART */
    b.eq    hypercall_slow
    mov     sp, x3
    restore_changed
    ldr     x1, [sp, #8]
    ldr     x30, [sp, #16 * 15]
    return_to_guest
2:  trace_exit 0
    ldr     x16, [x0, #16 * 8]
    b       1b

hypercall_slow:
    save_kept x3
    cmn     x0, #85
    b.ne    2f
    mov     x20, x3
    mov     x0, x3
    ldr     x1, [x3, #16 * 8]
    mov     x2, x3
    bl      upcall_again
    mov     x3, x20
    cmn     x0, #85
    b.eq    1f
2:  str     x0, [x3]
    b       guest_work
1:  ldr     x0, [x3, #VCPU_PC]      /* the HVC again */
    sub     x0, x0, #4
    str     x0, [x3, #VCPU_PC]
    b       guest_work

    .balign 64
guest_sync_loop:
    history_loop
guest_sync:                         /* x0 = vCPU, x1 = ESR */
    save_kept x0
    cbnz    x6, 5f
1:  lsr     w2, w1, #26
    cmp     w2, #0x24               /* EC_DABT_LOW */
    b.eq    3f
    mov     w3, #0x5a000000         /* HVC #0: SMC Calling Convention */
    cmp     w1, w3
    b.eq    4f
    bl      trap_sync
2:  ldp     x1, x0, [x19, #CPU_WORK]
    cbnz    x1, guest_work
    restore_guest
3:  bl      trap_data_abort
    b       2b
4:  bl      smccc_call
    b       2b
5:  trace_exit 0
    b       1b

    .balign 64
guest_irq_loop:
    history_loop
guest_irq:
    save_kept x0
    cbnz    x6, 2f
1:  bl      irq_take
    ldp     x1, x0, [x19, #CPU_WORK]
    cbnz    x1, guest_work
    restore_guest
2:  trace_exit 1
    b       1b

guest_serror:
    save_kept x0
    bl      trap_serror
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
