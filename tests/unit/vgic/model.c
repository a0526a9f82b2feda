/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include "arch/arm64/vgic_internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define VMCR_EOIM  BIT(9)
#define VMCR_VENG1 BIT(1)
#define SETTLE_MAX 1000u

struct model model;
_Thread_local struct cpu *model_this_cpu;

static struct model_cpu *here(void)
{
    return CONTAINER_OF(model_this_cpu, struct model_cpu, cpu);
}

/* ---- what the code under test calls ---- */

void assert_failed(const char *what, const char *file, unsigned line)
{
    fail_msg("ASSERT(%s) at %s:%u", what, file, line);
    abort();
}

void vcpu_notify(struct vcpu *v, uint32_t bits)
{
    (void)__atomic_fetch_add(&model.notifications, 1u, __ATOMIC_RELAXED);
    (void)__atomic_fetch_or(&v->notify, bits, __ATOMIC_ACQ_REL);
}

void upcall_console_output(struct domain *d, char c)
{
    assert_ptr_equal(d, &model.domain);
    model.output[model.output_used++ % sizeof(model.output)] = c;
}

err_t pool_alloc(struct domain *d, mfn_t *out)
{
    assert_ptr_equal(d, &model.domain);
    if (model.frames_left == 0u) {
        return ERR_NOMEM;
    }
    model.frames_left--;
    for (uint32_t i = 0; i < ARRAY_SIZE(model.frames); i++) {
        if (model.frames[i] == NULL) {
            model.frames[i] = calloc(1, PAGE_SIZE);
            model.frames_used++;
            *out = MFN(i + 1u);
            return OK;
        }
    }
    return ERR_NOMEM;
}

void pool_free(struct domain *d, mfn_t mfn)
{
    assert_ptr_equal(d, &model.domain);
    assert_non_null(model.frames[mfn.v - 1u]);
    free(model.frames[mfn.v - 1u]);
    model.frames[mfn.v - 1u] = NULL;
    model.frames_used--;
    model.frames_left++;
}

void *arch_map_frame(mfn_t mfn)
{
    return model.frames[mfn.v - 1u];
}

/* ---- the hardware, hypervisor's side ---- */

static uint32_t prebits(const struct model_cpu *c)
{
    return c->options.pribits;
}

uint64_t vgic_hw_vtr(void)
{
    const struct model_options *o = &here()->options;

    return (uint64_t)(o->pribits - 1u) << 29 | (uint64_t)(prebits(here()) - 1u) << 26 | (o->no_tds ? 0u : BIT(19)) |
           (o->lrs - 1u);
}

/* What hardware keeps of a list register; an interrupt in two of them is unpredictable. */
static void check_lrs(const struct model_cpu *c)
{
    for (uint32_t i = 0; i < c->options.lrs; i++) {
        uint64_t a = c->lr[i];
        if ((a & LR_STATE) == 0u) {
            continue;
        }
        if ((a & LR_HW) != 0u) {
            uint32_t pint = (uint32_t)FIELD(a, 44, 32);
            assert_true((a & LR_STATE) != LR_STATE);
            assert_true(pint >= 16u && pint < 32u && (c->phys_active & BIT(pint)) != 0u);
        }
        for (uint32_t j = i + 1u; j < c->options.lrs; j++) {
            assert_false((c->lr[j] & LR_STATE) != 0u && (uint32_t)a == (uint32_t)c->lr[j]);
        }
    }
}

uint64_t vgic_hw_lr(uint32_t n)
{
    assert_true(n < here()->options.lrs);
    here()->lr_reads++;
    return here()->lr[n];
}

void vgic_hw_set_lr(uint32_t n, uint64_t value)
{
    struct model_cpu *c = here();
    uint64_t prio_mask = (0xffu << (8u - c->options.pribits)) & 0xffu;

    assert_true(n < c->options.lrs);
    c->lr_writes++;
    c->lr[n] = (value & ~BITS(55, 48)) | (value & prio_mask << 48);
}

