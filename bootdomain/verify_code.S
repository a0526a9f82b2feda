/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain with `verify` runs first: see verify.h.  Data of the Boot Domain; code of the domain, at a page's start.
 * In: as its kernel is started, x0 = device tree, MMU off.  Out to the kernel: the same.
 * It runs with the MMU and caches on, an identity map of 1 GiB blocks, and cleans what it wrote before it leaves.
 * About 35 instructions a byte.
 * [impl->dsn~boot-verify~1] */
#include "sha256_constants.h"

#define CODE_BYTES    2048      /* VERIFY_CODE_BYTES */
#define WORK          0x1000    /* from the page's start: state, message schedule, last blocks */
#define TABLE         0x2000
#define WORK_WORDS    64        /* in WORK */
#define WORK_LAST     320
#define WORK_BYTES    448
#define BLOCK_NORMAL  0x701     /* level 1: access flag, inner shareable, EL1 only, memory type 0 */
#define MAIR_NORMAL   0xff
#define TCR_LOW       0x2019    /* 39 bits, walked past the caches: the table is written with the MMU off */
#define TCR_EPD1      0x80
#define SCTLR_ON      0x1005    /* MMU, data and instruction caches */
#define CONSOLE_IO    18        /* hypercall numbers of the Xen ABI */
#define SCHED_OP      29
#define SHUTDOWN      2
#define CRASH         3
#define HYPERCALL     0xea1

/* x19 page, x20 range, x21 ranges left, x22 device tree, x23 SCTLR, x24 WORK, x25 kernel */
    .section .rodata.verify_code, "a"
    .balign 64
    .global verify_code
verify_code:
    mov     x22, x0
    adr     x19, verify_code
    add     x24, x19, #WORK
    add     x0, x19, #TABLE
    msr     ttbr0_el1, x0
    mov     x1, #BLOCK_NORMAL
    mov     x2, #512
    mov     x3, #(1 << 30)
1:  str     x1, [x0], #8
    add     x1, x1, x3
    subs    x2, x2, #1
    b.ne    1b
    mov     x0, #MAIR_NORMAL
    msr     mair_el1, x0
    mrs     x0, id_aa64mmfr0_el1
    and     x0, x0, #15             /* PARange, at most 48 bits */
    mov     x1, #5
    cmp     x0, x1
    csel    x0, x0, x1, ls
    mov     x1, #TCR_LOW
    movk    x1, #TCR_EPD1, lsl #16
    orr     x1, x1, x0, lsl #32
    msr     tcr_el1, x1
    mrs     x23, sctlr_el1
    mov     x0, #SCTLR_ON
    orr     x0, x23, x0
    dsb     sy
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    msr     sctlr_el1, x0
    isb

    adr     x20, verify_code_end
    ldp     x25, x21, [x20], #16
next_range:
    cbz     x21, start_kernel
    ldp     x0, x1, [x20]
    bl      hash
    mov     x0, x24
    add     x1, x20, #16
    mov     x2, #4
2:  ldr     x3, [x0], #8
    ldr     x4, [x1], #8
    cmp     x3, x4
    b.ne    differs
    subs    x2, x2, #1
    b.ne    2b
    add     x20, x20, #64
    sub     x21, x21, #1
    b       next_range

start_kernel:
    mov     x1, #WORK_BYTES
3:  subs    x1, x1, #64
    add     x0, x24, x1
    dc      civac, x0
    b.ne    3b
    dsb     sy
    msr     sctlr_el1, x23
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    msr     ttbr0_el1, xzr
    msr     tcr_el1, xzr
    msr     mair_el1, xzr
    isb
    mov     x0, x22
    mov     x30, x25
    .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    mov     x\n, xzr
    .endr
    ret

/* Say which, and end this life. */
differs:
    adr     x2, text_before
    mov     x1, #(text_after - text_before)
    bl      say
    add     x2, x20, #48
    mov     x1, #0
4:  ldrb    w3, [x2, x1]
    cbz     w3, 5f
    add     x1, x1, #1
    b       4b
5:  bl      say
    adr     x2, text_after
    mov     x1, #(text_end - text_after)
    bl      say
    mov     x0, #SHUTDOWN
    adr     x1, crash
    mov     x16, #SCHED_OP
    hvc     #HYPERCALL
6:  udf     #0                      /* nobody is there to take the exception: a double fault ends it too */
    b       6b

/* x1 characters at x2 */
say:
    mov     x0, #0
    mov     x16, #CONSOLE_IO
    hvc     #HYPERCALL
    ret

