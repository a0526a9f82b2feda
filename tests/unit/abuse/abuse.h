/* SPDX-License-Identifier: Apache-2.0 */
/* Random hypercalls of many domains at once, and the accounts that must be right after them.
 * Everything follows from the seed. */
#ifndef ABUSE_H
#define ABUSE_H

#include "fixture.h"
#include "core/physmap.h"

#define DOMAINS    6u /* besides the Boot Domain */
#define ARG_PAGES  4u /* a guest's pages for arguments, from RAM_GFN on; the last one is sometimes not there */
#define RAM_GFN    (GUEST_RAM0_BASE >> PAGE_SHIFT)
#define RAM_FRAMES 512u
#define MAP_GFN    UINT64_C(0x60000) /* where guests map things, 64 frames */
#define MAP_FRAMES 64u

#define GRANT_GFN UINT64_C(0x38000) /* their first page of grants */

struct call {
    uint64_t nr;
    uint64_t args[5];
};

extern struct random abuse_random;
/* Domids that calls name; 0 = nobody now. */
extern uint16_t abuse_ids[DOMAINS];

static inline uint32_t below(uint32_t n)
{
    return (uint32_t)random_below(&abuse_random, n);
}

/* ---- grammar.c ---- */

/* A call for v to make, with its structures written to v's memory, RAM_GFN for the Boot Domain or BOOT_ARGS. */
void grammar_call(struct vcpu *v, struct call *out);
/* The frame of d's guest memory that d may write now; NULL = it may not. */
void *guest_frame(struct domain *d, uint64_t gfn);
/* v's guest writes something somewhere: into what it shares with the hypervisor, or into a list of arguments. */
void grammar_scribble(struct domain *d);
uint64_t grammar_args(const struct domain *d); /* gfn of the pages for arguments */
const char *grammar_name(const struct call *c);

/* ---- account.c ---- */

/* Recounts frames, ports, grants and rights of all domains; fails with what is wrong. */
void account_check(void);

#endif
