/* SPDX-License-Identifier: Apache-2.0 */
/* What guests ask for: every call by its structure, every field now and then as it should not be. */
#include "abuse.h"
#include "arch/contract/arch.h"

#include <stdio.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>

/* Fields of a structure in order, each aligned to its size:
 * d domid  w small 16-bit  z 16-bit zero
 * p port   r grant reference  v vCPU  h handle  f map flags  o offset in a page  O order  s map space  i HVM parameter
 * I interface version (domctl)  J (sysctl)  n small 32-bit  0 32-bit zero
 * g guest frame  A guest address of a frame  R reference or guest frame  a pointer  N small 64-bit  x anything
 * m machine frame  M its address  T a name of 32 bytes  e 0 to 2, 64-bit  k 0 to 2, 16-bit */
struct shape {
    uint32_t nr, op;
    const char *fields;
    uint16_t size; /* of one structure of an array; 0 = there is one structure */
    uint8_t at;    /* which argument is its address */
};

#define EVTCHN(op, fields)    {__HYPERVISOR_event_channel_op, op, fields, 0, 1}
#define GRANT(op, fields, st) {__HYPERVISOR_grant_table_op, op, fields, sizeof(struct st), 1}
#define MEMORY(op, fields)    {__HYPERVISOR_memory_op, op, fields, 0, 1}
#define DOMCTL(op, fields)    {__HYPERVISOR_domctl, op, "cIdzzz" fields, 0, 0}
#define SYSCTL(op, fields)    {__HYPERVISOR_sysctl, op, "cJ" fields, 0, 0}
#define OURS(op, fields)      {HYPERVISOR_BULKHEAD_OP, op, fields, 0, 1}

