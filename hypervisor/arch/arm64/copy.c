/* SPDX-License-Identifier: Apache-2.0 */
/* Guest virtual memory of the current vCPU, through the CPU's own translation of it.
 * [impl->dsn~copy-guest~1] */
#include "arch/arm64/sysreg.h"
#include "arch/arm64/platform.h"
#include "core/upcall.h"
#include "lib/string.h"

#define PAR_F    BIT(0)
#define PAR_ADDR BITS(51, 12)

/* Translate with the stage 1 and 2 of the loaded vCPU, for a write or a read at EL1.  PAR_EL1 is the guest's. */
static ALWAYS_INLINE err_t translate(uint64_t va, bool write, maddr_t *out)
{
    uint64_t saved = read_sysreg(par_el1);
    uint64_t par;

    if (write) {
        __asm__ volatile("at s12e1w, %0\n\tisb" ::"r"(va) : "memory");
    } else {
        __asm__ volatile("at s12e1r, %0\n\tisb" ::"r"(va) : "memory");
    }
    par = read_sysreg(par_el1);
    write_sysreg(par_el1, saved);
    if ((par & PAR_F) != 0u || !platform_is_ram(MADDR(par & PAR_ADDR))) {
        return ERR_FAULT;
    }
    *out = MADDR((par & PAR_ADDR) | (va & PAGE_MASK));
    return OK;
}

/* The lock keeps a frame where it is between translation and copy. */
static err_t copy(uint64_t va, char *local, size_t n, bool write)
{
    struct domain *d = this_cpu()->current->domain;
    err_t err = OK;

    while (n > 0u && err == OK) { /* bound: n is at most 4096, so 2 pages */
        size_t piece = PAGE_SIZE - (va & PAGE_MASK);
        maddr_t at;

        piece = (piece < n) ? piece : n;
        spin_lock(&d->physmap_lock);
        err = translate(va, write, &at);
        if (LIKELY(err == OK)) {
            char *frame = (char *)(VA_DIRECT + at.v);
            memcpy(write ? frame : local, write ? local : frame, piece);
        }
        spin_unlock(&d->physmap_lock);
        va += piece;
        local = &local[piece];
        n -= piece;
    }
    return err;
}

err_t copy_in(void *to, gva_t from, size_t n)
{
    return copy(from.v, to, n, false);
}

err_t copy_in32(uint32_t *to, gva_t from)
{
    struct domain *d = this_cpu()->current->domain;
    maddr_t at;
    err_t err;

    if (UNLIKELY(!IS_ALIGNED(from.v, sizeof(*to)))) {
        return copy_in(to, from, sizeof(*to));
    }
    spin_lock(&d->physmap_lock);
    err = translate(from.v, false, &at);
    if (LIKELY(err == OK)) {
        *to = *(const volatile uint32_t *)(VA_DIRECT + at.v);
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

err_t copy_out(gva_t to, const void *from, size_t n)
{
    return copy(to.v, (void *)(uintptr_t)from, n, true);
}

COLD err_t arch_translate(gva_t from, gaddr_t *out)
{
    uint64_t saved = read_sysreg(par_el1);
    uint64_t par;

    __asm__ volatile("at s1e1w, %0\n\tisb" ::"r"(from.v) : "memory");
    par = read_sysreg(par_el1);
    write_sysreg(par_el1, saved);
    if ((par & PAR_F) != 0u) {
        return ERR_FAULT;
    }
    *out = GADDR((par & PAR_ADDR) | (from.v & PAGE_MASK));
    return OK;
}