uint64_t vgic_hw_hcr(void)
{
    return here()->hcr;
}
void vgic_hw_set_hcr(uint64_t value)
{
    here()->hcr = value;
}
uint64_t vgic_hw_vmcr(void)
{
    return here()->vmcr;
}
void vgic_hw_set_vmcr(uint64_t value)
{
    here()->vmcr = value;
}
void vgic_hw_set_sre(uint64_t value)
{
    assert_int_equal(value & 1u, 1);
}
uint64_t vgic_hw_elrsr(void)
{
    const struct model_cpu *c = here();
    uint64_t value = 0;

    for (uint32_t i = 0; i < c->options.lrs; i++) {
        bool eoi = (c->lr[i] & LR_HW) == 0u && (c->lr[i] & LR_EOI) != 0u;
        value |= ((c->lr[i] & LR_STATE) == 0u && !eoi) ? BIT(i) : 0u;
    }
    return value;
}
void vgic_hw_deactivate(uint64_t pintid)
{
    assert_true((here()->phys_active & BIT(pintid)) != 0u);
    here()->phys_active &= ~(uint32_t)BIT(pintid);
    here()->deactivations++;
}
static uint32_t aprs(const struct model_cpu *c)
{
    return 1u << (prebits(c) - 5u);
}
void vgic_hw_apr(uint32_t n, uint32_t *ap0, uint32_t *ap1)
{
    assert_true(n < aprs(here()));
    *ap0 = here()->ap0r[n];
    *ap1 = here()->ap1r[n];
}
void vgic_hw_set_apr(uint32_t n, uint32_t ap0, uint32_t ap1)
{
    assert_true(n < aprs(here()));
    here()->ap0r[n] = ap0;
    here()->ap1r[n] = ap1;
}
void vgic_hw_sync(void) {}
bool vgic_hw_line(uint32_t vintid)
{
    return vintid != 27u || (here()->phys_lines & BIT(27)) != 0u;
}

uint32_t model_misr(const struct model_cpu *c)
{
    uint32_t misr = 0;
    bool pending = false;

    for (uint32_t i = 0; i < c->options.lrs; i++) {
        uint64_t lr = c->lr[i];
        misr |= ((lr & LR_STATE) == 0u && (lr & LR_HW) == 0u && (lr & LR_EOI) != 0u) ? 1u : 0u;
        pending = pending || (lr & LR_STATE) == LR_PENDING;
    }
    misr |= ((c->hcr & ICH_HCR_LRENPIE) != 0u && (c->hcr >> ICH_HCR_EOICOUNT_SHIFT) != 0u) ? 4u : 0u;
    misr |= ((c->hcr & ICH_HCR_NPIE) != 0u && !pending) ? 8u : 0u;
    return ((c->hcr & ICH_HCR_EN) != 0u) ? misr : 0u;
}

/* ---- the guest's side ---- */

static struct model_cpu *guest(struct vcpu *v)
{
    struct model_cpu *c = model_enter(v);

    assert_ptr_equal(c->cpu.arch.loaded, v);
    return c;
}

static uint32_t highest_active(const struct model_cpu *c)
{
    for (uint32_t i = 0; i < aprs(c); i++) {
        uint32_t bits = c->ap1r[i] | c->ap0r[i];
        if (bits != 0u) {
            return (i * 32u + (uint32_t)__builtin_ctz(bits)) << (8u - prebits(c));
        }
    }
    return 0x100u;
}

uint32_t guest_group_priority(struct vcpu *v, uint32_t priority)
{
    /* VBPR1 is 0 in these tests: the smallest, so all preemption bits count. */
    return priority & (0xffu << (8u - prebits(model_cpu_of(v)))) & 0xffu;
}

/* The list register that would be taken now; 16 = none.  Of equals the one with the lowest INTID. */
static uint32_t best_pending(struct vcpu *v, const struct model_cpu *c)
{
    uint32_t best = 16;

    check_lrs(c);
    if ((c->hcr & ICH_HCR_EN) == 0u) {
        return 16;
    }
    for (uint32_t i = 0; i < c->options.lrs; i++) {
        uint64_t lr = c->lr[i];
        if ((lr & LR_STATE) != LR_PENDING || (lr & LR_GROUP1) == 0u || (c->vmcr & VMCR_VENG1) == 0u) {
            continue;
        }
        if (best == 16u || LR_PRIO(lr) < LR_PRIO(c->lr[best]) ||
            (LR_PRIO(lr) == LR_PRIO(c->lr[best]) && (uint32_t)lr < (uint32_t)c->lr[best])) {
            best = i;
        }
    }
    if (best == 16u || LR_PRIO(c->lr[best]) >= (c->vmcr >> 24) ||
        guest_group_priority(v, LR_PRIO(c->lr[best])) >= highest_active(c)) {
        return 16;
    }
    return best;
}

uint32_t guest_hppir(struct vcpu *v)
{
    struct model_cpu *c = guest(v);
    uint32_t i = best_pending(v, c);

    return (i == 16u) ? SPURIOUS : (uint32_t)c->lr[i];
}

uint32_t guest_iar(struct vcpu *v)
{
    struct model_cpu *c = guest(v);
    uint32_t i = best_pending(v, c);
    uint32_t level;

    if (i == 16u) {
        return SPURIOUS;
    }
    level = guest_group_priority(v, LR_PRIO(c->lr[i])) >> (8u - prebits(c));
    c->ap1r[level / 32u] |= 1u << (level % 32u);
    c->lr[i] = (c->lr[i] & ~LR_STATE) | LR_ACTIVE;
    return (uint32_t)c->lr[i];
}

