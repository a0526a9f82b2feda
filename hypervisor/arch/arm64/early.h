/* SPDX-License-Identifier: Apache-2.0 */
/* What early_start leaves for start.c. */
#ifndef ARCH_ARM64_EARLY_H
#define ARCH_ARM64_EARLY_H

#include "lib/types.h"

struct early_info {
    uint64_t load;         /* machine address of the image */
    uint64_t dtb;          /* x0 of the boot loader */
    uint64_t ticks;        /* generic timer at the first instruction */
    uint64_t board_offset; /* of the board table, from load */
    uint64_t areas;        /* machine address of the CPU areas */
    uint64_t areas_size;   /* bytes */
};

extern struct early_info early_info;
extern uint64_t early_root;
extern uint64_t early_tcr;

/* dtb: x0 of the boot loader; load: machine address of the image; ticks: at the first instruction.
 * Returns TTBR0_EL2.  Does not return when something is wrong: prints why where a UART is known, and stops. */
uint64_t early_start(uint64_t dtb, uint64_t load, uint64_t ticks);

#endif
