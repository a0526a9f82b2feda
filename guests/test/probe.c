/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/mmu.h>
#include <guest/sysreg.h>
#include <guest/test.h>

#include "probe.h"

#define CPACR_ZEN  (UINT64_C(3) << 16)
#define CPACR_FPEN (UINT64_C(3) << 20)
#define CPACR_SMEN (UINT64_C(3) << 24)
#define WORD_RET   UINT32_C(0xd65f03c0)

struct request {
    uint64_t address;
    uint32_t width;
    uint64_t value;
};

static uint32_t code[2 * PROBE_BATCH] __attribute__((aligned(4096)));
static bool code_is_executable;

static void do_read(void *argument)
{
    struct request *request = argument;

    switch (request->width) {
    case 1:
        request->value = mmio_read8(request->address);
        break;
    case 2:
        request->value = mmio_read16(request->address);
        break;
    case 4:
        request->value = mmio_read32(request->address);
        break;
    default:
        request->value = mmio_read64(request->address);
        break;
    }
    dsb();
}

static void do_write(void *argument)
{
    struct request *request = argument;

    switch (request->width) {
    case 1:
        mmio_write8(request->address, (uint8_t)request->value);
        break;
    case 2:
        mmio_write16(request->address, (uint16_t)request->value);
        break;
    case 4:
        mmio_write32(request->address, (uint32_t)request->value);
        break;
    default:
        mmio_write64(request->address, request->value);
        break;
    }
    dsb();
}

static void do_call(void *argument)
{
    struct request *request = argument;
    register uint64_t x0 __asm__("x0") = request->value;
    register uint64_t x1 __asm__("x1") = 0;

    __asm__ volatile("blr %2"
                     : "+r"(x0), "+r"(x1)
                     : "r"(request->address)
                     : "memory", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x30", "cc");
    request->value = x0;
}

static struct probe run(void (*fn)(void *), struct request request)
{
    struct probe probe;

    probe.faulted = fault_call(fn, &request, &probe.frame);
    probe.value = request.value;
    return probe;
}

struct probe probe_read(uint64_t address, uint32_t width)
{
    return run(do_read, (struct request){.address = address, .width = width});
}

struct probe probe_write(uint64_t address, uint32_t width, uint64_t value)
{
    return run(do_write, (struct request){.address = address, .width = width, .value = value});
}

struct probe probe_fetch(uint64_t address)
{
    return run(do_call, (struct request){.address = address});
}

void probe_prepare(const uint32_t *words, uint32_t count)
{
    if (!code_is_executable) {
        mmu_set_page((uint64_t)code, MMU_RWX);
        code_is_executable = true;
    }
    for (uint32_t i = 0; i < count && i < PROBE_BATCH; i++) {
        code[2 * i] = words[i];
        code[2 * i + 1] = WORD_RET;
    }
    cache_flush(code, sizeof(code));
    __asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
}

struct probe probe_prepared(uint32_t index)
{
    return run(do_call, (struct request){.address = (uint64_t)&code[2 * index]});
}

struct probe probe_instruction(uint32_t word, uint64_t value)
{
    probe_prepare(&word, 1);
    return run(do_call, (struct request){.address = (uint64_t)code, .value = value});
}

void probe_open_extensions(void)
{
    WRITE_SYSREG(cpacr_el1, CPACR_FPEN | CPACR_ZEN | CPACR_SMEN);
    isb();
}

static uint32_t word_system(uint32_t op0, uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2)
{
    return UINT32_C(0xd5000000) | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5;
}

uint32_t word_mrs(uint32_t op0, uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2)
{
    return word_system(op0, op1, crn, crm, op2) | 1u << 21;
}

uint32_t word_msr(uint32_t op0, uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2)
{
    return word_system(op0, op1, crn, crm, op2);
}

void check_abort(const struct probe *probe, uint32_t ec, uint64_t address)
{
    if (!probe->faulted) {
        test_fail("0x%llx: no abort, value 0x%llx", (unsigned long long)address, (unsigned long long)probe->value);
    } else if (ESR_EC(probe->frame.esr) != ec || ESR_FSC(probe->frame.esr) != FSC_EXTERNAL) {
        test_fail("0x%llx: ESR 0x%llx, not EC 0x%x with status 0x10", (unsigned long long)address,
                  (unsigned long long)probe->frame.esr, (unsigned)ec);
    } else if (probe->frame.far != address) {
        test_fail("0x%llx: FAR is 0x%llx", (unsigned long long)address, (unsigned long long)probe->frame.far);
    }
}

void check_undefined(const struct probe *probe)
{
    if (!probe->faulted) {
        test_fail("no exception, x0 is 0x%llx", (unsigned long long)probe->value);
    } else if (ESR_EC(probe->frame.esr) != EC_UNKNOWN) {
        test_fail("ESR 0x%llx, not EC 0", (unsigned long long)probe->frame.esr);
    } else if (probe->frame.elr != (uint64_t)code) {
        test_fail("ELR 0x%llx is not the instruction at 0x%llx", (unsigned long long)probe->frame.elr,
                  (unsigned long long)code);
    }
}
