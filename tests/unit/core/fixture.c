/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/init.h"
#include "lib/bits.h"

#include <string.h>

#define RESTART_LIMIT 1000000u

static struct image_descriptor descriptor;
static struct boot_info info;
static uint32_t last_restarts;
static uint32_t restart_limit = RESTART_LIMIT;

/* ---- the machine ---- */

static void fill(uint64_t at, uint64_t size, uint8_t seed)
{
    for (uint64_t i = 0; i < size; i++) {
        uint64_t a = at + i;
        ((uint8_t *)arch_map_frame(MFN(a >> PAGE_SHIFT)))[a & PAGE_MASK] = (uint8_t)(seed + i * 7u + (i >> 8));
    }
    for (uint64_t m = at >> PAGE_SHIFT; m <= (at + size - 1u) >> PAGE_SHIFT; m++) {
        arch_clean(MFN(m), 1); /* the boot loader did */
    }
}

static void start(void *arg)
{
    (void)arg;
    upcall_start(&info);
}

static void start_other(void *arg)
{
    upcall_cpu_started(arg);
}

static void fill_info(void)
{
    descriptor = (struct image_descriptor){.magic = IMAGE_DESCRIPTOR_MAGIC,
                                           .version = IMAGE_DESCRIPTOR_VERSION,
                                           .size = sizeof(descriptor),
                                           .boot_domain_memory = BOOT_MEMORY};
    info = (struct boot_info){.board = host_board(),
                              .descriptor = &descriptor,
                              .image = MADDR(IMAGE_AT),
                              .image_size = IMAGE_SIZE,
                              .boot_domain = MADDR(BINARY_AT),
                              .boot_domain_size = BINARY_SIZE,
                              .archive = MADDR(ARCHIVE_AT),
                              .archive_size = ARCHIVE_SIZE,
                              .dtb = MADDR(DTB_AT),
                              .dtb_size = DTB_SIZE,
                              .free = MADDR(RUNTIME_AT),
                              .free_size = RUNTIME_SIZE,
                              .ticks_reset = 17};
}

struct vcpu *machine_start_with(void (*change)(struct boot_info *info, struct image_descriptor *d))
{
    struct vcpu *boot;

    host_reset(RAM_MIB);
    fill(BINARY_AT, BINARY_SIZE, 1);
    fill(ARCHIVE_AT, ARCHIVE_SIZE, 2);
    fill(DTB_AT, DTB_SIZE, 3);
    fill_info();
    if (change != NULL) {
        change(&info, &descriptor);
    }
    boot = host_run(start, NULL);
    for (uint32_t i = 1; i < HOST_CPUS; i++) {
        struct vcpu *other;

        host_become(i);
        other = host_run(start_other, cpu_of(i));
        boot = (boot == NULL) ? other : boot;
    }
    host_become((boot != NULL) ? boot->home : 0u);
    return boot;
}

struct vcpu *machine_start(void)
{
    return machine_start_with(NULL);
}

/* ---- calls ---- */

int64_t hypercall(struct vcpu *v, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
    return hypercall5(v, nr, (const uint64_t[5]){a0, a1, a2, 0, 0});
}

int64_t hypercall5(struct vcpu *v, uint64_t nr, const uint64_t a[5])
{
    uint64_t args[5] = {a[0], a[1], a[2], a[3], a[4]};
    struct cpu *cpu;
    struct vcpu *before;
    int64_t result;

    host_become(v->home);
    cpu = this_cpu();
    before = cpu->current;
    cpu->current = v;
    last_restarts = 0;
    do {
        result = upcall_hypercall(v, nr, args);
        last_restarts++;
    } while (result == ERR_RESTART && last_restarts < restart_limit);
    last_restarts--;
    if (cpu->current == v) {
        cpu->current = before;
    }
    return result;
}

void limit_steps(uint32_t steps)
{
    restart_limit = (steps != 0u) ? steps : RESTART_LIMIT;
}

uint32_t restarts(void)
{
    return last_restarts;
}

int64_t do_domctl(struct vcpu *v, uint32_t cmd, uint16_t domid, struct xen_domctl *op)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    return hypercall(v, __HYPERVISOR_domctl, POINTER(op), 0, 0);
}

int64_t do_bulkhead(struct vcpu *v, uint32_t op, void *arg)
{
    return hypercall(v, HYPERVISOR_BULKHEAD_OP, op, POINTER(arg), 0);
}

int64_t do_memory(struct vcpu *v, uint32_t op, void *arg)
{
    return hypercall(v, __HYPERVISOR_memory_op, op, POINTER(arg), 0);
}

/* ---- domains ---- */

static void must(bool ok, const char *what)
{
    if (!ok) {
        host_fail("fixture: %s", what);
    }
}

static void claim(struct vcpu *boot, uint64_t from, uint64_t to)
{
    struct bulkhead_memory m = {.base = from, .size = to - from};

    must(do_bulkhead(boot, BULKHEAD_OP_CLAIM_MEMORY, &m) == OK, "claim");
}

