/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <string.h>

#include "guest_layout.h"
#include "gunzip.h"
#include "hyper.h"
#include "range.h"
#include "ranges.h"
#include "text.h"
#include "tree.h"
#include "verify.h"
#include "window.h"

#define PARTIAL_BYTES 0x4000u /* of a partial device tree that is not aligned */

static uint64_t partial_room[PARTIAL_BYTES / sizeof(uint64_t)];
static uint8_t tree[GUEST_FDT_BYTES] __attribute__((aligned(8)));

static bool can_move(const struct load *load, const struct plan_module *module, uint64_t to)
{
    return !load->domain->keep_modules && load->domain->fixed_count == 0 && !module->shared && !module->is_outside &&
           ((uint64_t)(uintptr_t)module->data & (LAYOUT_BLOCK - 1)) == 0 && (to & (LAYOUT_PAGE - 1)) == 0;
}

static bool add_move(struct load *load, const struct plan_module *module, uint64_t to)
{
    if (!can_move(load, module, to)) {
        return false;
    }
    load->moves[load->move_count] =
        (struct load_move){.from = (uint64_t)(uintptr_t)module->data, .to = to, .bytes = module->size};
    load->move_count++;
    return true;
}

static void decide_moves(struct load *load)
{
    const struct kernel *kernel = &load->kernel;
    bool is_whole = kernel->format == KERNEL_IMAGE || kernel->format == KERNEL_FLAT;

    load->move_count = 0;
    load->is_kernel_moved = is_whole && add_move(load, &load->modules[PLAN_KERNEL], kernel->segments[0].to);
    load->is_ramdisk_moved =
        load->place.ramdisk != 0 && add_move(load, &load->modules[PLAN_RAMDISK], load->place.ramdisk);
}

/* The partial tree, checked, and what it asks for; *partial is NULL when the domain has none. */
static bool read_partial(struct load *load, const struct board_table *board, const void **partial)
{
    const struct plan_module *module = &load->modules[PLAN_DEVICE_TREE];
    struct passthrough_context context = {.domain = load->domain->name,
                                          .board = board,
                                          .banks = &load->banks,
                                          .devices = &load->devices,
                                          .has_safe = load->has_safe};

    *partial = NULL;
    if (module->data == NULL) {
        return true;
    }
    *partial = tree_get(module->data, module->size, module->name, partial_room, sizeof(partial_room));
    return *partial != NULL && passthrough_read(&load->devices_given, &context, *partial);
}

/* What is behind the ramdisk: the device tree, and what compares the images. */
static uint64_t tree_room(const struct load *load)
{
    return GUEST_FDT_ROOM + (load->domain->verify ? VERIFY_ROOM : 0);
}

static bool place_verify(struct load *load)
{
    if (!load->domain->verify) {
        return true;
    }
    load->verify = load->place.fdt + GUEST_FDT_ROOM;
    if (load->verify + VERIFY_ROOM > VERIFY_LIMIT) {
        log_problem(
            load->domain->name,
            "its images cannot be verified at 0x%lx and above; give it memory below, or leave " LAUNCH_PROP_VERIFY
            " out",
            (unsigned long)VERIFY_LIMIT);
        return false;
    }
    return true;
}

bool load_prepare(struct load *load, const struct board_table *board)
{
    const char *name = load->domain->name;
    const void *partial;

    layout_banks(load->domain, &load->banks);
    guest_devices_of(load->domain, board, &load->devices);
    if (!read_partial(load, board, &partial) ||
        !kernel_examine(&load->kernel, name, &load->modules[PLAN_KERNEL], &load->banks) ||
        !layout_place(name, &load->banks, &load->kernel, load->modules[PLAN_RAMDISK].size, tree_room(load),
                      &load->place) ||
        !place_verify(load)) {
        return false;
    }
    struct guest_fdt_input input = {.domain = load->domain,
                                    .plan = load->plan,
                                    .banks = &load->banks,
                                    .devices = &load->devices,
                                    .ramdisk = load->place.ramdisk,
                                    .ramdisk_size = load->modules[PLAN_RAMDISK].size,
                                    .partial = partial};
    if (!guest_fdt_build(&input, tree, &load->fdt_size)) {
        return false;
    }
    load->fdt = tree;
    decide_moves(load);
    return true;
}

