/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 tables in the VMSAv8-64 format: 4 KiB granule; concatenated root or 3/4 levels by the CPU's IPA size.
 * All access to descriptors and all TLB maintenance go through stage2_hw.h, which arch/host replaces by a model. */
#include "arch/contract/stage2.h"
#include "core/upcall.h"
#include "lib/bits.h"
#include "stage2_hw.h"

#define DESC_VALID  BIT(0)
#define DESC_TABLE  BIT(1) /* table, or page at level 3 */
#define DESC_ADDR   BITS(47, 12)
#define DESC_AF     BIT(10)
#define DESC_ISH    (UINT64_C(3) << 8)
#define DESC_S2AP_R BIT(6)
#define DESC_S2AP_W BIT(7)
#define DESC_NORMAL (UINT64_C(0xf) << 2)
#define DESC_DEVICE (UINT64_C(0x1) << 2) /* nGnRE */
#define DESC_XN     BIT(54)
#define DESC_SW(m)  ((uint64_t)(m) << 55) /* software bits 58:55: enum mapping */
#define ENTRIES     512u

static_assert(MAPPING_GRANT < 16, "enum mapping fits bits 58:55");

static uint32_t ipa_bits; /* const once the first tables exist */

uint64_t arch_stage2_gfn_limit(void)
{
    return UINT64_C(1) << (stage2_ipa_bits() - PAGE_SHIFT);
}

/* 44 bits and more of guest-physical address start at level 0, fewer at level 1 with up to 16 root tables in a row. */
static uint32_t root_level(void)
{
    return (ipa_bits >= 44u) ? 0u : 1u;
}

static uint32_t root_order(void)
{
    return (ipa_bits >= 44u || ipa_bits <= 39u) ? 0u : ipa_bits - 39u;
}

static uint32_t level_shift(uint32_t level)
{
    return 9u * (3u - level); /* in frames */
}

static uint32_t order_level(uint32_t order)
{
    return (order == 0u) ? 3u : (order == 9u) ? 2u : 1u;
}

static uint32_t index_at(gfn_t gfn, uint32_t level)
{
    uint32_t index = (uint32_t)(gfn.v >> level_shift(level));

    return (level == root_level()) ? index : index & (ENTRIES - 1u); /* root tables in a row: one long table */
}

static bool is_table(uint64_t desc, uint32_t level)
{
    return level < 3u && (desc & (DESC_VALID | DESC_TABLE)) == (DESC_VALID | DESC_TABLE);
}

static uint64_t leaf(mfn_t mfn, enum access access, enum mapping mapping, uint32_t level)
{
    uint64_t desc = DESC_VALID | DESC_AF | mfn_to_maddr(mfn).v | DESC_SW(mapping);

    desc |= (mapping == MAPPING_DEVICE) ? DESC_DEVICE : (DESC_NORMAL | DESC_ISH);
    desc |= (level == 3u) ? DESC_TABLE : 0u;
    desc |= ((access & ACCESS_R) != 0) ? DESC_S2AP_R : 0u;
    desc |= ((access & 2) != 0) ? DESC_S2AP_W : 0u;
    desc |= ((access & 4) == 0) ? DESC_XN : 0u;
    return desc;
}

static enum access leaf_access(uint64_t desc)
{
    uint32_t access = ((desc & DESC_S2AP_R) != 0u ? 1u : 0u) | ((desc & DESC_S2AP_W) != 0u ? 2u : 0u) |
                      ((desc & DESC_XN) == 0u ? 4u : 0u);

    return (enum access)access;
}

/* An entry of the tables. */
struct spot {
    mfn_t table;
    uint32_t index;
    uint32_t level;
    uint64_t desc;
};

/* The entry that decides about gfn, going down from the root as far as tables exist, to level at most. */
static ALWAYS_INLINE struct spot find(const struct domain *d, gfn_t gfn, uint32_t level)
{
    struct spot s = {.table = d->arch.root, .level = root_level()};
    uint32_t shift = level_shift(s.level);

    s.index = (uint32_t)(gfn.v >> shift); /* root tables in a row: one long table */
    s.desc = stage2_read(s.table, s.index);
    while (s.level < level && is_table(s.desc, s.level)) { /* bound: 3 steps */
        shift -= 9u;
        s.table = maddr_to_mfn(MADDR(s.desc & DESC_ADDR));
        s.index = (uint32_t)(gfn.v >> shift) & (ENTRIES - 1u);
        s.level++;
        s.desc = stage2_read(s.table, s.index);
    }
    return s;
}

static mfn_t walk(const struct domain *d, gfn_t gfn, uint32_t level, uint32_t *at)
{
    struct spot s = find(d, gfn, level);

    *at = s.level;
    return s.table;
}

err_t arch_stage2_init(struct domain *d)
{
    err_t err;

    ipa_bits = stage2_ipa_bits();
    err = pool_alloc_order(d, root_order(), &d->arch.root);
    if (err != OK) {
        return err;
    }
    stage2_init_domain(d);
    return OK;
}

/* Replace the block at (table, index) by a table of smaller entries that say the same; break before make. */
static err_t split(struct domain *d, mfn_t table, uint32_t index, uint32_t level, gfn_t gfn)
{
    uint64_t desc = stage2_read(table, index);
    uint64_t step = UINT64_C(1) << level_shift(level + 1u);
    mfn_t next;
    err_t err = pool_alloc(d, &next);

    if (err != OK) {
        return err;
    }
    if ((desc & DESC_VALID) != 0u) {
        for (uint32_t i = 0; i < ENTRIES; i++) {
            uint64_t small = (desc & ~DESC_ADDR) | ((desc & DESC_ADDR) + ((step * i) << PAGE_SHIFT));
            stage2_write(next, i, small | (level + 1u == 3u ? DESC_TABLE : 0u));
        }
        stage2_write(table, index, 0);
        stage2_flush(d, GFN(ALIGN_DOWN(gfn.v, UINT64_C(1) << level_shift(level))), level);
    }
    stage2_publish();
    stage2_write(table, index, mfn_to_maddr(next).v | DESC_VALID | DESC_TABLE);
    stage2_publish();
    return OK;
}

