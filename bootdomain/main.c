/* SPDX-License-Identifier: Apache-2.0 */
/* The Boot Domain: reads the description, starts the Initial Domains, ceases to exist.
 * [impl->dsn~boot-exit~1] */
#include <string.h>

#include <bulkhead/image.h>
#include <bulkhead/start_info.h>

#include <guest/exception.h>

#include "archive.h"
#include "builder.h"
#include "claim.h"
#include "guest_layout.h"
#include "hand_over.h"
#include "host_tree.h"
#include "hyper.h"
#include "labels.h"
#include "plan.h"
#include "ranges.h"
#include "text.h"
#include "tree.h"

#define MICROSECONDS     UINT64_C(1000000)
#define TEXT_COLUMN      24u
#define MEMMAP_RESERVED  2u
#define MEMMAP_MAX       64u
#define STATUS_EXCEPTION 0xffu
#define TREE_MIN_BYTES   40u

static struct board_table board;
static struct archive archive;
static struct plan plan;
static struct ranges taken; /* machine memory that no domain may have */
static struct ranges free_ram;
static struct builder builder;

/* Own RAM behind the image: room for a launch.dtb that must be copied. */
static struct {
    uint64_t *start;
    uint64_t bytes;
} spare;
extern char _image_end[]; /* linker script */

int main(uint64_t start_info);

void on_sync(struct exception_frame *frame)
{
    log_problem(NULL, "exception in the Boot Domain: ESR 0x%lx FAR 0x%lx at 0x%lx; report this",
                (unsigned long)frame->esr, (unsigned long)frame->far, (unsigned long)frame->elr);
    hyper_exit(STATUS_EXCEPTION, BULKHEAD_EXIT_HALT, &plan.dynamic);
}

void on_serror(struct exception_frame *frame)
{
    on_sync(frame);
}

static bool check_start_info(const struct hvm_start_info *info)
{
    if (info == NULL || info->magic != HVM_START_MAGIC || info->version == 0) {
        log_problem(NULL, "x0 does not point to hvm_start_info version 1; start me from Bulkhead");
        return false;
    }
    if (info->nr_modules < BOOT_MODULE_COUNT || info->modlist_paddr == 0 || info->memmap_entries > MEMMAP_MAX) {
        log_problem(NULL, "hvm_start_info has %u modules and %u memory entries; expected 2 and at most %u",
                    info->nr_modules, info->memmap_entries, MEMMAP_MAX);
        return false;
    }
    return true;
}

static bool read_board(void)
{
    int64_t error = hyper_board(&board);

    if (error != 0 || board.magic != BOARD_MAGIC || board.version != BOARD_VERSION || board.size != sizeof(board) ||
        board.cpu_count == 0 || board.cpu_count > BOARD_MAX_CPUS || board.ram_count > BOARD_MAX_RAM) {
        log_problem(NULL,
                    "the board table is version %u, %u bytes; this Boot Domain reads version %u, %u bytes; "
                    "build the image again",
                    board.version, board.size, BOARD_VERSION, (unsigned int)sizeof(board));
        return false;
    }
    board.name[BOARD_NAME_BYTES - 1] = '\0';
    return true;
}

/* Machine memory that the hypervisor has reserved, and own RAM behind the image. */
static bool read_memmap(const struct hvm_start_info *info)
{
    const struct hvm_memmap_table_entry *entries = hyper_pointer(info->memmap_paddr);
    uint64_t image_end = (uint64_t)(uintptr_t)_image_end;

    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        uint64_t end = entries[i].addr + entries[i].size;
        if (entries[i].type == HVM_MEMMAP_TYPE_RAM && entries[i].addr <= image_end && image_end < end) {
            spare.start = hyper_pointer(image_end);
            spare.bytes = end - image_end;
        }
        if (entries[i].type == MEMMAP_RESERVED) {
            ranges_add(&taken, entries[i].addr, entries[i].size);
        }
    }
    return ranges_are_whole(&taken);
}

/* Memory and reservations of the host's device tree.  There may be none. */
static bool read_tree(const struct hvm_modlist_entry *module)
{
    return module->size < TREE_MIN_BYTES || host_tree_read(hyper_pointer(module->paddr), module->size, &board, &taken);
}

/* The image has no archive: the host's device tree is the description. */
static bool read_host_plan(const struct hvm_modlist_entry *module, struct plan_context *context)
{
    if (module->size < TREE_MIN_BYTES) {
        log_problem(NULL, "neither a launch archive nor a host device tree; build the image with a description");
        return false;
    }
    context->fdt = tree_get(hyper_pointer(module->paddr), module->size, "host device tree", NULL, 0);
    return context->fdt != NULL && plan_read(&plan, context);
}

