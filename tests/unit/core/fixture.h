/* SPDX-License-Identifier: Apache-2.0 */
/* A started machine with its Boot Domain about to run, hypercalls as a guest makes them, domains as a builder makes them. */
#ifndef CORE_FIXTURE_H
#define CORE_FIXTURE_H

#include "arch/host/host.h"
#include "bulkhead/bulkhead_op.h"
#include "core/boot.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/upcall.h"

#define IMAGE_AT     (HOST_RAM_BASE + 0x200000u)
#define BINARY_AT    (IMAGE_AT + 0x100000u)
#define BINARY_SIZE  0x10123u
#define ARCHIVE_AT   (IMAGE_AT + 0x200000u)
#define ARCHIVE_SIZE 0x2012d2u /* one 2 MiB entry and two pages */
#define RUNTIME_AT   (IMAGE_AT + 0x600000u)
#define RUNTIME_SIZE 0xe00000u
#define IMAGE_SIZE   (RUNTIME_AT + RUNTIME_SIZE - IMAGE_AT)
#define DTB_AT       (HOST_RAM_BASE + 0x3000100u)
#define DTB_SIZE     0x1f20u
#define FREE_RAM_AT  (HOST_RAM_BASE + 0x1600000u) /* nobody's, up to the device tree */
#define RAM_MIB      96u
#define BOOT_MEMORY  0x400000u

/* The machine as upcall_start() leaves it: boot vCPU current on CPU 0, other CPUs idle. */
struct vcpu *machine_start(void);
/* The same with changes to the boot information. NULL: the hypervisor halted. */
struct vcpu *machine_start_with(void (*change)(struct boot_info *info, struct image_descriptor *d));

/* v, on its home CPU, makes a hypercall; restarted as often as the hypervisor wants. */
int64_t hypercall(struct vcpu *v, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2);
int64_t hypercall5(struct vcpu *v, uint64_t nr, const uint64_t a[5]);
#define POINTER(p) ((uint64_t)(uintptr_t)(p))
/* Restarts of the last hypercall(). */
uint32_t restarts(void);
/* From now on a call ends after so many steps, and is not made again; 0 = when it is done. */
void limit_steps(uint32_t steps);

int64_t do_domctl(struct vcpu *v, uint32_t cmd, uint16_t domid, struct xen_domctl *op);
int64_t do_bulkhead(struct vcpu *v, uint32_t op, void *arg);
int64_t do_memory(struct vcpu *v, uint32_t op, void *arg);

/* RAM that nobody claimed joins the free pool. */
void claim_all(struct vcpu *boot);
/* A paused domain with vCPUs (vCPU 0 on), mib MiB at 1 GiB; each of its steps must succeed. */
uint16_t build_domain(struct vcpu *boot, const char *name, uint32_t vcpus, uint32_t mib);
struct domain *domain_of(uint16_t domid);
struct vcpu *vcpu_of(uint16_t domid, uint32_t id);
int64_t unpause(struct vcpu *by, uint16_t domid);
int64_t destroy(struct vcpu *by, uint16_t domid);
/* CPU id takes its messages and runs what it chooses: that vCPU, or NULL when it idles. */
struct vcpu *cpu_runs(uint32_t id);
/* Every CPU does so, until nothing changes. */
void settle(void);
int64_t move_right(struct vcpu *by, uint16_t right, uint16_t target, uint16_t receiver);
int64_t exit_boot(struct vcpu *boot, uint32_t status); /* domains of later may have everything */
int64_t exit_boot_with(struct vcpu *boot, uint32_t status, const struct bulkhead_dynamic *dynamic);

/* A small generator: the same numbers on every machine. */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *r);
uint64_t random_below(struct random *r, uint64_t n);

#endif
