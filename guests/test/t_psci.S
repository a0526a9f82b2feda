/* SPDX-License-Identifier: Apache-2.0 */
/* Entered by CPU_ON with x0 = address of five 64-bit words: writes the state at entry, then CPU_OFF.
 * MMU off: stores go past the cache. */
    .section .text.psci, "ax"
    .global psci_entry
psci_entry:
    mrs     x1, currentel
    mrs     x2, sctlr_el1
    mrs     x3, daif
    mrs     x4, spsel
    stp     x1, x2, [x0, #0]
    stp     x3, x4, [x0, #16]
    dsb     sy
    mov     x1, #1
    str     x1, [x0, #32]
    dsb     sy
    movz    x0, #0x8400, lsl #16
    movk    x0, #2
    hvc     #0
1:  wfi
    b       1b
