/* SPDX-License-Identifier: Apache-2.0 */
/* One access or instruction at a time, with the exception it ended in, if any. */
#ifndef TEST_PROBE_H
#define TEST_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <guest/exception.h>

/* Nothing lies there in the layout of Xen guests, nor on QEMU's virt board. */
#define NOTHING_DEVICE UINT64_C(0x0f000000)   /* mapped as device memory */
#define NOTHING_NORMAL UINT64_C(0x6000000000) /* mapped as normal memory, 384 GiB */

struct probe {
    bool faulted;
    struct exception_frame frame; /* when faulted */
    uint64_t value;               /* x0 after it, when not */
};

/* width: bytes, 1 2 4 8 */
struct probe probe_read(uint64_t address, uint32_t width);
struct probe probe_write(uint64_t address, uint32_t width, uint64_t value);

/* Call address: with a fault there the frame's ELR is address. */
struct probe probe_fetch(uint64_t address);

/* Execute one instruction word with x0 = value and x1 = 0. */
struct probe probe_instruction(uint32_t word, uint64_t value);

/* MRS/MSR words; the register is x0. */
uint32_t word_mrs(uint32_t op0, uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2);
uint32_t word_msr(uint32_t op0, uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2);

/* Open SVE and SME in CPACR_EL1, so that what is hidden is UNDEFINED because of the hypervisor and not of this bit. */
void probe_open_extensions(void);

/* Many instructions, each with x0 = 0: write the words once, then probe by index.  count: 1..PROBE_BATCH. */
#define PROBE_BATCH 512u
void probe_prepare(const uint32_t *words, uint32_t count);
struct probe probe_prepared(uint32_t index);

/* test_fail() unless probe is a synchronous external abort of class ec at address. */
void check_abort(const struct probe *probe, uint32_t ec, uint64_t address);

/* test_fail() unless probe is UNDEFINED, taken to EL1 with EC 0. */
void check_undefined(const struct probe *probe);

#endif
