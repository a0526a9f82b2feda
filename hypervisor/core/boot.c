/* SPDX-License-Identifier: Apache-2.0 */
/* The Boot Domain: created by the hypervisor itself, once.
 *
 *   BOOT_DOMAIN_BASE     its RAM: the flat binary, zeroed memory; hvm_start_info in the last page
 *   BOOT_DOMAIN_DTB      the host's device tree, read only
 *   BOOT_DOMAIN_ARCHIVE  the launch archive where the image has it, without a copy
 *
 * [impl->dsn~boot-domain-entry~1] [impl->dsn~boot-domain-refusal~1] */
#include "core/boot.h"
#include "bulkhead/start_info.h"
#include "core/frame.h"
#include "core/init.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/print.h"
#include "lib/bits.h"
#include "lib/string.h"

#define BOOT_POOL_FRAMES 192u /* tables: RAM, archive by 2 MiB or 4 KiB, device tree, window */
#define MEMMAP_ENTRIES   4u

/* What the last page of RAM holds. */
struct start_page {
    struct hvm_start_info info;
    struct hvm_modlist_entry modules[BOOT_MODULE_COUNT];
    struct hvm_memmap_table_entry memmap[MEMMAP_ENTRIES];
};
static_assert(sizeof(struct start_page) <= PAGE_SIZE, "one page");

static NORETURN void refuse(const char *what, err_t err)
{
    print_panic("bulkhead: cannot make the Boot Domain: %s (error -%u); "
                "rebuild the image with the host tool for this board\n",
                what, (unsigned)-(int)err);
    arch_halt();
}

static void check(err_t err, const char *what)
{
    if (err != OK) {
        refuse(what, err);
    }
}

static uint64_t frames_of(uint64_t bytes)
{
    return ALIGN_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT;
}

static void add_ram(struct domain *d, uint64_t frames)
{
    uint64_t at = BOOT_DOMAIN_BASE >> PAGE_SHIFT;
    uint64_t end = at + frames;

    while (at < end) {
        err_t err = ERR_NOMEM;
        uint32_t order = PHYSMAP_BIG_ORDER + 1u;

        while ((err == ERR_NOMEM && order > 0u) || err == ERR_RESTART) { /* the largest blocks that there are */
            order -= (err == ERR_NOMEM) ? 1u : 0u;
            if (end - at >= (UINT64_C(1) << order) && IS_ALIGNED(at, UINT64_C(1) << order)) {
                err = physmap_populate(d, GFN(at), order);
            }
        }
        check(err, "its memory does not fit the runtime part of the image");
        at += UINT64_C(1) << order;
    }
}

/* The hypervisor's view of a page of the Boot Domain's RAM. */
static void *page_at(struct domain *d, uint64_t gaddr, mfn_t *mfn)
{
    check(physmap_hold(d, GFN(gaddr >> PAGE_SHIFT), mfn), "its memory has a hole");
    return arch_map_frame(*mfn);
}

static void copy_binary(struct domain *d, const struct boot_info *info)
{
    for (uint64_t done = 0; done < info->boot_domain_size; done += PAGE_SIZE) { /* bound: pages of the binary */
        uint64_t left = info->boot_domain_size - done;
        maddr_t from = MADDR(info->boot_domain.v + done);
        mfn_t mfn;
        void *to = page_at(d, BOOT_DOMAIN_BASE + done, &mfn);

        memcpy(to, arch_map_frame(maddr_to_mfn(from)), (left < PAGE_SIZE) ? left : PAGE_SIZE);
        arch_clean(mfn, 1);
        physmap_release(mfn);
    }
}

/* Map frames that need no allocation, in batches that keep 2 MiB entries. */
static void map_range(struct domain *d, uint64_t gaddr, struct stage2_entry e, uint64_t frames, const char *what)
{
    uint64_t done = 0;

    while (done < frames) {
        uint64_t n = (frames - done < PHYSMAP_BATCH) ? frames - done : PHYSMAP_BATCH;

        spin_lock(&d->physmap_lock);
        check(physmap_map(d, GFN((gaddr >> PAGE_SHIFT) + done), n, &e), what);
        spin_unlock(&d->physmap_lock);
        e.mfn.v += n;
        done += n;
    }
}

/* The archive, and what lies between its end and the runtime memory as far as that lets 2 MiB entries map it. */
static uint64_t archive_frames(const struct boot_info *info)
{
    uint64_t frames = frames_of(info->archive_size);
    uint64_t blocks = ALIGN_UP(frames, PHYSMAP_BATCH);
    maddr_t runtime = MADDR(info->image.v + info->descriptor->runtime.offset);

    return (info->archive.v + (blocks << PAGE_SHIFT) <= runtime.v) ? blocks : frames;
}

static void map_archive(struct domain *d, const struct boot_info *info)
{
    struct stage2_entry e = {.mfn = maddr_to_mfn(info->archive), .access = ACCESS_RW, .mapping = MAPPING_RAM};
    uint64_t frames = archive_frames(info);

    if (frames == 0u) {
        return;
    }
    frame_assign(e.mfn, frames, FRAME_OWNER(d->slot), FRAME_RAM);
    check(physmap_charge(d, frames), "the archive is larger than its limit");
    map_range(d, BOOT_DOMAIN_ARCHIVE, e, frames, "the archive does not fit its tables");
}

