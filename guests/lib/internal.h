/* SPDX-License-Identifier: Apache-2.0 */
/* Between the library's assembly and its C. */
#ifndef GUEST_INTERNAL_H
#define GUEST_INTERNAL_H

#include <guest/cpu.h>

int main(uint64_t x0);

/* From start.S */
void secondary_start(void);
extern uint64_t mmu_gib_table[512], mmu_low_table[512], mmu_ram_table[512], mmu_image_table[512];

/* Called by start.S */
void cpu_secondary(struct guest_cpu *cpu);
void cpu_main(uint64_t x0) __attribute__((noreturn));

/* Text read-only and executable, constants read-only, the rest of the first 2 MiB of RAM read-write.  Once.
 * [impl->dsn~guest-wx~1] */
void mmu_protect_image(void);

/* From the linker script */
extern char _head[], _text_end[], _rodata_end[], _bss_start[], _bss_end[], _image_end[];

#endif
