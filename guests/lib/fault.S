/* SPDX-License-Identifier: Apache-2.0 */
/* uint64_t fault_enter(void (*fn)(void *), void *arg, uint64_t *context): 0, or 1 after fault_leave(context). */
    .section .text.fault, "ax"
    .global fault_enter
fault_enter:
    stp     x19, x20, [x2, #0]
    stp     x21, x22, [x2, #16]
    stp     x23, x24, [x2, #32]
    stp     x25, x26, [x2, #48]
    stp     x27, x28, [x2, #64]
    stp     x29, x30, [x2, #80]
    mov     x3, sp
    mrs     x4, daif
    stp     x3, x4, [x2, #96]
    mov     x19, x2
    mov     x3, x0
    mov     x0, x1
    blr     x3
    ldr     x30, [x19, #88]
    ldr     x19, [x19, #0]
    mov     x0, #0
    ret

/* void fault_leave(const uint64_t *context) */
    .global fault_leave
fault_leave:
    ldp     x19, x20, [x0, #0]
    ldp     x21, x22, [x0, #16]
    ldp     x23, x24, [x0, #32]
    ldp     x25, x26, [x0, #48]
    ldp     x27, x28, [x0, #64]
    ldp     x29, x30, [x0, #80]
    ldp     x3, x4, [x0, #96]
    mov     sp, x3
    msr     daif, x4
    mov     x0, #1
    ret
