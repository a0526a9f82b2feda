/* SPDX-License-Identifier: Apache-2.0 */
/* A plan, its modules and a builder for the tests of the builder. */
#ifndef TEST_BUILDER_FIXTURE_H
#define TEST_BUILDER_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "builder.h"

#define MIB           UINT64_C(0x100000)
#define PAGE          UINT64_C(4096)
#define KERNEL_BYTES  (3 * MIB + 123)
#define RAMDISK_BYTES (PAGE + 1)

extern struct plan plan;
extern struct builder builder;

/* Modules as the archive holds them: 2 MiB aligned, with foreign bytes behind their ends.  The kernel is an arm64 Image
 * of 4 MiB with its bss; from byte 64 on, file and ramdisk are a pattern. */
extern uint8_t *kernel_file;
extern uint8_t *ramdisk_file;

/* cmocka's setup and teardown. */
int builder_start(void **state);
int builder_stop(void **state);

/* The next domain of the plan: 16 MiB, one vCPU, the kernel. */
struct plan_domain *builder_add(const char *name);
void builder_add_ramdisk(struct plan_domain *domain);

/* Build all domains in the order in which they were added. */
void builder_run_all(void);

/* Byte i of the pattern; and a file of it, with 0xcc up to `room`. */
uint8_t builder_pattern(uint64_t i);
void builder_fill(uint8_t *file, uint64_t size, uint64_t room);

/* A device tree from its source; freed by the caller. */
uint8_t *builder_compile(const char *path, uint64_t *size);

/* The pattern (its first `skip` bytes left out), or zeroes, in the domain's memory. */
void assert_file_at(uint16_t domid, uint64_t gaddr, uint64_t bytes, uint64_t skip);
void assert_zero_at(uint16_t domid, uint64_t gaddr, uint64_t bytes);

/* The domain runs, and its kernel, bss, device tree and memory are what they should be. */
void assert_whole_domain(uint16_t domid);

#endif
