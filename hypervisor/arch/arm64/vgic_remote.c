/* SPDX-License-Identifier: Apache-2.0 */
/* Asking other CPUs for what only they know.  docs/adr/0011-vgic-remote-state.md says why it is done this way. */
#include "arch/arm64/vgic_internal.h"

static bool is_same(const struct mmio *a, const struct mmio *b)
{
    return a->offset == b->offset && a->size == b->size && a->write == b->write && (!a->write || a->value == b->value);
}

/* Until the access is made again the guest takes no interrupt. */
static void wait(struct vcpu *v)
{
    v->arch.vgic.request.waiting = true;
    vgic_set_hcr(&v->arch.vgic, v->arch.vgic.hcr & ~ICH_HCR_EN);
}

void vgic_ask_end(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    g->request.valid = false;
    if (g->request.waiting) {
        g->request.waiting = false;
        vgic_set_hcr(g, g->hcr & ~ICH_HCR_EN);
    }
}

static void ask(struct vcpu *v, const struct vgic_kicks *targets)
{
    struct domain *d = v->domain;
    struct vgic_request *r = &v->arch.vgic.request;
    uint32_t count = 0;

    for (uint32_t i = 0; i < VGIC_REQUESTERS; i++) {
        count += (uint32_t)__builtin_popcountll(targets->vcpus[i]);
    }
    r->valid = true;
    __atomic_store_n(&r->outstanding, count, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < VGIC_REQUESTERS; i++) {
        for (uint64_t m = targets->vcpus[i]; m != 0u; m &= m - 1u) {
            struct vcpu *t = d->vcpus[i * 64u + (uint32_t)__builtin_ctzll(m)];
            (void)__atomic_fetch_or(&t->arch.vgic.requesters[(v->id / 64u) % VGIC_REQUESTERS], BIT(v->id % 64u),
                                    __ATOMIC_RELEASE);
            vcpu_notify(t, VCPU_NOTIFY_IRQ);
        }
    }
}

bool vgic_ask_state(struct vcpu *v, uint32_t word, uint32_t mask, uint32_t *pending, uint32_t *active)
{
    struct vgic_request *r = &v->arch.vgic.request;
    const struct vgic_spis *s = vgic_spis_at(v->domain, word);
    struct vgic_kicks targets = {.withdrawn = false};
    bool answered = __atomic_load_n(&r->outstanding, __ATOMIC_ACQUIRE) == 0u;

    if (answered && r->valid && r->remote == NULL && r->word == word && (mask & ~r->asked) == 0u) {
        *pending = r->pending & mask;
        *active = r->active & mask;
        return true;
    }
    wait(v);
    if (answered) {
        r->remote = NULL;
        r->word = word;
        r->asked = mask;
        r->pending = 0;
        r->active = 0;
        for (uint32_t m = mask; m != 0u; m &= m - 1u) {
            vgic_kick(&targets, s->owner[__builtin_ctz(m)]);
        }
        ask(v, &targets);
    }
    return false;
}

bool vgic_ask_access(struct vcpu *v, struct vcpu *t, struct mmio *m)
{
    struct vgic_request *r = &v->arch.vgic.request;
    struct vgic_kicks targets = {.withdrawn = false};
    bool answered = __atomic_load_n(&r->outstanding, __ATOMIC_ACQUIRE) == 0u;

    if (answered && r->valid && r->remote != NULL && r->target == t->id && is_same(&r->access, m)) {
        m->value = r->access.value;
        return true;
    }
    wait(v);
    if (answered) {
        r->access = *m;
        r->remote = &r->access;
        r->target = t->id;
        vgic_kick(&targets, t->id);
        ask(v, &targets);
    }
    return false;
}

void vgic_answer(struct vcpu *v)
{
    for (uint32_t i = 0; i < VGIC_REQUESTERS; i++) {
        uint64_t who = __atomic_exchange_n(&v->arch.vgic.requesters[i], 0u, __ATOMIC_ACQUIRE);
        for (uint64_t m = who; m != 0u; m &= m - 1u) {
            struct vgic_request *r = &v->domain->vcpus[i * 64u + (uint32_t)__builtin_ctzll(m)]->arch.vgic.request;
            uint32_t pending;
            uint32_t active;

            if (r->remote != NULL) {
                vgic_sgi_frame(v, r->remote);
            } else {
                (void)vgic_lr_state(v, r->word + 1u, &pending, &active);
                (void)__atomic_fetch_or(&r->pending, pending, __ATOMIC_RELAXED);
                (void)__atomic_fetch_or(&r->active, active, __ATOMIC_RELAXED);
            }
            (void)__atomic_fetch_sub(&r->outstanding, 1u, __ATOMIC_RELEASE);
        }
    }
}
