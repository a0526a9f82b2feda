/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 tables in the VMSAv8-64 format: 4 KiB granule; concatenated root or 3/4 levels by the CPU's IPA size.
 * All access to descriptors and all TLB maintenance go through stage2_hw.h, which arch/host replaces by a model. */
#include "arch/contract/stage2.h"
#include "core/upcall.h"
#include "lib/bits.h"
#include "stage2_hw.h"

#define DESC_VALID      BIT(0)
#define DESC_TABLE      BIT(1) /* table, or page at level 3 */
#define DESC_ADDR       BITS(47, 12)
#define DESC_DEVICE     (DESC_VALID | BIT(2) | BIT(10)) /* nGnRE, accessed */
#define DESC_XN         BIT(54)
#define DESC_SW(m)      ((uint64_t)(m) << 55) /* software bits 58:55: enum mapping */
#define DESC_S2AP_SHIFT 6                     /* ACCESS_R, and 2 for writing */
#define ENTRIES         512u
#define ORDER_STEP      9u
#define REAP_LOOKS      16u                         /* holes a step */
#define ORDERS          (BIT(0) | BIT(9) | BIT(18)) /* of leaves */

static_assert(MAPPING_GRANT < 16, "enum mapping fits bits 58:55");

static uint32_t ipa_bits;   /* const once the first tables exist */
static uint32_t root_order; /* the same: of the root table's entries */

uint64_t arch_stage2_gfn_limit(void)
{
    return UINT64_C(1) << (stage2_ipa_bits() - PAGE_SHIFT);
}

/* Pages of the root as an order: 44 bits and more of guest-physical address start at level 0, fewer at level 1 with up to
 * 16 root tables in a row. */
static uint32_t root_size(void)
{
    return (ipa_bits >= 44u || ipa_bits <= 39u) ? 0u : ipa_bits - 39u;
}

static bool is_table(uint64_t desc, uint32_t order)
{
    return order > 0u && (desc & (DESC_VALID | DESC_TABLE)) == (DESC_VALID | DESC_TABLE);
}

static ALWAYS_INLINE uint64_t leaf(const struct stage2_entry *e)
{
    uint64_t desc = (e->mapping == MAPPING_DEVICE) ? DESC_DEVICE : stage2_normal;

    desc |= mfn_to_maddr(e->mfn).v | DESC_SW(e->mapping);
    desc |= (e->order == 0u) ? DESC_TABLE : 0u;
    desc |= ((uint64_t)e->access & ACCESS_RW) << DESC_S2AP_SHIFT;
    desc |= ((e->access & 4) == 0) ? DESC_XN : 0u;
    return desc;
}

/* An entry of the tables. */
struct spot {
    mfn_t table;
    uint32_t index;
    uint32_t order; /* of the frames that it stands for */
    uint64_t desc;
};

/* The entry that decides about gfn, going down from the root as far as tables exist, to order at least. */
static ALWAYS_INLINE struct spot find(const struct domain *d, gfn_t gfn, uint32_t order)
{
    struct spot s = {.table = d->arch.root, .order = root_order};

    s.index = (uint32_t)(gfn.v >> s.order); /* root tables in a row: one long table */
    s.desc = stage2_read(s.table, s.index);
    while (s.order > order && is_table(s.desc, s.order)) { /* bound: 3 steps */
        s.order -= ORDER_STEP;
        s.table = maddr_to_mfn(MADDR(s.desc & DESC_ADDR));
        s.index = (uint32_t)(gfn.v >> s.order) & (ENTRIES - 1u);
        s.desc = stage2_read(s.table, s.index);
    }
    return s;
}

COLD err_t arch_stage2_init(struct domain *d)
{
    err_t err;

    ipa_bits = stage2_ipa_bits();
    root_order = (ipa_bits >= 44u) ? 27u : 18u;
    err = pool_alloc_order(d, root_size(), &d->arch.root);
    if (err != OK) {
        return err;
    }
    stage2_init_domain(d);
    return OK;
}

/* Replace the block or hole at s by a table of smaller entries that say the same; break before make. */
COLD static NOINLINE err_t split(struct domain *d, const struct spot *s, gfn_t gfn)
{
    uint64_t step = UINT64_C(1) << (s->order - ORDER_STEP + PAGE_SHIFT);
    mfn_t next;
    err_t err = pool_alloc(d, &next);

    if (err != OK) {
        return err;
    }
    if ((s->desc & DESC_VALID) != 0u) {
        uint64_t desc = s->desc | ((s->order == ORDER_STEP) ? DESC_TABLE : 0u);

        mfn_t table = next; /* in a register */

        for (uint32_t i = 0; i < ENTRIES; i += 4u) { /* by four: this is long for one step */
            stage2_write(table, i, desc);
            stage2_write(table, i + 1u, desc + step);
            stage2_write(table, i + 2u, desc + 2u * step);
            stage2_write(table, i + 3u, desc + 3u * step);
            desc += 4u * step;
        }
        stage2_write(s->table, s->index, 0);
        stage2_flush(d, GFN(ALIGN_DOWN(gfn.v, UINT64_C(1) << s->order)), s->order);
    }
    stage2_publish();
    stage2_write(s->table, s->index, mfn_to_maddr(next).v | DESC_VALID | DESC_TABLE);
    stage2_publish();
    return OK;
}