void claim_all(struct vcpu *boot)
{
    uint64_t dtb = ALIGN_DOWN(DTB_AT, PAGE_SIZE);
    uint64_t behind = ALIGN_UP(DTB_AT + DTB_SIZE, PAGE_SIZE);

    claim(boot, HOST_RAM_BASE, IMAGE_AT);
    claim(boot, IMAGE_AT + IMAGE_SIZE, dtb);
    claim(boot, behind, HOST_RAM_BASE + host_ram_bytes());
}

static void populate(struct vcpu *boot, uint16_t domid, uint32_t mib)
{
    xen_pfn_t extents[64];
    struct xen_memory_reservation r = {.nr_extents = mib / 2u, .extent_order = 9, .domid = domid};

    must(mib <= 128u && mib % 2u == 0u, "memory in 2 MiB");
    for (uint32_t i = 0; i < mib / 2u; i++) {
        extents[i] = (GUEST_RAM0_BASE >> PAGE_SHIFT) + i * 512u;
    }
    r.extent_start.p = extents;
    must(do_memory(boot, XENMEM_populate_physmap, &r) == (int64_t)(mib / 2u), "populate");
}

uint16_t build_domain(struct vcpu *boot, const char *name, uint32_t vcpus, uint32_t mib)
{
    struct xen_domctl op = {0};
    struct bulkhead_domain id = {0};
    vcpu_guest_context_t context = {.flags = VGCF_online,
                                    .user_regs = {.pc64 = GUEST_RAM0_BASE, .cpsr = PSR_GUEST64_INIT}};
    uint16_t domid;

    op.u.createdomain = (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                                         .max_vcpus = vcpus,
                                                         .max_evtchn_port = -1,
                                                         .arch.nr_spis = 64};
    must(do_domctl(boot, XEN_DOMCTL_createdomain, 0, &op) == OK, "createdomain");
    domid = op.domain;
    op.u.paging_mempool.size = 64u << PAGE_SHIFT;
    must(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, domid, &op) == OK, "pool");
    op.u.max_mem.max_memkb = mib * 1024u;
    must(do_domctl(boot, XEN_DOMCTL_max_mem, domid, &op) == OK, "max_mem");
    op.u.max_vcpus.max = vcpus;
    must(do_domctl(boot, XEN_DOMCTL_max_vcpus, domid, &op) == OK, "max_vcpus");
    populate(boot, domid, mib);
    id.domid = domid;
    strncpy(id.name, name, sizeof(id.name) - 1u);
    must(do_bulkhead(boot, BULKHEAD_OP_SET_DOMAIN, &id) == OK, "identity");
    memset(&op, 0, sizeof(op));
    op.u.vcpucontext.ctxt.p = &context;
    must(do_domctl(boot, XEN_DOMCTL_setvcpucontext, domid, &op) == OK, "context");
    return domid;
}

struct domain *domain_of(uint16_t domid)
{
    return domain_at((domid == DOMID_BOOT) ? SLOT_BOOT : domid);
}

struct vcpu *vcpu_of(uint16_t domid, uint32_t id)
{
    return domain_of(domid)->vcpus[id];
}

int64_t unpause(struct vcpu *by, uint16_t domid)
{
    struct xen_domctl op = {0};

    return do_domctl(by, XEN_DOMCTL_unpausedomain, domid, &op);
}

int64_t destroy(struct vcpu *by, uint16_t domid)
{
    struct xen_domctl op = {0};

    return do_domctl(by, XEN_DOMCTL_destroydomain, domid, &op);
}

static void next(void *arg)
{
    arch_enter_guest(upcall_next(arg));
}

struct vcpu *cpu_runs(uint32_t id)
{
    uint32_t before = this_cpu()->id;
    struct vcpu *v;

    host_become(id);
    this_cpu()->work |= CPU_WORK_INBOX; /* a kick has arrived */
    v = host_run(next, this_cpu());
    host_become(before);
    return v;
}

void settle(void)
{
    for (uint32_t turn = 0; turn < 300u; turn++) {
        for (uint32_t i = 0; i < HOST_CPUS; i++) {
            (void)cpu_runs(i);
        }
    }
}

int64_t move_right(struct vcpu *by, uint16_t right, uint16_t target, uint16_t receiver)
{
    struct bulkhead_right_move m = {.right = right, .target = target, .receiver = receiver};

    return do_bulkhead(by, BULKHEAD_OP_MOVE_RIGHT, &m);
}

int64_t exit_boot_with(struct vcpu *boot, uint32_t status, const struct bulkhead_dynamic *dynamic)
{
    struct bulkhead_exit e = {.status = status, .action = BULKHEAD_EXIT_CONTINUE, .dynamic = *dynamic};

    return do_bulkhead(boot, BULKHEAD_OP_EXIT_BOOT_SERVICES, &e);
}

int64_t exit_boot(struct vcpu *boot, uint32_t status)
{
    return exit_boot_with(
        boot, status,
        &(struct bulkhead_dynamic){
            .memory = UINT64_MAX, .cpus = UINT64_MAX, .first = 1, .domains = MAX_DOMAINS - 1u, .vcpus = UINT32_MAX});
}

/* ---- numbers ---- */

uint64_t random_next(struct random *r)
{
    uint64_t z;

    r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = r->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t random_below(struct random *r, uint64_t n)
{
    return random_next(r) % n;
}
