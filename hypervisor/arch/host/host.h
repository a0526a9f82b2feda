/* SPDX-License-Identifier: Apache-2.0 */
/* What a test does to the modelled machine.
 *
 * RAM is one arena that starts at HOST_RAM_BASE, seen twice: as a CPU with caches sees it (arch_map_frame), and as a
 * CPU with caches off does (host_memory).  Cleaning copies the first to the second.  A domain that is entered for the
 * first time has no frame in which they differ, or the test fails.
 * Guest virtual addresses: below 2^44 they are guest-physical ones (a guest with its MMU off), above they are pointers
 * of the test itself.
 * [impl->dsn~host-model~1] */
#ifndef ARCH_HOST_HOST_H
#define ARCH_HOST_HOST_H

#include "bulkhead/board.h"
#include "lib/types.h"

#include <setjmp.h>

#define HOST_RAM_BASE UINT64_C(0x40000000)
#define HOST_HZ       UINT64_C(62500000)
#define HOST_CPUS     4u
#define HOST_CONSOLE  65536u
#define HOST_GICD     UINT64_C(0x08000000)
#define HOST_UART     UINT64_C(0x09000000)
#define HOST_UART_IRQ 33u
#define HOST_SPIS     96u

struct domain;
struct vcpu;

/* RAM of ram_mib MiB, all models forget what was; this thread is CPU 0. */
void host_reset(uint32_t ram_mib);
void host_become(uint32_t cpu);
/* What a CPU with its caches off reads in a frame. */
const void *host_memory(mfn_t mfn);
uint32_t host_muted(void); /* the SPI that arch_spi_mute() got last */
/* The board: HOST_CPUS CPUs, one RAM range. */
const struct board_table *host_board(void);
uint64_t host_ram_bytes(void);

void host_set_ticks(ticks_t now);
void host_add_ticks(ticks_t n);
void host_set_wallclock(uint64_t seconds);
void host_break_cpu(uint32_t id); /* arch_cpu_start refuses it */
uint32_t host_kicks(uint32_t id); /* arch_cpu_kick calls so far */
/* What other CPUs do between a kick and the kicker's next instruction; NULL = nothing. */
void host_at_kick(void (*fn)(uint32_t id));

/* The n-th copy_in or copy_out from now on fails (1 = the next); 0 = none does. */
void host_fail_copy(uint32_t n);
uint32_t host_copies(void); /* copies so far */
/* Guests' addresses are guest-physical only: the test's own pointers are a fault like any that is not mapped. */
void host_refuse_pointers(bool refuse);
/* What another vCPU of the guest does at the worst moment: called before every copy; NULL = nothing. */
void host_before_copy(void (*fn)(void));

/* Console: what was written, NUL-terminated; room = bytes the device takes until more are allowed. */
const char *host_console(void);
void host_console_clear(void);
void host_console_room(size_t room);
bool host_console_wanted(void);
/* What others do while the device is written, with the console's lock held; NULL = nothing. */
void host_console_at_write(void (*fn)(void));

/* Run fn until it enters a guest (returns the vCPU) or idles with nothing to do (returns NULL). */
struct vcpu *host_run(void (*fn)(void *), void *arg);
/* Inside host_run: idle CPUs jump to their next timer this many times before it counts as nothing to do. */
void host_idle_timers(uint32_t n);

/* The models' findings: a test fails at once with what and where. */
_Noreturn void host_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Stage 2 writes are published and every old entry is flushed, unless d is dying.  d NULL: all domains. */
void host_check_stage2(const struct domain *d);
/* A frame is being reused: no TLB may know it. */
void host_check_reuse(mfn_t mfn, uint64_t count);
void host_stage2_reset(void);

#endif
