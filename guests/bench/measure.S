/* SPDX-License-Identifier: Apache-2.0 */
/* What bench measures, in assembly so that nothing else lies between the two reads of the counter.
 * x18 belongs to these functions: the vector's first instruction puts the time into it; interrupts are open only
 * here.  Each function returns ticks. */

    .section .text.bench, "ax"
    .balign 2048
    .global bench_vectors
bench_vectors:
    .balign 128
    b       exception_vectors
    .org    bench_vectors + 0x200
    b       exception_vectors + 0x200
    .org    bench_vectors + 0x280
    mrs     x18, cntvct_el0
    msr     cntv_ctl_el0, xzr
    mrs     x17, s3_0_c12_c12_0         /* ICC_IAR1_EL1 */
    msr     s3_0_c12_c12_1, x17         /* ICC_EOIR1_EL1 */
    isb
    eret
    .org    bench_vectors + 0x380
    b       exception_vectors + 0x380
    .org    bench_vectors + 0x800

/* uint64_t bench_empty(void): what measuring costs */
    .global bench_empty
bench_empty:
    isb
    mrs     x9, cntvct_el0
    mrs     x10, cntvct_el0
    sub     x0, x10, x9
    ret

/* uint64_t bench_hypercall(uint64_t x0, uint64_t number) */
    .global bench_hypercall
bench_hypercall:
    mov     x16, x1
    mov     x1, xzr
    isb
    mrs     x9, cntvct_el0
    hvc     #0xea1
    mrs     x10, cntvct_el0
    sub     x0, x10, x9
    ret

/* uint64_t bench_call(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t number) */
    .global bench_call
bench_call:
    mov     x16, x3
    isb
    mrs     x9, cntvct_el0
    hvc     #0xea1
    mrs     x10, cntvct_el0
    sub     x0, x10, x9
    ret

/* uint64_t bench_psci(uint64_t function); SMCCC 1.0 may lose x4-x17, so the start is kept in x19 */
    .global bench_psci
bench_psci:
    stp     x19, x30, [sp, #-16]!
    isb
    mrs     x19, cntvct_el0
    hvc     #0
    mrs     x10, cntvct_el0
    sub     x0, x10, x19
    ldp     x19, x30, [sp], #16
    ret

/* uint64_t bench_read32(uint64_t address) */
    .global bench_read32
bench_read32:
    isb
    mrs     x9, cntvct_el0
    ldr     w1, [x0]
    mrs     x10, cntvct_el0
    sub     x0, x10, x9
    ret

/* uint64_t bench_sgi_self(uint64_t sgi1r): to the handler's first instruction */
    .global bench_sgi_self
bench_sgi_self:
    mov     x18, xzr
    msr     daifclr, #2
    isb
    mrs     x9, cntvct_el0
    msr     s3_0_c12_c11_5, x0          /* ICC_SGI1R_EL1 */
1:  cbz     x18, 1b
    msr     daifset, #2
    sub     x0, x18, x9
    ret

/* The virtual timer in x0 ticks; until its handler ran, `pause` again and again.  x0: from the deadline to its first
 * instruction. */
    .macro  measure_vtimer pause
    mov     x18, xzr
    mov     x2, #1
    mrs     x9, cntvct_el0
    add     x9, x9, x0
    msr     cntv_cval_el0, x9
    msr     cntv_ctl_el0, x2
    isb
    msr     daifclr, #2
1:  \pause
    cbz     x18, 1b
    msr     daifset, #2
    sub     x0, x18, x9
    ret
    .endm

/* uint64_t bench_vtimer(uint64_t ticks): from the deadline to the handler's first instruction */
    .global bench_vtimer
bench_vtimer:
    measure_vtimer

/* uint64_t bench_wake(uint64_t ticks): the same, asleep until then */
    .global bench_wake
bench_wake:
    measure_vtimer wfi

/* uint64_t bench_wait(void): sleep until an interrupt was handled; when its handler began */
    .global bench_wait
bench_wait:
    mov     x18, xzr
1:  wfi
    msr     daifclr, #2
    isb
    msr     daifset, #2
    cbz     x18, 1b
    mov     x0, x18
    ret

/* uint64_t bench_send(uint64_t sgi1r): when it was sent */
    .global bench_send
bench_send:
    dsb     ishst
    mrs     x9, cntvct_el0
    msr     s3_0_c12_c11_5, x0
    isb
    mov     x0, x9
    ret

/* uint64_t bench_event_self(const uint32_t *port): EVTCHNOP_send, to the handler's first instruction */
    .global bench_event_self
bench_event_self:
    mov     x1, x0
    mov     x0, #4                      /* EVTCHNOP_send */
    mov     x16, #32                    /* event_channel_op */
    mov     x18, xzr
    msr     daifclr, #2
    isb
    mrs     x9, cntvct_el0
    hvc     #0xea1
1:  cbz     x18, 1b
    msr     daifset, #2
    sub     x0, x18, x9
    ret

/* uint64_t bench_event_send(const uint32_t *port): when it was sent */
    .global bench_event_send
bench_event_send:
    mov     x1, x0
    mov     x0, #4
    mov     x16, #32
    dsb     ishst
    mrs     x9, cntvct_el0
    hvc     #0xea1
    mov     x0, x9
    ret