/* Make the tables down to the entry of the given order. */
static ALWAYS_INLINE err_t prepare(struct domain *d, gfn_t gfn, uint32_t order, struct spot *s)
{
    if (order > 18u || (ORDERS & BIT(order)) == 0u || !IS_ALIGNED(gfn.v, UINT64_C(1) << order) ||
        gfn.v >> (ipa_bits - PAGE_SHIFT) != 0u) {
        return ERR_INVAL;
    }
    *s = find(d, gfn, order);
    while (UNLIKELY(s->order > order)) { /* bound: 3 turns, each goes one level down */
        err_t err = split(d, s, gfn);
        if (err != OK) {
            return err;
        }
        *s = find(d, gfn, order);
    }
    return is_table(s->desc, order) ? ERR_EXIST : OK;
}

err_t arch_stage2_prepare(struct domain *d, gfn_t gfn, uint32_t order)
{
    struct spot s;

    return prepare(d, gfn, order, &s);
}

/* What desc says; order of the entry or hole. */
static ALWAYS_INLINE struct stage2_entry decode(const struct spot *s)
{
    struct stage2_entry e = {.mfn = MFN_NONE, .order = s->order};

    if ((s->desc & DESC_VALID) != 0u) {
        uint32_t access = (uint32_t)(s->desc >> DESC_S2AP_SHIFT) & ACCESS_RW;

        e.mfn = maddr_to_mfn(MADDR(s->desc & DESC_ADDR));
        e.access = (enum access)(access | ((s->desc & DESC_XN) == 0u ? 4u : 0u));
        e.mapping = (enum mapping)FIELD(s->desc, 58, 55);
    }
    return e;
}

static ALWAYS_INLINE void set(struct domain *d, gfn_t gfn, const struct spot *s, const struct stage2_entry *e)
{
    if ((s->desc & DESC_VALID) != 0u) {
        stage2_write(s->table, s->index, 0);
        stage2_flush(d, gfn, s->order);
    }
    if (e->mapping != MAPPING_NONE) {
        stage2_write(s->table, s->index, leaf(e));
        stage2_publish();
    }
}

void arch_stage2_set(struct domain *d, gfn_t gfn, const struct stage2_entry *e)
{
    struct spot s = find(d, gfn, e->order);

    ASSERT(s.order == e->order && !is_table(s.desc, s.order));
    set(d, gfn, &s, e);
}

err_t arch_stage2_exchange(struct domain *d, gfn_t gfn, const struct stage2_entry *e, struct stage2_entry *old)
{
    struct spot s;
    err_t err = prepare(d, gfn, e->order, &s);

    if (err == OK) {
        *old = decode(&s);
        set(d, gfn, &s, e);
    }
    return err;
}

void arch_stage2_clear(struct domain *d, gfn_t gfn)
{
    struct spot s = find(d, gfn, 0);

    if (s.order == 0u) {
        stage2_write(s.table, s.index, 0);
    }
}

void arch_stage2_flush(struct domain *d, const gfn_t *gfns, uint32_t count)
{
    ASSERT(count > 0u && count <= STAGE2_FLUSH_MAX);
    stage2_flush_pages(d, gfns, count);
}

struct stage2_entry arch_stage2_get(const struct domain *d, gfn_t gfn)
{
    struct stage2_entry e;
    struct spot s;

    if (UNLIKELY(gfn.v >> (ipa_bits - PAGE_SHIFT) != 0u)) {
        return (struct stage2_entry){.mfn = MFN_NONE, .order = 18};
    }
    s = find(d, gfn, 0);
    e = decode(&s);
    e.mfn.v += (e.mapping != MAPPING_NONE) ? gfn.v & ((UINT64_C(1) << s.order) - 1u) : 0u;
    return e;
}

/* Tables that end with the entry at s, which is the last one looked at, are spent: free them.  Bound: 3. */
static void drop_tables(struct domain *d, struct spot s, gfn_t gfn)
{
    while (s.order < root_order && s.index == ENTRIES - 1u) {
        struct spot above = find(d, gfn, s.order + ORDER_STEP);

        stage2_write(above.table, above.index, 0);
        stage2_publish();
        pool_free(d, s.table);
        s = above;
    }
}

bool arch_stage2_reap(struct domain *d, gfn_t *gfn, struct stage2_entry *e)
{
    for (uint32_t seen = 0; seen < REAP_LOOKS && gfn->v < arch_stage2_gfn_limit(); seen++) {
        gfn_t here = *gfn;
        struct spot s = find(d, here, 0);

        *e = decode(&s);
        gfn->v = ALIGN_DOWN(here.v, UINT64_C(1) << s.order) + (UINT64_C(1) << s.order);
        if (e->mapping != MAPPING_NONE) {
            stage2_write(s.table, s.index, 0);
        }
        drop_tables(d, s, here);
        if (e->mapping != MAPPING_NONE) {
            return true;
        }
    }
    *e = (struct stage2_entry){.mfn = MFN_NONE};
    if (gfn->v < arch_stage2_gfn_limit()) {
        return true;
    }
    if (d->arch.root.v != 0u) {
        if (d->restarting != RESTART_ON) {
            pool_free_order(d, d->arch.root, root_size());
            d->arch.root = MFN(0);
        }
        stage2_flush_all(d);
    }
    return false;
}
