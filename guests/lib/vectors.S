/* SPDX-License-Identifier: Apache-2.0 */
/* EL1 exception vectors: save struct exception_frame, call the C handler of the kind. */

    .macro  vector number, handler
    .balign 128
    sub     sp, sp, #304
    stp     x0, x1, [sp, #0]
    mov     x0, #\number
    b       \handler
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .global exception_vectors
exception_vectors:
    vector  0, enter_sync
    vector  1, enter_irq
    vector  2, enter_fiq
    vector  3, enter_serror
    vector  4, enter_sync
    vector  5, enter_irq
    vector  6, enter_fiq
    vector  7, enter_serror
    vector  8, enter_sync
    vector  9, enter_irq
    vector  10, enter_fiq
    vector  11, enter_serror
    vector  12, enter_sync
    vector  13, enter_irq
    vector  14, enter_fiq
    vector  15, enter_serror

    .macro  enter name, function
\name:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    add     x1, sp, #304
    stp     x30, x1, [sp, #240]
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x2, x3, [sp, #256]
    mrs     x2, esr_el1
    mrs     x3, far_el1
    stp     x2, x3, [sp, #272]
    str     x0, [sp, #288]
    mov     x0, sp
    bl      \function
    b       exception_return
    .endm

    enter   enter_sync, on_sync
    enter   enter_irq, on_irq
    enter   enter_fiq, on_fiq
    enter   enter_serror, on_serror

exception_return:
    ldp     x2, x3, [sp, #256]
    msr     elr_el1, x2
    msr     spsr_el1, x3
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldr     x30, [sp, #240]
    ldp     x0, x1, [sp, #0]
    add     sp, sp, #304
    eret