static void deactivate(struct model_cpu *c, uint32_t intid)
{
    for (uint32_t i = 0; i < c->options.lrs; i++) {
        if ((c->lr[i] & LR_ACTIVE) != 0u && (uint32_t)c->lr[i] == intid) {
            c->lr[i] &= ~LR_ACTIVE;
            if ((c->lr[i] & LR_HW) != 0u) {
                c->phys_active &= ~(uint32_t)BIT(FIELD(c->lr[i], 44, 32));
            }
            return;
        }
    }
    c->hcr += BIT(ICH_HCR_EOICOUNT_SHIFT);
}

void guest_eoir(struct vcpu *v, uint32_t intid)
{
    struct model_cpu *c = guest(v);

    for (uint32_t i = 0; i < aprs(c); i++) {
        if (c->ap1r[i] != 0u) {
            c->ap1r[i] &= c->ap1r[i] - 1u;
            if ((c->vmcr & VMCR_EOIM) == 0u) {
                deactivate(c, intid);
            }
            return;
        }
    }
    fail_msg("EOI of %u without an active priority", intid);
}

void guest_dir(struct vcpu *v, uint32_t intid)
{
    struct model_cpu *c = guest(v);

    if ((c->hcr & ICH_HCR_TDIR) != 0u) {
        vgic_write_dir(v, intid);
    } else if ((c->vmcr & VMCR_EOIM) != 0u) {
        deactivate(c, intid);
    }
}

void guest_set_pmr(struct vcpu *v, uint8_t mask)
{
    struct model_cpu *c = guest(v);

    c->vmcr = (c->vmcr & ~BITS(31, 24)) | (uint64_t)mask << 24;
}

void guest_set_eoimode(struct vcpu *v, bool split)
{
    struct model_cpu *c = guest(v);

    c->vmcr = split ? c->vmcr | VMCR_EOIM : c->vmcr & ~VMCR_EOIM;
}

void guest_enable(struct vcpu *v, bool on)
{
    struct model_cpu *c = guest(v);

    c->vmcr = on ? c->vmcr | VMCR_VENG1 : c->vmcr & ~VMCR_VENG1;
}

uint32_t guest_running_priority(struct vcpu *v)
{
    return highest_active(guest(v));
}

/* ---- the machine ---- */

struct model_cpu *model_cpu_of(const struct vcpu *v)
{
    return &model.cpu[v->home];
}

struct model_cpu *model_enter(struct vcpu *v)
{
    model_this_cpu = &model.cpu[v->home].cpu;
    return &model.cpu[v->home];
}

bool model_is_loaded(const struct vcpu *v)
{
    return model.cpu[v->home].cpu.arch.loaded == v;
}

void model_unload(struct vcpu *v)
{
    struct model_cpu *c = model_enter(v);

    if (c->cpu.arch.loaded != v) {
        return;
    }
    vgic_save(v);
    if (vgic_hw_in_flight(v, 27)) { /* as the timer code: the physical interrupt is the next vCPU's */
        c->phys_active &= ~(uint32_t)BIT(27);
    }
    c->phys_lines = 0; /* its timer leaves with it */
    assert_int_equal(c->phys_active, 0);
    for (uint32_t i = 0; i < c->options.lrs; i++) {
        assert_int_equal(c->lr[i] & LR_STATE, 0);
    }
    c->cpu.arch.loaded = NULL;
}

void model_load(struct vcpu *v)
{
    struct model_cpu *c = model_enter(v);

    if (c->cpu.arch.loaded == v) {
        return;
    }
    if (c->cpu.arch.loaded != NULL) {
        model_unload(c->cpu.arch.loaded);
    }
    c->cpu.arch.loaded = v;
    c->phys_lines = (v->arch.cntv_ctl != 0u) ? (uint32_t)BIT(27) : 0u;
    if (vgic_hw_in_flight(v, 27)) {
        c->phys_active |= (uint32_t)BIT(27);
    }
    vgic_load(v);
}

/* The model keeps the timer's condition of an unloaded vCPU in cntv_ctl. */
void model_timer_line(struct vcpu *v, bool high)
{
    v->arch.cntv_ctl = high;
    if (model_is_loaded(v)) {
        struct model_cpu *c = model_enter(v);
        c->phys_lines = high ? (uint32_t)BIT(27) : 0u;
    }
}

void model_settle_cpu(uint32_t cpu)
{
    struct model_cpu *c = &model.cpu[cpu];
    struct vcpu *loaded;

    model_this_cpu = &c->cpu;
    for (uint32_t i = 0; i < model.options.vcpus; i++) {
        struct vcpu *v = model.vcpu[i];
        if (v->home == cpu && __atomic_exchange_n(&v->notify, 0u, __ATOMIC_ACQ_REL) != 0u) {
            vgic_take_posted(v);
        }
    }
    loaded = c->cpu.arch.loaded;
    if (loaded != NULL && (c->phys_lines & ~c->phys_active & BIT(27)) != 0u) {
        c->phys_active |= (uint32_t)BIT(27);
        vgic_pend_hw(loaded, 27, 27);
    }
    if (loaded != NULL && model_misr(c) != 0u) {
        vgic_maintenance(loaded);
    }
    check_lrs(c);
}