/* SHA-256 of x1 bytes at x0 to WORK.  Changes x0 to x18, x26, x27. */
hash:
    mov     x27, x30
    lsl     x26, x1, #3
    adr     x2, initial
    ldp     x4, x5, [x2]
    ldp     x6, x7, [x2, #16]
    stp     x4, x5, [x24]
    stp     x6, x7, [x24, #16]
1:  cmp     x1, #64
    b.lo    2f
    mov     x2, x0
    bl      block
    dc      civac, x0               /* the kernel writes here with its caches off */
    add     x0, x0, #64
    sub     x1, x1, #64
    b       1b
2:  add     x2, x24, #WORK_LAST     /* what is left, 0x80, zeroes, the number of bits: one block or two */
    mov     x3, #128
3:  subs    x3, x3, #16
    add     x4, x2, x3
    stp     xzr, xzr, [x4]
    b.ne    3b
4:  cmp     x3, x1
    b.eq    5f
    ldrb    w4, [x0, x3]
    strb    w4, [x2, x3]
    add     x3, x3, #1
    b       4b
5:  cbz     x1, 6f
    dc      civac, x0
6:  mov     w4, #0x80
    strb    w4, [x2, x1]
    rev     x26, x26
    cmp     x1, #56
    b.hs    7f
    str     x26, [x2, #56]
    bl      block
    ret     x27
7:  str     x26, [x2, #120]
    bl      block
    add     x2, x24, #(WORK_LAST + 64)
    bl      block
    ret     x27

    .macro round a, b, c, d, e, f, g, h
    ldr     w12, [x14], #4
    ldr     w13, [x15], #4
    add     \h, \h, w12
    add     \h, \h, w13
    ror     w12, \e, #6
    eor     w12, w12, \e, ror #11
    eor     w12, w12, \e, ror #25
    add     \h, \h, w12
    eor     w12, \f, \g
    and     w12, w12, \e
    eor     w12, w12, \g
    add     \h, \h, w12
    add     \d, \d, \h
    ror     w12, \a, #2
    eor     w12, w12, \a, ror #13
    eor     w12, w12, \a, ror #22
    add     \h, \h, w12
    eor     w12, \a, \b
    eor     w13, \b, \c
    and     w12, w12, w13
    eor     w12, w12, \b
    add     \h, \h, w12
    .endm

/* One block at x2 into the state in WORK.  Changes x2 to x18. */
block:
    add     x14, x24, #WORK_WORDS
    add     x16, x14, #64
1:  ldr     x3, [x2], #8
    rev32   x3, x3
    str     x3, [x14], #8
    cmp     x14, x16
    b.ne    1b
    add     x16, x14, #192
2:  ldur    w3, [x14, #-60]
    ldur    w4, [x14, #-8]
    ldur    w5, [x14, #-64]
    ldur    w6, [x14, #-28]
    ror     w7, w3, #7
    eor     w7, w7, w3, ror #18
    eor     w7, w7, w3, lsr #3
    ror     w8, w4, #17
    eor     w8, w8, w4, ror #19
    eor     w8, w8, w4, lsr #10
    add     w5, w5, w6
    add     w7, w7, w8
    add     w5, w5, w7
    str     w5, [x14], #4
    cmp     x14, x16
    b.ne    2b
    ldp     w4, w5, [x24]
    ldp     w6, w7, [x24, #8]
    ldp     w8, w9, [x24, #16]
    ldp     w10, w11, [x24, #24]
    add     x14, x24, #WORK_WORDS
    adr     x15, constants
3:  round   w4, w5, w6, w7, w8, w9, w10, w11
    round   w11, w4, w5, w6, w7, w8, w9, w10
    round   w10, w11, w4, w5, w6, w7, w8, w9
    round   w9, w10, w11, w4, w5, w6, w7, w8
    round   w8, w9, w10, w11, w4, w5, w6, w7
    round   w7, w8, w9, w10, w11, w4, w5, w6
    round   w6, w7, w8, w9, w10, w11, w4, w5
    round   w5, w6, w7, w8, w9, w10, w11, w4
    cmp     x14, x16
    b.ne    3b
    .macro  add_to_state at, x, y
    ldp     w12, w13, [x24, #\at]
    add     w12, w12, \x
    add     w13, w13, \y
    stp     w12, w13, [x24, #\at]
    .endm
    add_to_state 0, w4, w5
    add_to_state 8, w6, w7
    add_to_state 16, w8, w9
    add_to_state 24, w10, w11
    ret

    .balign 8
initial:
    .long   SHA256_INITIAL
constants:
    .long   SHA256_CONSTANTS
crash:
    .long   CRASH
text_before:
    .ascii  "verify: "
text_after:
    .ascii  " is not as it was launched; this life ends\n"
text_end:
    .org    verify_code + CODE_BYTES
verify_code_end:
