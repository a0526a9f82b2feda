/* SPDX-License-Identifier: Apache-2.0 */
/* RAM and caches of the modelled machine, and copies from and to guests. */
#include "arch/contract/arch.h"
#include "arch/host/host.h"
#include "arch/host/memory.h"
#include "core/domain.h"
#include "core/physmap.h"
#include "core/vcpu.h"
#include "lib/bits.h"

#include <string.h>
#include <sys/mman.h>

#define POINTER_FROM (UINT64_C(1) << 44)

static struct {
    char *cached; /* what CPUs with caches see */
    char *memory; /* what those without see */
    uint64_t bytes;
    uint32_t fail_copy; /* atomic: copies until one fails; 0 = never */
    uint32_t copies;    /* atomic */
    bool no_pointers;
    void (*before_copy)(void);
} ram;

static char *make_arena(uint64_t bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        host_fail("no memory for %lu bytes of RAM", (unsigned long)bytes);
    }
    return p;
}

void host_memory_reset(uint64_t bytes)
{
    if (ram.cached != NULL) {
        munmap(ram.cached, ram.bytes);
        munmap(ram.memory, ram.bytes);
    }
    ram.bytes = bytes;
    ram.cached = make_arena(bytes);
    ram.memory = make_arena(bytes);
    ram.fail_copy = 0;
    ram.copies = 0;
    ram.no_pointers = false;
    ram.before_copy = NULL;
}

uint64_t host_ram_bytes(void)
{
    return ram.bytes;
}

static uint64_t offset_of(mfn_t mfn, uint64_t count)
{
    uint64_t at = mfn_to_maddr(mfn).v - HOST_RAM_BASE;

    if (!range_ok(at, count << PAGE_SHIFT, ram.bytes)) {
        host_fail("frames 0x%lx + %lu are not RAM", (unsigned long)mfn.v, (unsigned long)count);
    }
    return at;
}

void *arch_map_frame(mfn_t mfn)
{
    return ram.cached + offset_of(mfn, 1);
}

mfn_t arch_frame_of(const void *p)
{
    return MFN((HOST_RAM_BASE + (uint64_t)((const char *)p - ram.cached)) >> PAGE_SHIFT);
}

const void *host_memory(mfn_t mfn)
{
    return ram.memory + offset_of(mfn, 1);
}

void arch_scrub(mfn_t mfn, uint64_t count)
{
    if (count == 0u || count > 512u) {
        host_fail("arch_scrub of %lu frames", (unsigned long)count);
    }
    host_check_reuse(mfn, count);
    memset(ram.cached + offset_of(mfn, count), 0, count << PAGE_SHIFT);
    memset(ram.memory + offset_of(mfn, count), 0, count << PAGE_SHIFT);
}

void arch_clean(mfn_t mfn, uint64_t count)
{
    uint64_t at = offset_of(mfn, count);

    if (count == 0u || count > 512u) {
        host_fail("arch_clean of %lu frames", (unsigned long)count);
    }
    memcpy(ram.memory + at, ram.cached + at, count << PAGE_SHIFT);
}

void arch_flush(mfn_t mfn, uint64_t count)
{
    arch_clean(mfn, count);
}

/* ---- copies ---- */

/* The piece of [gva, gva + n) in one page, as the guest may access it; NULL = it may not. */
static char *guest_piece(struct domain *d, uint64_t gva, bool write)
{
    struct stage2_entry e;
    char *p = NULL;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, gaddr_to_gfn(GADDR(gva)));
    if (e.mapping != MAPPING_NONE && e.mapping != MAPPING_DEVICE &&
        (e.access & (write ? ACCESS_RW : ACCESS_R)) == (write ? ACCESS_RW : ACCESS_R)) {
        p = (char *)arch_map_frame(e.mfn) + (gva & PAGE_MASK);
    }
    spin_unlock(&d->physmap_lock);
    return p;
}

static bool fails_now(void)
{
    uint32_t n = __atomic_load_n(&ram.fail_copy, __ATOMIC_RELAXED);

    (void)__atomic_fetch_add(&ram.copies, 1u, __ATOMIC_RELAXED);
    if (n != 0u) {
        __atomic_store_n(&ram.fail_copy, n - 1u, __ATOMIC_RELAXED);
    }
    return n == 1u;
}

static err_t copy(uint64_t gva, char *local, size_t n, bool write)
{
    struct domain *d = this_cpu()->current->domain;
    size_t done = 0;

    if (n > 4096u) {
        host_fail("copy of %zu bytes", n);
    }
    if (ram.before_copy != NULL) {
        ram.before_copy();
    }
    if (fails_now() || (ram.no_pointers && (gva >= POINTER_FROM || gva + n > POINTER_FROM))) {
        return ERR_FAULT;
    }
    while (done < n) {
        uint64_t at = gva + done;
        size_t piece = PAGE_SIZE - (at & PAGE_MASK);
        char *guest = (at >= POINTER_FROM) ? (char *)(uintptr_t)at : guest_piece(d, at, write);

        if (guest == NULL) {
            return ERR_FAULT;
        }
        piece = (piece < n - done) ? piece : n - done;
        memcpy(write ? guest : local + done, write ? local + done : guest, piece);
        if (write && at < POINTER_FROM) { /* the guest's own access is coherent with ours */
            memcpy(ram.memory + (guest - ram.cached), guest, piece);
        }
        done += piece;
    }
    return OK;
}

err_t copy_in32(uint32_t *to, gva_t from)
{
    return copy_in(to, from, sizeof(*to));
}

err_t copy_in(void *to, gva_t from, size_t n)
{
    return copy(from.v, to, n, false);
}

err_t copy_out(gva_t to, const void *from, size_t n)
{
    return copy(to.v, (char *)(uintptr_t)from, n, true);
}

err_t arch_translate(gva_t from, gaddr_t *out)
{
    *out = GADDR(from.v);
    return (from.v < POINTER_FROM) ? OK : ERR_FAULT;
}

void host_fail_copy(uint32_t n)
{
    __atomic_store_n(&ram.fail_copy, n, __ATOMIC_RELAXED);
}

uint32_t host_copies(void)
{
    return __atomic_load_n(&ram.copies, __ATOMIC_RELAXED);
}

void host_refuse_pointers(bool refuse)
{
    ram.no_pointers = refuse;
}

void host_before_copy(void (*fn)(void))
{
    ram.before_copy = fn;
}
