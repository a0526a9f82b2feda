/* SPDX-License-Identifier: Apache-2.0 */
/* Entry of a freestanding EL1 program: as an arm64 Image, as an ELF (e_entry) or as a flat binary (first byte).
 * Registers at entry: x0 is kept for main(); EL1h, MMU off.  The program runs where it is linked.
 * The translation tables are constants of the file, so nothing is written before the MMU and caches are on.
 * [impl->dsn~guest-start~1] */
#include "start.h"

    .section .head, "ax"
    .global _head
_head:
    b       _start
    .long   0
    .quad   _text_offset
    .quad   _image_size
    .quad   2                       /* little endian, 4 KiB pages, near the start of RAM */
    .quad   0
    .quad   0
    .quad   0
    .ascii  "ARM\x64"
    .long   0

    .global _start
_start:
    mov     x19, x0
    bl      cpu_on_mmu
    adrp    x0, _bss_start
    add     x0, x0, :lo12:_bss_start
    adrp    x1, _bss_end
    add     x1, x1, :lo12:_bss_end
1:  add     x2, x0, #64
    cmp     x2, x1
    b.hi    2f
    stp     xzr, xzr, [x0]
    stp     xzr, xzr, [x0, #16]
    stp     xzr, xzr, [x0, #32]
    stp     xzr, xzr, [x0, #48]
    mov     x0, x2
    b       1b
2:  cmp     x0, x1
    b.hs    3f
    stp     xzr, xzr, [x0], #16
    b       2b
3:  adrp    x0, guest_cpus
    add     x0, x0, :lo12:guest_cpus
    msr     tpidr_el1, x0
    adrp    x1, boot_stack_top
    add     x1, x1, :lo12:boot_stack_top
    mov     sp, x1
    str     x1, [x0, #CPU_STACK_TOP]
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x19
    bl      cpu_main

/* PSCI CPU_ON enters here, x0 = struct guest_cpu of this CPU. */
    .global secondary_start
secondary_start:
    mov     x19, x0
    bl      cpu_on_mmu
    msr     tpidr_el1, x19
    ldr     x1, [x19, #CPU_STACK_TOP]
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x19
    bl      cpu_secondary
1:  wfi
    b       1b

/* Vectors, FP access, MMU, caches.  Uses x0-x3, no stack. */
cpu_on_mmu:
    msr     daifset, #0xf
    msr     spsel, #1
    adrp    x0, exception_vectors
    add     x0, x0, :lo12:exception_vectors
    msr     vbar_el1, x0
    mov     x0, #CPACR_FP
    msr     cpacr_el1, x0
    mov     x0, #MAIR_VALUE
    msr     mair_el1, x0
    mrs     x1, id_aa64mmfr0_el1
    and     x1, x1, #15             /* PARange */
    cmp     x1, #5
    mov     x2, #5
    csel    x1, x1, x2, ls
    ldr     x0, =TCR_VALUE
    orr     x0, x0, x1, lsl #32
    msr     tcr_el1, x0
    adrp    x0, mmu_gib_table
    add     x0, x0, :lo12:mmu_gib_table
    msr     ttbr0_el1, x0
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x0, =SCTLR_VALUE
    msr     sctlr_el1, x0
    isb
    ret

    .section .tables, "aw"
    .balign 4096
    .global mmu_gib_table
mmu_gib_table:                      /* level 1, 1 GiB an entry */
    .quad   mmu_low_table + 3
    .quad   mmu_ram_table + 3
    .set    entry, 2
    .rept   510
    .quad   (entry << 30) | BLOCK_DATA
    .set    entry, entry + 1
    .endr

    .global mmu_low_table
mmu_low_table:                      /* level 2 of 0..0x3fffffff */
    .set    entry, 0
    .rept   448
    .quad   (entry << 21) | BLOCK_DEVICE
    .set    entry, entry + 1
    .endr
    .rept   64
    .quad   (entry << 21) | BLOCK_DATA
    .set    entry, entry + 1
    .endr

    .global mmu_ram_table
mmu_ram_table:                      /* level 2 of 0x40000000..0x7fffffff */
    .quad   mmu_image_table + 3
    .set    entry, 513
    .rept   511
    .quad   (entry << 21) | BLOCK_DATA
    .set    entry, entry + 1
    .endr

    .global mmu_image_table
mmu_image_table:                    /* level 3 of 0x40000000..0x401fffff; mmu_protect_image() narrows it */
    .set    entry, 0
    .rept   512
    .quad   (0x40000000 + (entry << 12)) | PAGE_RWX
    .set    entry, entry + 1
    .endr

    .section .bss.stack, "aw", @nobits
    .balign 16
    .skip   GUEST_BOOT_STACK_SIZE
boot_stack_top:
