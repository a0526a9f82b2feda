/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of launch records.
 * The record is a list of pieces: runs of guest frames and the machine frames for them, images, channels. */
#ifndef CORE_LAUNCH_INTERNAL_H
#define CORE_LAUNCH_INTERNAL_H

#include "arch/contract/arch.h"
#include "core/launch.h"

#include <xen/xen.h>
#include <xen/arch-arm.h>
#include <xen/grant_table.h>

#define COPY_FRAMES   2u /* a step of sealing */
#define REBUILD_PAGES 6u /* copied back between two looks for an interrupt */
#define LAUNCH_PAGES  8u
#define LAUNCH_PIECES (PAGE_SIZE / sizeof(struct piece))

enum piece_kind {
    PIECE_RAM = 0,
    PIECE_IMAGE = 1,   /* mfn: the sealed copy */
    PIECE_OTHER = 2,   /* a device's registers, shared memory: mapped again as it was */
    PIECE_CHANNEL = 3, /* gfn: the port; mfn: its peer's, and above 32 bits the minimum interval */
};

struct piece {
    uint64_t gfn;
    uint64_t mfn;
    uint32_t count;
    uint8_t kind;
    uint8_t access;
    uint8_t mapping;
    uint8_t remote; /* of a channel */
};

struct launch {
    bool sealed;
    uint32_t count;
    uint32_t pass;  /* of a rebuild: 0 memory and channels, 1 images */
    uint32_t index; /* of a rebuild or an end: the piece */
    uint64_t done;  /* ... and its frames that are done */
    uint32_t grant_frames, maptrack_frames;
    uint64_t hvm_params[HVM_PARAMS];
    uint64_t grants[GNTTAB_NR_RESERVED_ENTRIES];
    struct vcpu_guest_context context;
    mfn_t memory;
    mfn_t pages[LAUNCH_PAGES];
};
static_assert(sizeof(struct launch) <= PAGE_SIZE, "one frame");

static_assert(MAX_DOMAINS <= 256u, "eight bits of a piece");

static inline struct piece *launch_piece(const struct launch *l, uint32_t i)
{
    return (struct piece *)arch_map_frame(l->pages[i / LAUNCH_PIECES]) + i % LAUNCH_PIECES;
}

/* The machine frame for gfn; *run: how many in a row from there.  MFN_NONE: the record has no RAM there. */
mfn_t launch_ram_at(const struct launch *l, uint64_t gfn, uint64_t *run);

#endif