static const struct shape shapes[] = {
    EVTCHN(EVTCHNOP_bind_interdomain, "dzpp"),
    EVTCHN(EVTCHNOP_bind_interdomain, "dzpp"),
    EVTCHN(EVTCHNOP_bind_interdomain, "dzpp"),
    EVTCHN(EVTCHNOP_bind_interdomain, "dzpp"),
    EVTCHN(EVTCHNOP_bind_interdomain, "dzpp"),
    EVTCHN(EVTCHNOP_bind_virq, "nvp"),
    EVTCHN(EVTCHNOP_bind_pirq, "nnp"),
    EVTCHN(EVTCHNOP_close, "p"),
    EVTCHN(EVTCHNOP_send, "p"),
    EVTCHN(EVTCHNOP_send, "p"),
    EVTCHN(EVTCHNOP_send, "p"),
    EVTCHN(EVTCHNOP_status, "dzpnnnn"),
    EVTCHN(EVTCHNOP_alloc_unbound, "ddp"),
    EVTCHN(EVTCHNOP_alloc_unbound, "ddp"),
    EVTCHN(EVTCHNOP_alloc_unbound, "ddp"),
    EVTCHN(EVTCHNOP_alloc_unbound, "ddp"),
    EVTCHN(EVTCHNOP_bind_ipi, "vp"),
    EVTCHN(EVTCHNOP_bind_vcpu, "pv"),
    EVTCHN(EVTCHNOP_unmask, "p"),
    EVTCHN(EVTCHNOP_reset, "d"),
    EVTCHN(EVTCHNOP_init_control, "gov"),
    EVTCHN(EVTCHNOP_expand_array, "g"),
    EVTCHN(EVTCHNOP_set_priority, "pn"),
    GRANT(GNTTABOP_map_grant_ref, "Afrdz0x", gnttab_map_grant_ref),
    GRANT(GNTTABOP_map_grant_ref, "Afrdz0x", gnttab_map_grant_ref),
    GRANT(GNTTABOP_unmap_grant_ref, "ANh", gnttab_unmap_grant_ref),
    GRANT(GNTTABOP_unmap_grant_ref, "ANh", gnttab_unmap_grant_ref),
    GRANT(GNTTABOP_setup_table, "dn0a", gnttab_setup_table),
    GRANT(GNTTABOP_transfer, "gdr", gnttab_transfer),
    GRANT(GNTTABOP_copy, "RdozRdozww", gnttab_copy),
    GRANT(GNTTABOP_query_size, "d", gnttab_query_size),
    GRANT(GNTTABOP_unmap_and_replace, "AAh", gnttab_unmap_and_replace),
    GRANT(GNTTABOP_set_version, "n", gnttab_set_version),
    GRANT(GNTTABOP_get_status_frames, "ndza", gnttab_get_status_frames),
    GRANT(GNTTABOP_get_version, "d", gnttab_get_version),
    GRANT(GNTTABOP_swap_grant_ref, "rr", gnttab_swap_grant_ref),
    GRANT(GNTTABOP_cache_flush, "Rwwn", gnttab_cache_flush),
    MEMORY(XENMEM_populate_physmap, "aNOndz"),
    MEMORY(XENMEM_populate_physmap, "aNOndz"),
    MEMORY(XENMEM_decrease_reservation, "aNOndz"),
    MEMORY(XENMEM_increase_reservation, "aNOndz"),
    MEMORY(XENMEM_current_reservation, "d"),
    MEMORY(XENMEM_maximum_reservation, "d"),
    MEMORY(XENMEM_maximum_gpfn, "d"),
    MEMORY(XENMEM_add_to_physmap, "dwseg"),
    MEMORY(XENMEM_add_to_physmap, "dwseg"),
    MEMORY(XENMEM_add_to_physmap_batch, "dSwdaaa"),
    MEMORY(XENMEM_acquire_resource, "dk0n0ea"),
    MEMORY(XENMEM_acquire_resource, "dk0n0ea"),
    MEMORY(XENMEM_remove_from_physmap, "d000g"),
    MEMORY(XENMEM_remove_from_physmap, "d000g"),
    {__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, "go0", 0, 2},
    {__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, "a", 0, 2},
    {__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, "", 0, 2},
    {__HYPERVISOR_vcpu_op, VCPUOP_is_up, "", 0, 2},
    {__HYPERVISOR_sched_op, SCHEDOP_yield, "", 0, 1},
    {__HYPERVISOR_sched_op, SCHEDOP_block, "", 0, 1},
    {__HYPERVISOR_sched_op, SCHEDOP_poll, "an0N", 0, 1},
    {__HYPERVISOR_sched_op, SCHEDOP_shutdown, "n", 0, 1},
    {__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, "n", 0, 1},
    {__HYPERVISOR_sched_op, SCHEDOP_watchdog, "nn", 0, 1},
    {__HYPERVISOR_hvm_op, HVMOP_get_param, "dzix", 0, 1},
    {__HYPERVISOR_hvm_op, HVMOP_set_param, "dzix", 0, 1},
    {__HYPERVISOR_xen_version, 0, "nn", 0, 1},
    {__HYPERVISOR_console_io, 0, "xxxx", 0, 2},
    DOMCTL(XEN_DOMCTL_destroydomain, ""),
    DOMCTL(XEN_DOMCTL_pausedomain, ""),
    DOMCTL(XEN_DOMCTL_unpausedomain, ""),
    DOMCTL(XEN_DOMCTL_resumedomain, ""),
    DOMCTL(XEN_DOMCTL_max_mem, "N"),
    DOMCTL(XEN_DOMCTL_max_vcpus, "v"),
    DOMCTL(XEN_DOMCTL_setvcpucontext, "v0a"),
    DOMCTL(XEN_DOMCTL_getvcpucontext, "v0a"),
    DOMCTL(XEN_DOMCTL_setvcpuaffinity, "vnanan"),
    DOMCTL(XEN_DOMCTL_getvcpuaffinity, "vnanan"),
    DOMCTL(XEN_DOMCTL_getvcpuinfo, "v"),
    DOMCTL(XEN_DOMCTL_getdomaininfo, ""),
    DOMCTL(XEN_DOMCTL_setdomainhandle, "xx"),
    DOMCTL(XEN_DOMCTL_set_paging_mempool_size, "A"),
    DOMCTL(XEN_DOMCTL_get_paging_mempool_size, ""),
    DOMCTL(XEN_DOMCTL_cacheflush, "gN"),
    DOMCTL(XEN_DOMCTL_iomem_permission, "mNn"),
    DOMCTL(XEN_DOMCTL_memory_mapping, "gmNn"),
    DOMCTL(XEN_DOMCTL_irq_permission, "w"),
    DOMCTL(XEN_DOMCTL_bind_pt_irq, "nnnn"),
    DOMCTL(XEN_DOMCTL_unbind_pt_irq, "nnnn"),
    DOMCTL(XEN_DOMCTL_scheduler_op, "nnNN"),
    DOMCTL(XEN_DOMCTL_createdomain, "xx00vnnnn"),
    SYSCTL(XEN_SYSCTL_readconsole, "wznna"),
    SYSCTL(XEN_SYSCTL_sched_id, ""),
    SYSCTL(XEN_SYSCTL_scheduler_op, "nnnna"),
    SYSCTL(XEN_SYSCTL_physinfo, ""),
    SYSCTL(XEN_SYSCTL_getdomaininfolist, "dnan"),
    OURS(BULKHEAD_OP_BOARD, "anz"),
    OURS(BULKHEAD_OP_CLAIM_MEMORY, "MAA"),
    OURS(BULKHEAD_OP_POPULATE_STATIC, "dzzzmgN"),
    OURS(BULKHEAD_OP_MOVE_FRAMES, "dzoggN"),
    OURS(BULKHEAD_OP_SET_DOMAIN, "dknT"),
    OURS(BULKHEAD_OP_MOVE_RIGHT, "dddz"),
    OURS(BULKHEAD_OP_MOVE_RIGHT, "wddz"),
    OURS(BULKHEAD_OP_MAP_OUTSIDE, "MAA"),
    OURS(BULKHEAD_OP_BOOT_RECORD, ""),
    OURS(BULKHEAD_OP_SEED_GRANT, "ddrg"),
    OURS(BULKHEAD_OP_CONSOLE, "dkna"),
    OURS(BULKHEAD_OP_BIND_CHANNEL, "ddppn"),
    OURS(BULKHEAD_OP_CHANNEL_EARLY, "dzpx"),
    OURS(BULKHEAD_OP_SHARE_MEMORY, "dw0mgN"),
    OURS(BULKHEAD_OP_SEAL_IMAGE, "dzzzgN"),
    OURS(BULKHEAD_OP_SEAL_LAUNCH, "dzzzgN"),
    OURS(BULKHEAD_OP_SET_HEALTH, "dknN"),
    OURS(BULKHEAD_OP_RESTART, "d"),
    OURS(BULKHEAD_OP_LIFE, "d"),
    OURS(BULKHEAD_OP_POWER, "nn"),
    OURS(BULKHEAD_OP_SET_POOL, "nnNN"),
    OURS(BULKHEAD_OP_SET_SCHEDULE, "nnn0a"),
    OURS(BULKHEAD_OP_SWITCH_SCHEDULE, "nn"),
    OURS(BULKHEAD_OP_GET_DOMAIN, "d"),
    OURS(BULKHEAD_OP_RIGHTS, "d"),
    OURS(BULKHEAD_OP_FOCUS, "d"),
    OURS(BULKHEAD_OP_TRACE, "nnNNn0a"),
    OURS(BULKHEAD_OP_SET_LABELS, "xxxx"),
};