/* The description: launch.dtb of the archive, or the host's device tree when the image has no archive. */
static bool read_plan(const struct hvm_modlist_entry *modules)
{
    const struct hvm_modlist_entry *module = &modules[BOOT_MODULE_ARCHIVE];
    struct plan_context context = {.board = &board, .taken = taken.range, .taken_count = taken.count};

    if (module->size == 0) {
        return read_host_plan(&modules[BOOT_MODULE_DTB], &context);
    }
    if (!archive_index(&archive, hyper_pointer(module->paddr), module->size)) {
        return false;
    }
    const struct archive_member *member = archive_find(&archive, LAUNCH_DTB_MEMBER);
    if (member == NULL) {
        log_problem(NULL, "launch archive: no member " LAUNCH_DTB_MEMBER "; build the image again");
        return false;
    }
    context.fdt = tree_get(member->data, member->size, LAUNCH_DTB_MEMBER, spare.start, spare.bytes);
    context.archive = &archive;
    return context.fdt != NULL && plan_read(&plan, &context) && labels_load(&archive, &plan);
}

/* All RAM of the board that nobody has joins the free pool. */
static bool claim_memory(void)
{
    if (!claim_find(&free_ram, &board, &taken, &plan) || !claim_place_shares(&free_ram, &plan)) {
        return false;
    }
    for (uint32_t i = 0; i < free_ram.count; i++) {
        int64_t error = hyper_claim(free_ram.range[i].base, free_ram.range[i].size);
        if (error != 0) {
            log_problem(NULL, "the hypervisor refuses RAM 0x%lx, 0x%lx bytes (error %lu); make the board table again",
                        (unsigned long)free_ram.range[i].base, (unsigned long)free_ram.range[i].size,
                        (unsigned long)-error);
            return false;
        }
    }
    return true;
}

/* Text in columns: pad what is in line to the column. */
static size_t pad(char *line, size_t used, size_t column)
{
    size_t at_column = (used < column) ? column : used + 1;

    memset(&line[used], ' ', at_column - used);
    return at_column;
}

static unsigned long microseconds(uint64_t ticks)
{
    uint64_t hz = hyper_ticks_hz();

    return (hz == 0) ? 0 : (unsigned long)(ticks * MICROSECONDS / hz);
}

static void print_domain(uint32_t index, uint64_t start)
{
    const struct plan_domain *domain = &plan.domains[index];
    const struct builder_state *state = &builder.states[index];
    char line[TEXT_LINE_BYTES];
    size_t used = pad(line, text_format(line, sizeof(line), "  %s", domain->name), 36);

    used += text_format(&line[used], sizeof(line) - used, "%lu KiB", (unsigned long)(domain->memory >> 10));
    used = pad(line, used, 52);
    used += text_format(&line[used], sizeof(line) - used, "%u", domain->vcpus);
    used = pad(line, used, 60);
    if (state->is_started) {
        text_format(&line[used], sizeof(line) - used, "%lu us", microseconds(state->start_ticks - start));
    } else {
        text_format(&line[used], sizeof(line) - used, "not started");
    }
    log_notice(NULL, "%s", line);
}

/* Returns the number of domains that were not started. */
static uint32_t print_summary(uint64_t start)
{
    uint32_t failed = 0;

    log_notice(NULL, "  domain                            memory          vCPUs   started after");
    for (uint32_t i = 0; i < plan.count; i++) {
        print_domain(plan.order[i], start);
        failed += builder.states[plan.order[i]].is_started ? 0 : 1;
    }
    struct bulkhead_boot_record record;
    if (hyper_boot_record(&record) == 0 && record.ticks_first_domain > record.ticks_reset) {
        log_notice(NULL, "the first one %lu us after reset",
                   microseconds(record.ticks_first_domain - record.ticks_reset));
    }
    log_notice(NULL, "%u of %u domains started", plan.count - failed, plan.count);
    return failed;
}

/* True when the description was read and the memory claimed. */
static bool prepare(const struct hvm_start_info *info)
{
    if (!check_start_info(info) || !read_board()) {
        return false;
    }
    const struct hvm_modlist_entry *modules = hyper_pointer(info->modlist_paddr);
    return read_tree(&modules[BOOT_MODULE_DTB]) && read_memmap(info) && read_plan(modules) && claim_memory();
}

int main(uint64_t start_info)
{
    uint64_t start = hyper_ticks();

    plan.count = 0;
    ranges_clear(&taken);
    builder_init(&builder, &plan, &board);
    if (!prepare(hyper_pointer(start_info)) || !builder_make_pools(&builder)) {
        log_notice(NULL, "nothing is started");
        hyper_exit((plan.count == 0) ? 1 : plan.count, BULKHEAD_EXIT_HALT, &plan.dynamic);
    }
    builder_create_control(&builder);
    for (uint32_t i = 0; i < plan.count; i++) {
        builder_run(&builder, plan.order[i]);
    }
    uint32_t failed = print_summary(start);
    hand_over_rest(&builder);
    hand_over_log(&builder);
    uint32_t power = plan.power_at_once ? BULKHEAD_EXIT_POWER_AT_ONCE : 0;
    hyper_exit(failed, (failed != 0 && plan.halt_on_failure) ? BULKHEAD_EXIT_HALT : BULKHEAD_EXIT_CONTINUE | power,
               &plan.dynamic);
}