static void map_dtb(struct domain *d, const struct boot_info *info)
{
    struct stage2_entry e = {.mfn = maddr_to_mfn(info->dtb), .access = ACCESS_R, .mapping = MAPPING_OUTSIDE};
    uint64_t frames = frames_of((info->dtb.v & PAGE_MASK) + info->dtb_size);

    if (info->dtb_size == 0u) {
        return;
    }
    check(frame_claim(e.mfn, frames, true), "the device tree overlaps the image, or is not in RAM");
    map_range(d, BOOT_DOMAIN_DTB, e, frames, "the device tree does not fit its tables");
}

static void add_range(struct start_page *p, uint64_t addr, uint64_t size, uint32_t type)
{
    p->memmap[p->info.memmap_entries] = (struct hvm_memmap_table_entry){.addr = addr, .size = size, .type = type};
    p->info.memmap_entries++;
}

static void fill_memmap(struct start_page *p, const struct boot_info *info, uint64_t ram)
{
    uint64_t dtb = frames_of((info->dtb.v & PAGE_MASK) + info->dtb_size) << PAGE_SHIFT;

    add_range(p, BOOT_DOMAIN_BASE, ram - PAGE_SIZE, HVM_MEMMAP_TYPE_RAM);
    add_range(p, info->image.v, info->image_size, HVM_MEMMAP_TYPE_RESERVED);
    if (info->dtb_size != 0u) {
        add_range(p, ALIGN_DOWN(info->dtb.v, PAGE_SIZE), dtb, HVM_MEMMAP_TYPE_RESERVED);
    }
}

/* Returns the guest-physical address of the start info. */
static uint64_t fill_start_page(struct domain *d, const struct boot_info *info, uint64_t ram)
{
    uint64_t at = BOOT_DOMAIN_BASE + ram - PAGE_SIZE;
    mfn_t mfn;
    struct start_page *p = page_at(d, at, &mfn);

    p->info = (struct hvm_start_info){
        .magic = HVM_START_MAGIC,
        .version = 1,
        .nr_modules = BOOT_MODULE_COUNT,
        .modlist_paddr = at + offsetof(struct start_page, modules),
        .memmap_paddr = at + offsetof(struct start_page, memmap),
    };
    p->modules[BOOT_MODULE_ARCHIVE] = (struct hvm_modlist_entry){
        .paddr = BOOT_DOMAIN_ARCHIVE + (info->archive.v & PAGE_MASK), .size = info->archive_size};
    p->modules[BOOT_MODULE_DTB] =
        (struct hvm_modlist_entry){.paddr = BOOT_DOMAIN_DTB + (info->dtb.v & PAGE_MASK), .size = info->dtb_size};
    fill_memmap(p, info, ram);
    arch_clean(mfn, 1);
    physmap_release(mfn);
    return at;
}

/* One vCPU on the CPU that the image names, or here if that one does not start. */
static void add_vcpu(struct domain *d, const struct boot_info *info, uint64_t start_info)
{
    uint32_t cpu = info->descriptor->boot_domain_cpu;
    struct vcpu *v;

    check(domain_add_vcpus(d), "no memory for its vCPU");
    v = d->vcpus[0];
    if (cpu >= cpu_count() || !cpu_is_usable(cpu)) {
        print("the Boot Domain's CPU %u does not run; it takes CPU %u", (unsigned)cpu, (unsigned)info->boot_cpu);
        cpu = info->boot_cpu;
    }
    v->home = cpu;
    memset(v->affinity, 0, sizeof(v->affinity));
    v->affinity[cpu / 64u] = UINT64_C(1) << (cpu % 64u);
    arch_vcpu_reset(v, BOOT_DOMAIN_BASE, start_info);
    v->state = VCPU_RUNNABLE;
    v->power = VCPU_POWER_ON;
}

void boot_domain_start(const struct boot_info *info)
{
    static const struct domain_config config = {.domid = DOMID_BOOT, .max_vcpus = 1, .arch = {.nr_spis = 0}};
    uint64_t ram = ALIGN_DOWN(info->descriptor->boot_domain_memory, PAGE_SIZE);
    struct domain *d;

    if (ram < PAGE_SIZE + ALIGN_UP(info->boot_domain_size, PAGE_SIZE)) {
        refuse("the image gives it less memory than its program needs", ERR_NOMEM);
    }
    check(domain_create(SLOT_BOOT, &config, &d), "no memory for the hypervisor's own part of it");
    d->max_frames = (ram >> PAGE_SHIFT) + archive_frames(info);
    check(pool_grow(d, BOOT_POOL_FRAMES), "no memory for its tables");
    add_ram(d, ram >> PAGE_SHIFT);
    copy_binary(d, info);
    map_archive(d, info);
    map_dtb(d, info);
    add_vcpu(d, info, fill_start_page(d, info, ram));
    check(domain_unpause(d), "it does not start");
    domain_put(d);
}
