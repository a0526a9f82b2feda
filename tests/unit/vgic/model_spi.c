/* SPDX-License-Identifier: Apache-2.0 */
/* The board's distributor, for the SPIs that a domain has (IHI 0069, chapter 4). */
#include "arch/arm64/gic.h"
#include "model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static uint32_t word_of(uint32_t intid)
{
    assert_in_range(intid, 32, 32 + 32 * MODEL_SPI_WORDS - 1);
    return intid / 32u - 1u;
}

static uint32_t bit_of(uint32_t intid)
{
    return 1u << (intid % 32u);
}

struct cpu *cpu_of(uint32_t id)
{
    return &model.cpu[id].cpu;
}

/* ---- what the code under test calls ---- */

void gic_spi_on(uint32_t intid, bool edge, uint64_t mpidr)
{
    struct model_spis *s = &model.spis[word_of(intid)];
    uint32_t bit = bit_of(intid);

    s->edge = edge ? s->edge | bit : s->edge & ~bit;
    s->enabled |= bit;
    s->cpu[intid % 32u] = (uint32_t)mpidr;
}

void gic_spi_off(uint32_t intid)
{
    model.spis[word_of(intid)].enabled &= ~bit_of(intid);
}

void gic_spi_release(uint32_t intid)
{
    struct model_spis *s = &model.spis[word_of(intid)];

    gic_spi_off(intid);
    s->latched &= ~bit_of(intid);
    s->active &= ~bit_of(intid);
}

void gic_spi_deactivate(uint32_t word, uint32_t bits)
{
    assert_true(word < MODEL_SPI_WORDS);
    assert_int_equal(model.spis[word].active & bits, bits);
    model.spis[word].active &= ~bits;
    model.spis[word].deactivations++;
}

uint32_t gic_spi_lines(uint32_t word)
{
    assert_true(word < MODEL_SPI_WORDS);
    return (model.spis[word].line & ~model.spis[word].edge) | model.spis[word].latched;
}

/* ---- the device ---- */

void model_spi_line(uint32_t intid, bool high)
{
    struct model_spis *s = &model.spis[word_of(intid)];
    uint32_t bit = bit_of(intid);

    s->latched |= high ? bit & s->edge & ~s->line : 0u;
    s->line = high ? s->line | bit : s->line & ~bit;
}

/* ---- the machine ---- */

bool model_spi_is_active(uint32_t intid)
{
    return (model.spis[word_of(intid)].active & bit_of(intid)) != 0u;
}

void model_spi_end(uint32_t intid)
{
    model.spis[word_of(intid)].active &= ~bit_of(intid);
}

uint32_t model_spi_for(uint32_t cpu)
{
    for (uint32_t w = 0; w < MODEL_SPI_WORDS; w++) {
        const struct model_spis *s = &model.spis[w];
        uint32_t ready = ((s->line & ~s->edge) | s->latched) & s->enabled & ~s->active;
        for (uint32_t m = ready; m != 0u; m &= m - 1u) {
            uint32_t n = (uint32_t)__builtin_ctz(m);
            if (s->cpu[n] == cpu) {
                return (w + 1u) * 32u + n;
            }
        }
    }
    return SPURIOUS;
}

void model_spi_take(uint32_t cpu)
{
    uint32_t intid = model_spi_for(cpu);

    if (intid != SPURIOUS) {
        model.spis[word_of(intid)].latched &= ~bit_of(intid);
        model.spis[word_of(intid)].active |= bit_of(intid);
        arch_spi_raise(&model.domain, intid);
    }
}
