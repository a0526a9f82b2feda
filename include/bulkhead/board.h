/* SPDX-License-Identifier: Apache-2.0 */
/* The board table: what the hypervisor needs to know of a board, made on the workstation by
 * `bulkhead board` from boards/NAME.yaml, fixed for the life of the board. Little endian, no pointers.
 * The hypervisor refuses a table whose magic, version or size it does not know.
 * [impl->dsn~board-table~1] */
#ifndef BULKHEAD_BOARD_H
#define BULKHEAD_BOARD_H

#include <stdint.h>

#define BOARD_MAGIC      UINT64_C(0x5244424b4c554221) /* "!BULKBDR" read as bytes */
#define BOARD_VERSION    1u
#define BOARD_MAX_CPUS   64u
#define BOARD_MAX_RAM    8u
#define BOARD_NAME_BYTES 32u

enum board_uart {
    BOARD_UART_NONE = 0,
    BOARD_UART_PL011 = 1, /* Arm PrimeCell PL011, 32-bit registers */
    BOARD_UART_IMX = 2,   /* NXP i.MX UART, 32-bit registers */
};

enum board_conduit {
    BOARD_CONDUIT_NONE = 0, /* one CPU only */
    BOARD_CONDUIT_SMC = 1,
    BOARD_CONDUIT_HVC = 2, /* only when something else owns EL2's conduit; refused at EL2 */
};

enum board_watchdog {
    BOARD_WATCHDOG_NONE = 0,
    BOARD_WATCHDOG_IMX = 1, /* NXP i.MX watchdog, 16-bit registers */
};

struct board_range {
    uint64_t base; /* bytes, 4 KiB aligned */
    uint64_t size; /* bytes, 4 KiB aligned; 0 = entry unused */
};

struct board_table {
    uint64_t magic;
    uint32_t version;
    uint32_t size;               /* sizeof(struct board_table) of the writer */
    char name[BOARD_NAME_BYTES]; /* NUL-terminated */
    uint32_t uart_kind;          /* enum board_uart; the layout up to uart is that of every version: refusals print */
    uint32_t uart_irq;           /* INTID, 32..1019; 0 = poll */
    struct board_range uart;

    uint32_t cpu_count;                    /* 1..BOARD_MAX_CPUS */
    uint32_t ram_count;                    /* 1..BOARD_MAX_RAM */
    uint64_t mpidr[BOARD_MAX_CPUS];        /* affinity fields only (MPIDR_EL1 & 0xff00ffffff) */
    struct board_range ram[BOARD_MAX_RAM]; /* ascending, not overlapping */

    struct board_range gicd; /* GICv3 distributor */
    struct board_range gicr; /* first redistributor region, 128 KiB (GICv3) per CPU */
    uint64_t gicr_stride;    /* bytes from one redistributor to the next; 0x20000 for GICv3 */
    uint32_t gic_spis;       /* SPIs present, 0..988 */
    uint32_t psci_conduit;   /* enum board_conduit */

    uint32_t rtc_present;   /* 1: PL031 at rtc.base gives seconds since 1970 */
    uint32_t watchdog_kind; /* enum board_watchdog */
    struct board_range rtc;
    struct board_range watchdog;

    uint32_t timer_hyp_ppi;   /* INTID of CNTHP, usually 26 */
    uint32_t timer_virt_ppi;  /* INTID of CNTV, usually 27 */
    uint32_t maintenance_ppi; /* INTID of the GIC maintenance interrupt, usually 25 */
    uint32_t pmu_ppi;         /* INTID of the PMU overflow interrupt, usually 23; 0 = none */
    uint32_t timer_phys_ppi;  /* INTID of CNTP, usually 30 */
    uint32_t console_cpu;     /* index of the CPU that serves the UART's interrupt */
    struct board_range smmu;  /* SMMUv3; not driven yet */
    struct board_range tpm;   /* TPM TIS page; not driven yet */
};

#endif