int64_t load_devices(const struct load *load, uint16_t domid)
{
    const struct passthrough *given = &load->devices_given;
    int64_t result = 0;

    for (uint32_t i = 0; i < given->range_count && result == 0; i++) {
        result = hyper_give_registers(domid, given->range[i].guest, given->range[i].machine, given->range[i].size);
    }
    for (uint32_t i = 0; i < given->interrupt_count && result == 0; i++) {
        result = hyper_give_interrupt(domid, given->interrupt[i]);
    }
    return result;
}

static int64_t populate_fixed(const struct load *load, uint16_t domid)
{
    struct layout_fixed pieces[LAYOUT_MAX_FIXED];
    uint32_t count = layout_fixed_pieces(load->domain, &load->banks, pieces);
    int64_t result = 0;

    for (uint32_t i = 0; i < count && result == 0; i++) {
        result = hyper_populate_fixed(domid, pieces[i].to / LAYOUT_PAGE, pieces[i].machine.base / LAYOUT_PAGE,
                                      pieces[i].machine.size / LAYOUT_PAGE);
    }
    return result;
}

static int64_t move_module(const struct load_move *move, uint16_t domid)
{
    uint64_t pages = range_align_up(move->bytes, LAYOUT_PAGE) / LAYOUT_PAGE;
    uint32_t tail = (uint32_t)(move->bytes - (pages - 1) * LAYOUT_PAGE);

    return hyper_move(domid, move->from / LAYOUT_PAGE, move->to / LAYOUT_PAGE, pages, tail);
}

/* Pool memory for all of the banks but where modules were moved to. */
static int64_t populate_rest(const struct load *load, uint16_t domid)
{
    static struct ranges rest;
    int64_t result = 0;

    ranges_clear(&rest);
    for (uint32_t i = 0; i < load->banks.count; i++) {
        ranges_add(&rest, load->banks.bank[i].base, load->banks.bank[i].size);
    }
    for (uint32_t i = 0; i < load->move_count; i++) {
        ranges_cut(&rest, load->moves[i].to, range_align_up(load->moves[i].bytes, LAYOUT_PAGE));
    }
    for (uint32_t i = 0; i < rest.count && result == 0; i++) {
        result = hyper_populate(domid, rest.range[i].base / LAYOUT_PAGE, rest.range[i].size / LAYOUT_PAGE);
    }
    return result;
}

int64_t load_memory(const struct load *load, uint16_t domid)
{
    int64_t result = 0;

    if (load->domain->fixed_count != 0) {
        return populate_fixed(load, domid);
    }
    for (uint32_t i = 0; i < load->move_count && result == 0; i++) {
        result = move_module(&load->moves[i], domid);
    }
    return (result == 0) ? populate_rest(load, domid) : result;
}

static int64_t refuse_gzip(const struct load *load, const char *reason)
{
    log_problem(load->domain->name, "the kernel is damaged gzip data (%s); compress it again", reason);
    return LOAD_REFUSED;
}

/* Inflate into the domain, a window at a time, no further than the Image header said. */
static int64_t inflate_kernel(const struct load *load, uint16_t domid)
{
    const struct kernel_segment *segment = &load->kernel.segments[0];
    struct gunzip gunzip;
    uint64_t done = 0;

    gunzip_open(&gunzip, load->modules[PLAN_KERNEL].data, load->modules[PLAN_KERNEL].size);
    while (done < segment->memory_size) {
        uint64_t left = segment->memory_size - done;
        uint64_t piece = (left < WINDOW_PIECE) ? left : WINDOW_PIECE;
        uint64_t got = 0;
        uint8_t *to;
        int64_t error = window_open(domid, segment->to + done, piece, &to);
        if (error != 0) {
            return error;
        }
        enum gunzip_result result = gunzip_read(&gunzip, to, piece, &got);
        error = window_close(domid, segment->to + done, piece);
        if (error != 0 || result == GUNZIP_END) {
            return error;
        }
        if (result == GUNZIP_BAD) {
            return refuse_gzip(load, gunzip.reason);
        }
        done += got;
    }
    uint8_t more;
    uint64_t got = 0;
    enum gunzip_result result = gunzip_read(&gunzip, &more, sizeof(more), &got);
    if (result == GUNZIP_BAD) {
        return refuse_gzip(load, gunzip.reason);
    }
    return (result == GUNZIP_END && got == 0) ? 0 : refuse_gzip(load, "it is longer than its Image header says");
}