#define ARGUMENT_BYTES 256u
#define LISTS          64u /* calls of a multicall at most */

uint64_t grammar_args(const struct domain *d)
{
    return (d->slot == SLOT_BOOT) ? RAM_GFN + RAM_FRAMES : RAM_GFN;
}

/* ---- values ---- */

static uint64_t odd(void)
{
    switch (below(5)) {
    case 0:
        return UINT64_C(1) << below(64);
    case 1:
        return (UINT64_C(1) << below(64)) - 1u;
    case 2:
        return (uint64_t)0 - below(5000);
    case 3:
        return below(5000);
    default:
        return random_next(&abuse_random);
    }
}

static uint64_t domid(void)
{
    static const uint16_t special[] = {DOMID_SELF, DOMID_BOOT, DOMID_IO, DOMID_XEN, DOMID_INVALID, DOMID_COW, 0};
    uint32_t n = below(16);

    return (n < 8u) ? abuse_ids[below(DOMAINS)] : (n < 14u) ? DOMID_SELF : special[below(ARRAY_SIZE(special))];
}

static uint64_t gfn(void)
{
    uint32_t n = below(16);

    return (n < 7u)    ? MAP_GFN + below(MAP_FRAMES)
           : (n < 14u) ? RAM_GFN + below(RAM_FRAMES)
           : (n < 15u) ? RAM_GFN - 1u + below(3)
                       : odd();
}

/* An address of the guest's: its pages for arguments, their ends, what it maps, nothing. */
static uint64_t pointer(const struct domain *d)
{
    uint64_t base = grammar_args(d) << PAGE_SHIFT;

    switch (below(24)) {
    case 0:
        return base + below(ARG_PAGES) * PAGE_SIZE + PAGE_SIZE - below(64); /* across a page, or into nothing */
    case 1:
        return ((MAP_GFN + below(MAP_FRAMES)) << PAGE_SHIFT) + below(4096); /* read only, foreign, gone */
    case 2:
        return odd();
    case 3:
        return base + below(4000); /* misaligned */
    default:
        return base + below(2u * 4096u / 8u) * 8u;
    }
}

