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

void model_line(struct vcpu *v, uint32_t intid, bool high)
{
    uint32_t line = high ? 1u : 0u;

    if (intid >= 32u) {
        vgic_sample_line(&model.domain, intid, &line);
    } else {
        model_enter(v);
        vgic_set_level(v, intid, high);
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
            arch_vcpu_take_posted(v);
        }
    }
    loaded = c->cpu.arch.loaded;
    if (loaded != NULL && (c->phys_lines & ~c->phys_active & BIT(27)) != 0u) {
        c->phys_active |= (uint32_t)BIT(27);
        vgic_pend_hw(loaded, 27, 27);
    }
    model_spi_take(cpu);
    if (loaded != NULL && model_misr(c) != 0u) {
        vgic_maintenance(loaded);
    }
    model_check(c);
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
        if (model_spi_for(i) != SPURIOUS) {
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
    vgic_caps = (struct vgic_caps){.lr_mask = 0xffffu, .prio_mask = 0xffu, .apr_mask = 0xfu, .tds = 1u};
    for (uint32_t i = 0; i < options->cpus; i++) {
        model.cpu[i].options = *options;
        model.cpu[i].cpu.id = i;
        model.cpu[i].cpu.arch.mpidr = i;
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
    arch_domain_destroy(&model.domain);
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