static int64_t copy_kernel(const struct load *load, uint16_t domid)
{
    const uint8_t *file = load->modules[PLAN_KERNEL].data;
    int64_t result = 0;

    if (load->kernel.format == KERNEL_IMAGE_GZIP) {
        return inflate_kernel(load, domid);
    }
    for (uint32_t i = 0; i < load->kernel.segment_count && result == 0; i++) {
        const struct kernel_segment *segment = &load->kernel.segments[i];
        result = window_copy(domid, segment->to, &file[segment->offset], segment->file_size);
    }
    return result;
}

uint64_t load_entry(const struct load *load)
{
    return (load->verify != 0) ? load->verify : load->kernel.entry;
}

/* Inflated, a kernel is as long as its header says. */
static uint64_t segment_bytes(const struct load *load, uint32_t i)
{
    const struct kernel_segment *segment = &load->kernel.segments[i];

    return (load->kernel.format == KERNEL_IMAGE_GZIP) ? segment->memory_size : segment->file_size;
}

static void digest_piece(void *context, uint8_t *at, uint64_t bytes)
{
    sha256_add(context, at, bytes);
}

/* The digest of what is in the domain's memory. */
static int64_t digest(uint16_t domid, struct verify_range *range)
{
    struct sha256 sha;

    sha256_open(&sha);
    int64_t result = window_each(domid, range->base, range->bytes, digest_piece, &sha);
    sha256_close(&sha, range->digest);
    return result;
}

static int64_t write_verify(const struct load *load, uint16_t domid)
{
    static struct verify verify;
    static uint8_t page[VERIFY_PAGE_BYTES];
    int64_t result = 0;

    verify_open(&verify, load->verify, load->kernel.entry);
    uint64_t first = verify.head.count;
    for (uint32_t i = 0; i < load->kernel.segment_count; i++) {
        (void)verify_add(&verify, "kernel", load->kernel.segments[i].to, segment_bytes(load, i));
    }
    (void)verify_add(&verify, "ramdisk", load->place.ramdisk, load->modules[PLAN_RAMDISK].size);
    (void)verify_add(&verify, "device tree", load->place.fdt, load->fdt_size);
    for (uint64_t i = first; i < verify.head.count && result == 0; i++) {
        result = digest(domid, &verify.ranges[i]);
    }
    verify_write(&verify, page);
    return (result == 0) ? window_copy(domid, load->verify, page, sizeof(page)) : result;
}

int64_t load_contents(const struct load *load, uint16_t domid)
{
    const struct plan_module *ramdisk = &load->modules[PLAN_RAMDISK];
    int64_t result = load->is_kernel_moved ? 0 : copy_kernel(load, domid);

    if (result == 0 && load->place.ramdisk != 0 && !load->is_ramdisk_moved) {
        result = window_copy(domid, load->place.ramdisk, ramdisk->data, ramdisk->size);
    }
    result = (result == 0) ? window_copy(domid, load->place.fdt, load->fdt, load->fdt_size) : result;
    return (result == 0 && load->verify != 0) ? write_verify(load, domid) : result;
}

static int64_t seal(uint16_t domid, uint64_t at, uint64_t bytes)
{
    uint64_t first = at / LAYOUT_PAGE;
    uint64_t end = range_align_up(at + bytes, LAYOUT_PAGE) / LAYOUT_PAGE;

    return (bytes != 0) ? hyper_seal_image(domid, first, end - first) : 0;
}

int64_t load_seal(const struct load *load, uint16_t domid)
{
    const struct plan_module *ramdisk = &load->modules[PLAN_RAMDISK];
    int64_t result = 0;

    for (uint32_t i = 0; i < load->kernel.segment_count && result == 0; i++) {
        result = seal(domid, load->kernel.segments[i].to, segment_bytes(load, i));
    }
    if (result == 0 && load->place.ramdisk != 0) {
        result = seal(domid, load->place.ramdisk, ramdisk->size);
    }
    result = (result == 0) ? seal(domid, load->place.fdt, load->fdt_size) : result;
    return (result == 0 && load->verify != 0) ? seal(domid, load->verify, VERIFY_PAGE_BYTES) : result;
}