static bool is_entry(gfn_t gfn, uint32_t order)
{
    return (order == 0u || order == 9u || order == 18u) && IS_ALIGNED(gfn.v, UINT64_C(1) << order) &&
           gfn.v >> (ipa_bits - PAGE_SHIFT) == 0u;
}

/* Make the tables down to the entry of the given level. */
static ALWAYS_INLINE err_t prepare(struct domain *d, gfn_t gfn, uint32_t level, struct spot *s)
{
    *s = find(d, gfn, level);
    while (UNLIKELY(s->level < level)) { /* bound: 3 turns, each goes one level down */
        err_t err = split(d, s->table, s->index, s->level, gfn);
        if (err != OK) {
            return err;
        }
        *s = find(d, gfn, level);
    }
    return is_table(s->desc, level) ? ERR_EXIST : OK;
}

err_t arch_stage2_prepare(struct domain *d, gfn_t gfn, uint32_t order)
{
    struct spot s;

    return is_entry(gfn, order) ? prepare(d, gfn, order_level(order), &s) : ERR_INVAL;
}

/* What desc says; order of the entry or hole. */
static ALWAYS_INLINE struct stage2_entry decode(uint64_t desc, uint32_t level)
{
    struct stage2_entry e = {.mfn = MFN_NONE, .order = level_shift(level)};

    if ((desc & DESC_VALID) != 0u) {
        e.mfn = maddr_to_mfn(MADDR(desc & DESC_ADDR));
        e.access = leaf_access(desc);
        e.mapping = (enum mapping)FIELD(desc, 58, 55);
    }
    return e;
}

static ALWAYS_INLINE void set(struct domain *d, gfn_t gfn, const struct spot *s, const struct stage2_entry *e)
{
    if ((s->desc & DESC_VALID) != 0u) {
        stage2_write(s->table, s->index, 0);
        stage2_flush(d, gfn, s->level);
    }
    if (e->mapping != MAPPING_NONE) {
        stage2_write(s->table, s->index, leaf(e->mfn, e->access, e->mapping, s->level));
        stage2_publish();
    }
}

void arch_stage2_set(struct domain *d, gfn_t gfn, const struct stage2_entry *e)
{
    uint32_t level = order_level(e->order);
    struct spot s = find(d, gfn, level);

    ASSERT(s.level == level && !is_table(s.desc, level));
    set(d, gfn, &s, e);
}

err_t arch_stage2_exchange(struct domain *d, gfn_t gfn, const struct stage2_entry *e, struct stage2_entry *old)
{
    struct spot s;
    err_t err = is_entry(gfn, e->order) ? prepare(d, gfn, order_level(e->order), &s) : ERR_INVAL;

    if (err != OK) {
        return err;
    }
    *old = decode(s.desc, s.level);
    set(d, gfn, &s, e);
    return OK;
}

void arch_stage2_clear(struct domain *d, gfn_t gfn)
{
    struct spot s = find(d, gfn, 3);

    if (s.level == 3u) {
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
    struct spot s;

    if (UNLIKELY(gfn.v >> (ipa_bits - PAGE_SHIFT) != 0u)) {
        return (struct stage2_entry){.mfn = MFN_NONE, .order = 18};
    }
    s = find(d, gfn, 3);
    return decode(s.desc, s.level);
}

/* The table below (table, index) is spent: free it. */
static void drop_table(struct domain *d, mfn_t table, uint32_t index, mfn_t child)
{
    stage2_write(table, index, 0);
    stage2_publish();
    pool_free(d, child);
}

bool arch_stage2_reap(struct domain *d, gfn_t *gfn, struct stage2_entry *e)
{
    uint32_t level;
    mfn_t table;
    uint64_t desc;

    *e = (struct stage2_entry){.mfn = MFN_NONE};
    for (uint32_t seen = 0; seen < ENTRIES && gfn->v < arch_stage2_gfn_limit(); seen++) {
        gfn_t here = *gfn;
        uint64_t span;

        table = walk(d, here, 3, &level);
        desc = stage2_read(table, index_at(here, level));
        span = UINT64_C(1) << level_shift(level);
        gfn->v = ALIGN_DOWN(here.v, span) + span;
        if ((desc & DESC_VALID) != 0u) {
            e->mfn = maddr_to_mfn(MADDR(desc & DESC_ADDR));
            e->mapping = (enum mapping)FIELD(desc, 58, 55);
            e->access = leaf_access(desc);
            e->order = level_shift(level);
            stage2_write(table, index_at(here, level), 0);
        }
        if ((index_at(here, level) & (ENTRIES - 1u)) == ENTRIES - 1u &&
            level > root_level()) { /* this table is done; so may those above be */
            for (uint32_t l = level; l > root_level(); l--) {
                uint32_t at;
                mfn_t above = walk(d, here, l - 1u, &at);
                drop_table(d, above, index_at(here, l - 1u), table);
                table = above;
                if (index_at(here, l - 1u) != ENTRIES - 1u) {
                    break;
                }
            }
        }
        if (e->mapping != MAPPING_NONE) {
            return true;
        }
    }
    if (gfn->v < arch_stage2_gfn_limit()) {
        return true;
    }
    if (d->arch.root.v != 0u) {
        pool_free_order(d, d->arch.root, root_order());
        d->arch.root = MFN(0);
        stage2_flush_all(d);
    }
    return false;
}
