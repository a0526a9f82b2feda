/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_regs.h"

/* Bits 1, 3, 5.. of a register from 16 bits, and back. */
static uint32_t spread(uint32_t x)
{
    uint32_t bits = 0;

    for (uint32_t i = 0; i < 16u; i++) {
        bits |= (x >> i & 1u) << (2u * i + 1u);
    }
    return bits;
}
static uint32_t gather(uint32_t x)
{
    uint32_t bits = 0;

    for (uint32_t i = 0; i < 16u; i++) {
        bits |= (x >> (2u * i + 1u) & 1u) << i;
    }
    return bits;
}

uint32_t vgic_id_register(uint32_t offset, uint32_t part)
{
    static const uint8_t ids[12] = {0x44, 0, 0, 0, 0, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1}; /* PIDR4..7, 0..3, CIDR */
    uint32_t i = (offset - 0xffd0u) / 4u;

    return (i == 4u) ? part : ids[i % ARRAY_SIZE(ids)];
}

static uint64_t read_priority(const struct vgic_irqs *irqs, uint32_t first, uint32_t size)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++) {
        value |= (uint64_t)__atomic_load_n(&irqs->prio[(first + i) % 32u], __ATOMIC_RELAXED) << (8u * i);
    }
    return value;
}

static void write_priority(struct vgic_irqs *irqs, uint32_t first, uint32_t size, uint64_t value)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t prio = (uint8_t)((value >> (8u * i)) & vgic_caps.prio_mask);
        __atomic_store_n(&irqs->prio[(first + i) % 32u], prio, __ATOMIC_RELAXED);
    }
}

uint64_t vgic_read_stored(const struct vgic_irqs *irqs, uint32_t bank, uint32_t first, uint32_t size)
{
    switch (bank) {
    case BANK_IGROUPR:
        return __atomic_load_n(&irqs->group, __ATOMIC_RELAXED);
    case BANK_ISENABLER:
    case BANK_ICENABLER:
        return __atomic_load_n(&irqs->enabled, __ATOMIC_RELAXED);
    case BANK_ICFGR:
    case BANK_ICFGR + 1u:
        return spread((__atomic_load_n(&irqs->edge, __ATOMIC_RELAXED) >> (first % 32u)) & 0xffffu);
    default:
        return (bank - BANK_PRIORITY < BANK_PRIORITY) ? read_priority(irqs, first, size) : 0u;
    }
}

uint32_t vgic_write_stored(struct vgic_irqs *irqs, uint32_t bank, uint32_t first, uint32_t size, uint64_t value)
{
    uint32_t bits = (uint32_t)value;
    uint32_t half = 0xffffu << (first % 32u);

    switch (bank) {
    case BANK_IGROUPR:
        __atomic_store_n(&irqs->group, bits, __ATOMIC_RELAXED);
        return UINT32_MAX;
    case BANK_ISENABLER:
        __atomic_store_n(&irqs->enabled, irqs->enabled | bits, __ATOMIC_RELAXED);
        return bits;
    case BANK_ICENABLER:
        __atomic_store_n(&irqs->enabled, irqs->enabled & ~bits, __ATOMIC_RELAXED);
        return bits;
    case BANK_ISPENDR:
        irqs->pending |= bits;
        return bits;
    case BANK_ICPENDR:
        irqs->pending &= ~bits;
        irqs->cancel |= irqs->held & bits;
        return bits;
    case BANK_ISACTIVER:
        irqs->active |= bits;
        return bits;
    case BANK_ICACTIVER:
        irqs->active &= ~bits;
        irqs->deact |= irqs->held & bits;
        return bits;
    case BANK_ICFGR:
    case BANK_ICFGR + 1u:
        __atomic_store_n(&irqs->edge, (irqs->edge & ~half) | (gather(bits) << (first % 32u)), __ATOMIC_RELAXED);
        return half;
    default:
        if (bank - BANK_PRIORITY >= BANK_PRIORITY) {
            return 0;
        }
        write_priority(irqs, first, size, value);
        return ((1u << size) - 1u) << (first % 32u);
    }
}

bool vgic_is_sized(const struct mmio *m)
{
    uint32_t bank = (uint32_t)m->offset >> 7;

    return (m->offset & (m->size - 1u)) == 0u &&
           (m->size == 4u || (m->size == 1u && bank >= BANK_PRIORITY && bank < 2u * BANK_PRIORITY));
}