static uint64_t narrow(uint32_t often, uint64_t below_this)
{
    return (below(often) != 0u) ? below((uint32_t)below_this) : odd();
}

static uint64_t version(char kind)
{
    return (below(40) == 0u) ? odd() : (kind == 'I') ? XEN_DOMCTL_INTERFACE_VERSION : XEN_SYSCTL_INTERFACE_VERSION;
}

static uint64_t map_space(void)
{
    static const uint32_t spaces[] = {XENMAPSPACE_shared_info, XENMAPSPACE_grant_table, XENMAPSPACE_gmfn_foreign,
                                      XENMAPSPACE_gmfn, XENMAPSPACE_dev_mmio};

    return spaces[below(ARRAY_SIZE(spaces))];
}

static uint64_t parameter(void)
{
    static const uint32_t known[] = {HVM_PARAM_CALLBACK_IRQ, HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN,
                                     HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN};

    return (below(4) != 0u) ? known[below(ARRAY_SIZE(known))] : odd();
}

static uint64_t machine_frame(void)
{
    return (below(4) != 0u) ? (HOST_RAM_BASE >> PAGE_SHIFT) + below(RAM_MIB << 8) : odd();
}

static uint64_t value(char kind, const struct domain *d, const struct call *c)
{
    switch (kind) {
    case 'c':
        return c->args[4]; /* the operation */
    case 'd':
        return domid();
    case 'w':
        return narrow(6, 32);
    case 'p':
        return narrow(30, 12);
    case 'r':
        return narrow(30, 40);
    case 'v':
        return narrow(12, 3);
    case 'h':
        return narrow(20, 80);
    case 'f':
        return (below(8) == 0u) ? odd() : GNTMAP_host_map | (below(3) == 0u ? GNTMAP_readonly : 0u);
    case 'o':
        return (below(8) == 0u) ? odd() : below(64) * 64u;
    case 'O':
        return (below(6) == 0u) ? narrow(3, 12) : 0u;
    case 's':
    case 'S':
        return map_space();
    case 'i':
        return parameter();
    case 'I':
    case 'J':
        return version(kind);
    case 'n':
        return narrow(10, 8);
    case 'N':
        return narrow(14, 40);
    case 'e':
    case 'k':
        return narrow(12, 3);
    case 'g':
        return gfn();
    case 'A':
        return gfn() << PAGE_SHIFT;
    case 'R':
        return (below(2) == 0u) ? gfn() : below(40);
    case 'a':
        return pointer(d);
    case 'm':
        return machine_frame();
    case 'M':
        return machine_frame() << PAGE_SHIFT;
    case 'x':
        return odd();
    default:
        return (below(50) == 0u) ? odd() : 0u;
    }
}

static uint32_t width(char kind)
{
    return (strchr("dwzSk", kind) != NULL) ? 2u : (strchr("gARaNxmMe", kind) != NULL) ? 8u : 4u;
}

/* ---- a structure in the guest's memory ---- */

void *guest_frame(struct domain *d, uint64_t at)
{
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(at));
    spin_unlock(&d->physmap_lock);
    return (e.mapping != MAPPING_NONE && e.mapping != MAPPING_DEVICE && (e.access & ACCESS_RW) == ACCESS_RW)
               ? arch_map_frame(e.mfn)
               : NULL;
}

/* Who writes memory of another domain cleans it, as a guest has to before that one runs with caches off. */
static void clean_of_others(struct domain *d, uint64_t at)
{
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(at));
    spin_unlock(&d->physmap_lock);
    if (e.mapping != MAPPING_RAM && e.mapping != MAPPING_NONE) {
        arch_clean(e.mfn, 1);
    }
}

static void store(struct domain *d, uint64_t address, const uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) { /* across pages */
        uint64_t a = address + i;
        uint8_t *frame = (a >> 44 == 0u) ? guest_frame(d, a >> PAGE_SHIFT) : NULL;

        if (frame == NULL) {
            return;
        }
        frame[a & PAGE_MASK] = bytes[i];
        clean_of_others(d, a >> PAGE_SHIFT);
    }
}

