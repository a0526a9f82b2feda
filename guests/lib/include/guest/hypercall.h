/* SPDX-License-Identifier: Apache-2.0 */
/* Xen hypercalls from AArch64: number in x16, arguments in x0-x4, HVC #0xEA1, result in x0
 * (0 or positive, or a negative errno of the Xen ABI).  Buffers are virtual addresses of the caller. */
#ifndef GUEST_HYPERCALL_H
#define GUEST_HYPERCALL_H

#include <stdint.h>
#include <xen/xen.h>
#include <bulkhead/bulkhead_op.h>

static inline int64_t hypercall5(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    register uint64_t x0 __asm__("x0") = a0;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = a4;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x16) : : "memory");
    return (int64_t)x0;
}

static inline int64_t hypercall2(uint64_t number, uint64_t a0, uint64_t a1)
{
    return hypercall5(number, a0, a1, 0, 0, 0);
}

static inline int64_t hypercall3(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    return hypercall5(number, a0, a1, a2, 0, 0);
}

static inline int64_t memory_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_memory_op, cmd, (uint64_t)arg);
}

static inline int64_t xen_version(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_xen_version, cmd, (uint64_t)arg);
}

static inline int64_t console_io(unsigned int cmd, unsigned int count, const char *buffer)
{
    return hypercall3(__HYPERVISOR_console_io, cmd, count, (uint64_t)buffer);
}

static inline int64_t sched_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_sched_op, cmd, (uint64_t)arg);
}

static inline int64_t event_channel_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_event_channel_op, cmd, (uint64_t)arg);
}

static inline int64_t hvm_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_hvm_op, cmd, (uint64_t)arg);
}

static inline int64_t grant_table_op(unsigned int cmd, void *arg, unsigned int count)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, (uint64_t)arg, count);
}

static inline int64_t vcpu_op(unsigned int cmd, unsigned int vcpu, void *arg)
{
    return hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpu, (uint64_t)arg);
}

static inline int64_t domctl_op(void *domctl)
{
    return hypercall2(__HYPERVISOR_domctl, (uint64_t)domctl, 0);
}

static inline int64_t bulkhead_op(enum bulkhead_op op, void *arg)
{
    return hypercall2(HYPERVISOR_BULKHEAD_OP, op, (uint64_t)arg);
}

/* sched_op(SCHEDOP_shutdown); reason: SHUTDOWN_*.  Falls back to PSCI SYSTEM_OFF where there is no Xen ABI. */
void shutdown(unsigned int reason) __attribute__((noreturn));

#endif
