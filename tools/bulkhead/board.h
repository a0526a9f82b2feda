/* SPDX-License-Identifier: Apache-2.0 */
/* A board: its YAML description (boards/NAME.yaml) and the table that the hypervisor reads. */
#ifndef TOOL_BOARD_H
#define TOOL_BOARD_H

#include <bulkhead/board.h>

#include "key.h"

/* Base and size of a piece of the physical address space. */
struct range {
    struct number base;
    struct number size;
    struct number maximum; /* RAM: the size that the board can have at most */
    struct place at;
};

struct board_gic {
    struct range distributor;
    struct range redistributors;
    struct number stride;
    struct number spis;
    struct number maintenance;
};

struct board_serial {
    struct number kind; /* enum board_uart */
    struct number base;
    struct number size;
    struct number interrupt;
};

struct board_timer {
    struct number hypervisor;
    struct number virtual;
    struct number physical;
};

struct board_dog {
    struct number kind; /* enum board_watchdog */
    struct number base;
    struct number size;
};

struct board_device {
    struct text name; /* path in the board's device tree */
    struct number base;
    struct number size;
    struct items interrupts; /* struct number, INTIDs */
    struct flag dma;
    struct items compatible; /* struct text */
    struct text alias;       /* what descriptions may call it */
};

struct board_qemu {
    struct text machine;
    struct text cpu;
    struct items cpus;    /* struct text: every model that works */
    struct number serial; /* which of QEMU's serial ports is the console */
    struct items arguments;
    struct flag device_tree; /* QEMU hands over a device tree of its own */
};

struct board {
    struct text name;
    struct text description;
    struct number cpus;  /* used unless the system says otherwise */
    struct items mpidrs; /* struct number: every CPU that the board may have */
    struct items memory; /* struct range */
    struct number psci;  /* enum board_conduit */
    struct board_gic gic;
    struct board_serial uart;
    struct range rtc;
    struct board_dog watchdog;
    struct board_timer timer;
    struct number pmu;
    struct range smmu;
    struct range tpm;
    struct number load_address; /* where the boot loader puts an image */
    struct items devices;       /* struct board_device */
    struct board_qemu qemu;
    struct place at;
};

extern const struct key_table board_keys;

/* Read and check a board description. Errors are in d; the result is usable only when there are none.
 * [impl->dsn~tool-board-description~1] */
void board_read(struct arena *arena, struct diags *d, const char *file, struct bytes text, struct board *board);

/* Give the board `cpus` CPUs and `memory` bytes of RAM (0 = the defaults); `at` is where that was asked for. */
void board_resize(struct diags *d, struct board *board, struct number cpus, struct number memory);

uint64_t board_memory(const struct board *board);

/* True when [base, base + size) lies in one RAM range of the board. */
bool board_has_ram(const struct board *board, uint64_t base, uint64_t size);

/* Write the table; the board has no errors. [impl->dsn~tool-board-table~1] */
void board_table_make(const struct board *board, struct board_table *table);

/* Report everything wrong with a table read from a file at `offset`; true when it is good. */
bool board_table_check(struct diags *d, const char *file, uint64_t offset, struct bytes data);

/* What a good table says, as a board; load_address is the lowest that fits, the table does not hold it. */
void board_from_table(struct arena *arena, const struct board_table *table, struct board *board);

#endif