static bool is_quiet(void)
{
    for (uint32_t i = 0; i < model.options.vcpus; i++) {
        if (__atomic_load_n(&model.vcpu[i]->notify, __ATOMIC_ACQUIRE) != 0u) {
            return false;
        }
    }
    for (uint32_t i = 0; i < model.options.cpus; i++) {
        const struct model_cpu *c = &model.cpu[i];
        if (c->cpu.arch.loaded != NULL && (model_misr(c) != 0u || (c->phys_lines & ~c->phys_active & BIT(27)) != 0u)) {
            return false;
        }
    }
    return true;
}

void model_settle(void)
{
    struct cpu *before = model_this_cpu;

    for (uint32_t round = 0; !is_quiet(); round++) {
        assert_true(round < SETTLE_MAX); /* a storm */
        for (uint32_t i = 0; i < model.options.cpus; i++) {
            model_settle_cpu(i);
        }
    }
    model_this_cpu = before;
}

void model_start(const struct model_options *options)
{
    memset(&model, 0, sizeof(model));
    model.options = *options;
    model.frames_left = ARRAY_SIZE(model.frames);
    model.domain.max_vcpus = options->vcpus;
    vgic_caps = (struct vgic_caps){.lr_mask = 0xffffu, .prio_mask = 0xffu, .aprs = 1u, .tds = true};
    for (uint32_t i = 0; i < options->cpus; i++) {
        model.cpu[i].options = *options;
        model.cpu[i].cpu.id = i;
        memset(model.cpu[i].lr, 0xff, sizeof(model.cpu[i].lr)); /* what reset leaves is unknown */
        model_this_cpu = &model.cpu[i].cpu;
        vgic_cpu_init();
    }
    assert_int_equal(vgic_domain_init(&model.domain, options->spis), OK);
    for (uint32_t i = 0; i < options->vcpus; i++) {
        struct vcpu *v = aligned_alloc(_Alignof(struct vcpu), sizeof(struct vcpu));
        memset(v, 0, sizeof(*v));
        v->domain = &model.domain;
        v->id = i;
        v->home = i % options->cpus;
        v->power = VCPU_POWER_ON;
        model.vcpu[i] = v;
        model.domain.vcpus[i] = v;
        assert_int_equal(vgic_vcpu_init(v), OK);
    }
    vuart_init(&model.domain);
    for (uint32_t i = options->vcpus; i-- > 0u;) {
        model_load(model.vcpu[i]);
    }
}

void model_stop(void)
{
    for (uint32_t i = 0; i < model.options.vcpus; i++) {
        model_unload(model.vcpu[i]);
        free(model.vcpu[i]);
    }
    vgic_domain_destroy(&model.domain);
    assert_int_equal(model.frames_used, 0);
}

/* ---- register accesses ---- */

static uint64_t access(struct vcpu *v, bool gicr, struct mmio *m)
{
    for (uint32_t i = 0; i < SETTLE_MAX; i++) {
        struct mmio once = *m;
        model_enter(v);
        assert_true(gicr ? vgic_gicr_access(v, &once) : vgic_gicd_access(v, &once));
        if (!once.again) {
            return once.value;
        }
        assert_int_equal(model_cpu_of(v)->hcr & ICH_HCR_EN, 0); /* no interrupt comes between */
        for (uint32_t c = 0; c < model.options.cpus; c++) {
            model_settle_cpu(c);
        }
    }
    fail_msg("no answer to an access at 0x%lx", (unsigned long)m->offset);
    return 0;
}

uint64_t gicd_read(struct vcpu *v, uint32_t offset, uint32_t size)
{
    struct mmio m = {.offset = offset, .size = size};

    return access(v, false, &m);
}
void gicd_write(struct vcpu *v, uint32_t offset, uint32_t size, uint64_t value)
{
    struct mmio m = {.offset = offset, .size = size, .write = true, .value = value};

    (void)access(v, false, &m);
}
uint64_t gicr_read(struct vcpu *v, uint32_t target, uint32_t offset, uint32_t size)
{
    struct mmio m = {.offset = target * GICR_STRIDE + offset, .size = size};

    return access(v, true, &m);
}
void gicr_write(struct vcpu *v, uint32_t target, uint32_t offset, uint32_t size, uint64_t value)
{
    struct mmio m = {.offset = target * GICR_STRIDE + offset, .size = size, .write = true, .value = value};

    (void)access(v, true, &m);
}
