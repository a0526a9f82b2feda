/* SPDX-License-Identifier: Apache-2.0 */
/* Two running domains and what their kernels do with event channels. */
#ifndef CORE_EVTCHN_FIXTURE_H
#define CORE_EVTCHN_FIXTURE_H

#include "fixture.h"

extern struct vcpu *boot;
extern struct vcpu *one; /* vCPU 0 of a domain of two */
extern struct vcpu *two; /* vCPU 0 of another */

/* cmocka setup: domains 1 and 2, each on a CPU of its own. */
int start_two(void **state);

int64_t event_op(struct vcpu *v, uint32_t op, void *arg);
/* The port, or an error. */
int64_t alloc_unbound(struct vcpu *v, uint16_t remote);
int64_t bind_interdomain(struct vcpu *v, uint16_t remote, uint32_t port);
int64_t send_event(struct vcpu *v, uint32_t port);
/* v's vcpu_info is in that frame. */
void give_info(struct vcpu *v, uint64_t gfn);

/* v's domain has FIFO queues: control blocks in frame 0x40010 + vCPU, one page of event words in 0x40020. */
void become_fifo(struct vcpu *v);
uint32_t *event_word(struct vcpu *v, uint32_t port);

bool is_pending(struct vcpu *v, uint32_t port);
/* The event interrupt was sent to v since the last question. */
bool upcall(struct vcpu *v);
/* Two-level: v looks at everything; no event is left. */
void consume(struct vcpu *v);

#endif
