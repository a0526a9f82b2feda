/* SPDX-License-Identifier: Apache-2.0 */
/* From the boot loader to C: the arm64 Image header, the switch to the hypervisor's own translation, secondary CPUs.
 * Entered at EL2 or, by mistake, EL1 (which early_start refuses); x0 = device tree.
 * [impl->dsn~image-header~1] */
#include "arch/arm64/layout.h"

    .section .head, "ax"
    .global image_head
image_head:
    ccmp    x18, #0, #0xd, pl       /* code0: reads as "MZ", changes only flags */
    b       primary_entry           /* code1 */
    .quad   0                       /* text_offset */
    .quad   0                       /* image_size: filled in by the host tool */
    .quad   0xa                     /* flags: little endian, 4 KiB pages, anywhere in memory */
    .quad   0
    .quad   0
    .quad   0
    .ascii  "ARM\x64"
    .long   pe_header - image_head

    /* The same file as a UEFI application (PE32+).  One section from the descriptor page on; the host tool fills in the
     * sizes.  efi.c moves the image to where it may run.  [impl->dsn~uefi-image~1] */
    .balign 8
pe_header:
    .ascii  "PE\0\0"
    .short  0xaa64                  /* Machine: AArch64 */
    .short  1                       /* NumberOfSections */
    .long   0, 0, 0
    .short  pe_sections - pe_optional
    .short  0x206                   /* executable, no line numbers, no debug information */
pe_optional:
    .short  0x20b                   /* PE32+ */
    .byte   0, 0
    .long   0                       /* SizeOfCode: host tool */
    .long   0, 0
    .long   efi_entry_offset        /* AddressOfEntryPoint */
    .long   0x1000                  /* BaseOfCode */
    .quad   0                       /* ImageBase */
    .long   0x1000, 0x1000          /* SectionAlignment, FileAlignment */
    .short  0, 0, 0, 0, 0, 0
    .long   0
    .long   0                       /* SizeOfImage: host tool */
    .long   0x1000                  /* SizeOfHeaders */
    .long   0
    .short  10                      /* Subsystem: EFI application */
    .short  0x100                   /* DllCharacteristics: neither writes its code nor executes its data */
    .quad   0, 0, 0, 0
    .long   0
    .long   6                       /* NumberOfRvaAndSizes */
    .quad   0, 0, 0, 0, 0, 0
pe_sections:
    .ascii  ".text\0\0\0"
    .long   0                       /* VirtualSize: host tool */
    .long   0x1000                  /* VirtualAddress */
    .long   0                       /* SizeOfRawData: host tool */
    .long   0x1000                  /* PointerToRawData */
    .long   0, 0
    .short  0, 0
    .long   0x60000020              /* code, execute, read */

    .section .descriptor, "aw"
    .global image_descriptor
image_descriptor:
    .quad   0x474d494b4c554221      /* IMAGE_DESCRIPTOR_MAGIC */
    .long   1                       /* IMAGE_DESCRIPTOR_VERSION */
    .long   112                     /* sizeof(struct image_descriptor), checked in early.c */
    .quad   0
    .quad   image_bytes             /* hypervisor: image_end - image_start */
    .fill   4096 - 32, 1, 0

    .section .text.entry, "ax"
    .global primary_entry
primary_entry:
    msr     daifset, #0xf
    mrs     x20, cntpct_el0
    mov     x21, x0
    adrp    x1, boot_stack_top
    add     sp, x1, :lo12:boot_stack_top
    mov     x0, x21                 /* device tree */
    adrp    x1, image_head          /* load address */
    mov     x2, x20                 /* ticks at reset */
    bl      early_start             /* builds tables; returns TTBR0_EL2 */
    bl      mmu_on
    adrp    x0, boot_stack_top
    add     x0, x0, :lo12:boot_stack_top
    ldr     x1, =VA_IMAGE
    adrp    x2, image_head
    sub     x0, x0, x2
    add     x0, x0, x1              /* the stack, at its virtual address */
    mov     sp, x0
    mov     x29, xzr
    mov     x30, xzr
    ldr     x0, =start_primary
    br      x0

    .global secondary_entry
secondary_entry:                    /* PSCI CPU_ON; x0 = index of the CPU */
    mov     x21, x0
    mrs     x0, CurrentEL
    cmp     x0, #(2 << 2)
    b.ne    2f
    adrp    x0, early_root
    ldr     x0, [x0, :lo12:early_root]
    bl      mmu_on
    ldr     x0, =VA_CPU
    add     x0, x0, x21, lsl #16    /* CPU_STRIDE */
    add     x1, x0, #CPU_STACK_TOP
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x21
    ldr     x1, =start_secondary
    br      x1
2:  wfe
    b       2b

/* x0 = TTBR0_EL2.  Returns with the hypervisor's translation on, still at the identity address. */
mmu_on:
    adrp    x1, early_tcr
    ldr     x1, [x1, :lo12:early_tcr]
    msr     tcr_el2, x1
    mov     x1, #0x33ff             /* CPTR: RES1; SVE (TZ) and SME (TSM) trap, FP and SIMD do not */
    msr     cptr_el2, x1
    ldr     x1, =0x000004ff         /* MAIR: 0 = normal write-back, 1 = device nGnRE */
    msr     mair_el2, x1
    msr     ttbr0_el2, x0
    dsb     sy
    ic      iallu
    tlbi    alle2
    dsb     sy
    isb
    ldr     x1, =0x30cd183d         /* RES1 | WXN | I | SA | C | M */
    msr     sctlr_el2, x1
    isb
    ldr     x1, =vectors
    msr     vbar_el2, x1
    isb
    ret

    .ltorg
    .section .bss
    .balign 16
boot_stack:
    .fill   8192, 1, 0
boot_stack_top:

    /* efi.c, after the boot services: x0 = device tree, x1 = address of the image's copy, clean to the point of coherency.
     * The firmware may map the copy without execution, so translation ends here, in the image that the firmware started: one
     * cache line, cleaned first. */
    .section .text.entry, "ax"
    .global efi_continue
    .balign 64
efi_continue:
    msr     daifset, #0xf
    adr     x2, efi_continue
    dc      civac, x2
    ic      iallu
    dsb     sy
    mrs     x2, sctlr_el2
    bic     x2, x2, #1              /* M */
    bic     x2, x2, #(1 << 2)       /* C */
    mov     x3, #(1 << 31)          /* HCR_EL2.RW: what UEFI routed to EL2 is not ours yet */
    msr     sctlr_el2, x2
    isb
    msr     hcr_el2, x3
    isb
    br      x1
    .if     . - efi_continue > 64
    .error  "efi_continue is longer than a cache line"
    .endif
