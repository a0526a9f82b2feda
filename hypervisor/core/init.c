/* SPDX-License-Identifier: Apache-2.0 */
/* The whole start-up, in order.
 * [impl->dsn~start-up~1] */
#include "core/init.h"
#include "core/console.h"
#include "core/device.h"
#include "core/frame.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "core/seal.h"
#include "core/trace.h"
#include "core/upcall.h"
#include "core/wallclock.h"
#include "lib/string.h"

static const struct board_table *board;         /* const after init */
static uint64_t usable[(MAX_CPUS + 63u) / 64u]; /* const after init */

const struct board_table *init_board(void)
{
    return board;
}

bool cpu_is_usable(uint32_t id)
{
    return ((usable[id / 64u] >> (id % 64u)) & 1u) != 0u;
}

static void init_cpu(struct cpu *cpu)
{
    cpu->current = NULL;
    list_init(&cpu->reap);
    sched_cpu_init(cpu);
    cpu->work = CPU_WORK_INBOX; /* what was posted before it could be told */
}

/* The frame table takes the first part of the unused runtime memory; the rest of it is free RAM. */
static void init_frames(const struct boot_info *info)
{
    uint64_t size = frame_table_size(info->board);
    mfn_t first = maddr_to_mfn(info->free);
    mfn_t last = maddr_to_mfn(MADDR(info->free.v + size));

    if (size > info->free_size) {
        print_panic("bulkhead: no room for the frame table (%lu KiB); rebuild the image with the host tool\n",
                    (unsigned long)(size / 1024u));
        arch_halt();
    }
    for (uint64_t m = first.v; m < last.v;) {
        uint64_t n = (last.v - m < FRAME_BATCH) ? last.v - m : FRAME_BATCH;
        arch_scrub(MFN(m), n);
        m += n;
    }
    frame_init(info->board, arch_map_frame(first));
    if (frame_reserve(maddr_to_mfn(info->image), info->image_size >> PAGE_SHIFT) != OK) {
        print_panic("bulkhead: image of impossible size; rebuild it with the host tool\n");
        arch_halt();
    }
    if (info->free_size > size) {
        frame_release_reserved(last, (info->free_size - size) >> PAGE_SHIFT);
    }
}

static void start_cpus(const struct boot_info *info)
{
    memset(usable, 0, sizeof(usable));
    usable[info->boot_cpu / 64u] |= UINT64_C(1) << (info->boot_cpu % 64u);
    for (uint32_t id = 0; id < info->board->cpu_count; id++) {
        if (id == info->boot_cpu) {
            continue;
        }
        if (arch_cpu_start(id) == OK) {
            usable[id / 64u] |= UINT64_C(1) << (id % 64u);
        } else {
            print("CPU %u (MPIDR 0x%lx) does not start; check cpus and psci of the board file", (unsigned)id,
                  (unsigned long)info->board->mpidr[id]);
        }
    }
}

static void banner(const struct boot_info *info)
{
    print("Bulkhead on %s: %u CPUs, %lu MiB of RAM", info->board->name, (unsigned)info->board->cpu_count,
          (unsigned long)(frame_total_count() >> 8));
}

static NORETURN void run(struct cpu *cpu)
{
    arch_enter_guest(upcall_next(cpu));
}

void upcall_start(const struct boot_info *info)
{
    board = info->board;
    console_init(board->console_cpu);
    domain_init();
    device_init();
    sched_init();
    trace_init();
    seal_note_reset(info->ticks_reset);
    init_cpu(this_cpu());
    init_frames(info);
    banner(info);
    rights_init();
    wallclock_start();
    start_cpus(info);
    boot_domain_start(info);
    run(this_cpu());
}

void upcall_cpu_started(struct cpu *cpu)
{
    init_cpu(cpu);
    run(cpu);
}