static uint32_t put_fields(uint8_t *to, const char *fields, const struct domain *d, const struct call *c)
{
    uint32_t used = 0;

    for (const char *f = fields; *f != '\0' && used + 32u <= ARGUMENT_BYTES; f++) {
        uint64_t v;
        uint32_t n = width(*f);

        if (*f == 'T') {
            memcpy(to + used, (below(2) == 0u) ? "abu" : "x y", 4);
            used += 32u;
            continue;
        }
        v = value(*f, d, c);
        used = (used + n - 1u) & ~(n - 1u);
        memcpy(to + used, &v, n);
        used += n;
    }
    return used;
}

static void put_structures(struct vcpu *v, const struct shape *s, struct call *c)
{
    uint8_t bytes[ARGUMENT_BYTES];
    uint32_t count = (s->size != 0u) ? 1u + below(3) * below(9) : 1u;
    uint64_t at = pointer(v->domain);

    c->args[s->at] = at;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n;

        memset(bytes, 0, sizeof(bytes));
        n = put_fields(bytes, s->fields, v->domain, c);
        if (below(12) == 0u) {
            bytes[below(ARGUMENT_BYTES)] ^= (uint8_t)random_next(&abuse_random);
        }
        store(v->domain, at + (uint64_t)i * s->size, bytes, (s->size != 0u) ? s->size : (n > 0u) ? n + 8u : 0u);
    }
    if (s->nr == __HYPERVISOR_grant_table_op) {
        c->args[2] = (below(20) == 0u) ? odd() : count;
    }
}

static void single_call(struct vcpu *v, struct call *c)
{
    const struct shape *s = &shapes[below(ARRAY_SIZE(shapes))];

    *c = (struct call){.nr = s->nr, .args = {s->op, odd(), odd(), odd(), s->op}};
    if (s->nr == __HYPERVISOR_vcpu_op) {
        c->args[1] = value('v', v->domain, c);
    }
    if (s->nr == __HYPERVISOR_xen_version || s->nr == __HYPERVISOR_console_io) {
        c->args[0] = narrow(8, 12);
        c->args[1] = narrow(8, 40);
    }
    if (s->nr == __HYPERVISOR_event_channel_op && s->op == EVTCHNOP_reset && below(8) != 0u) {
        c->args[0] = EVTCHNOP_send; /* there would be no channels */
    }
    put_structures(v, s, c);
    if (below(30) == 0u) { /* another operation on this structure, or a restart that never was */
        c->args[(s->at == 0u) ? 1u : 0u] = (below(2) == 0u) ? odd() : s->op | (uint64_t)below(64) << 6;
    }
    if (below(60) == 0u) {
        c->nr = odd();
    }
}

void grammar_call(struct vcpu *v, struct call *out)
{
    struct multicall_entry e = {0};
    uint64_t at = pointer(v->domain);
    uint32_t n;

    if (below(40) != 0u) {
        single_call(v, out);
        return;
    }
    n = below(6);
    for (uint32_t i = 0; i < n; i++) {
        single_call(v, out);
        e.op = out->nr;
        memcpy(e.args, out->args, sizeof(out->args));
        store(v->domain, at + i * sizeof(e), (const uint8_t *)&e, sizeof(e));
    }
    *out = (struct call){.nr = __HYPERVISOR_multicall, .args = {at, (below(10) == 0u) ? below(LISTS) : n}};
}

void grammar_scribble(struct domain *d)
{
    uint32_t what = below(6);
    uint64_t at = (what < 2u) ? grammar_args(d) + below(ARG_PAGES) : (what < 4u) ? GRANT_GFN : gfn();
    uint32_t *words = (at >> 32 == 0u) ? guest_frame(d, at) : NULL;
    uint32_t n = 1u + below(16);

    for (uint32_t i = 0; words != NULL && i < n; i++) {
        struct grant_entry_v1 e = {.flags = GTF_permit_access, .domid = (uint16_t)domid(), .frame = (uint32_t)gfn()};

        if (below(4) == 0u) {
            e.flags = (uint16_t)below(32);
        }
        if (below(2) == 0u) {
            memcpy(&words[below(40) * 2u], &e, sizeof(e));
        } else {
            words[below(1024)] = (uint32_t)odd();
        }
    }
    if (words != NULL) {
        clean_of_others(d, at);
    }
}

const char *grammar_name(const struct call *c)
{
    static char text[160];

    snprintf(text, sizeof(text), "call %lu (0x%lx, 0x%lx, 0x%lx, 0x%lx)", (unsigned long)c->nr,
             (unsigned long)c->args[0], (unsigned long)c->args[1], (unsigned long)c->args[2],
             (unsigned long)c->args[3]);
    return text;
}
