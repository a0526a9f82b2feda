/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <guest/hypercall.h>
#include <guest/string.h>
#include <guest/sysreg.h>
#include <guest/timer.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

#define PAGE         4096u
#define PAGES        3u
#define LENGTH       (PAGES * PAGE - 64u)
#define SHARED_INFO  UINT64_C(0x38f00000) /* beside the grant frames: nothing is there */
#define EAGAIN       11
#define EBUSY        16
#define ECONNREFUSED 111
#define ESRCH        3
#define PAUSE_NS     UINT64_C(2000000)

static uint8_t pages[PAGES][PAGE] __attribute__((aligned(4096)));
static struct xen_argo_ring *const ring = (struct xen_argo_ring *)(void *)pages;
static struct shared_info *const shared = (struct shared_info *)SHARED_INFO;
static uint32_t own_port, news; /* news: event channel of VIRQ_ARGO */

static int64_t argo(uint64_t op, void *a1, void *a2, uint64_t a3, uint64_t a4)
{
    return hypercall5(__HYPERVISOR_argo_op, op, (uint64_t)a1, (uint64_t)a2, a3, a4);
}

int64_t ring_open(uint32_t port, domid_t partner)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = SHARED_INFO >> 12};
    struct evtchn_bind_virq bind = {.virq = VIRQ_ARGO};
    struct xen_argo_register_ring r = {.aport = port, .partner_id = partner, .len = LENGTH};
    xen_argo_gfn_t gfns[PAGES];
    int64_t error = (news == 0) ? memory_op(XENMEM_add_to_physmap, &map) : 0;

    if (error == 0 && news == 0) {
        error = event_channel_op(EVTCHNOP_bind_virq, &bind);
    }
    if (error != 0) {
        return error;
    }
    news = (news == 0) ? bind.port : news;
    own_port = port;
    for (uint32_t i = 0; i < PAGES; i++) {
        gfns[i] = (uint64_t)pages[i] >> 12;
    }
    return argo(XEN_ARGO_OP_register_ring, &r, gfns, PAGES, 0);
}

/* Until something happened since the bit was cleared, or for a while. */
static void wait_for_news(void)
{
    struct sched_poll p = {.nr_ports = 1, .timeout = 0};

    p.ports.p = &news;
    (void)sched_op(SCHEDOP_poll, &p);
}

static void clear_news(void)
{
    (void)__atomic_fetch_and(&shared->evtchn_pending[news / 64u], ~(UINT64_C(1) << news % 64u), __ATOMIC_SEQ_CST);
}

static void take(uint32_t *at, void *to, uint32_t n)
{
    uint8_t *bytes = to;

    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = ring->ring[*at];
        *at = (*at + 1u) % LENGTH;
    }
}

void ring_receive(struct message *m)
{
    struct xen_argo_ring_message_header header;
    uint32_t at = ring->rx_ptr;

    for (;;) {
        clear_news();
        if (__atomic_load_n(&ring->tx_ptr, __ATOMIC_ACQUIRE) != at) {
            break;
        }
        wait_for_news();
    }
    take(&at, &header, sizeof(header));
    m->source = header.source;
    m->type = header.message_type;
    m->bytes = header.len - (uint32_t)sizeof(header);
    take(&at, m->data, m->bytes);
    at = (at + 15u) / 16u * 16u % LENGTH;
    __atomic_store_n(&ring->rx_ptr, at, __ATOMIC_RELEASE);
    (void)argo(XEN_ARGO_OP_notify, 0, 0, 0, 0); /* who waits for space has it now */
}

static void pause_for(uint64_t ns)
{
    uint64_t end = ticks() + ns_to_ticks(ns);

    while (ticks() < end) {
        (void)sched_op(SCHEDOP_yield, 0);
    }
}

int64_t ring_send(struct xen_argo_addr to, uint32_t type, const void *data, uint32_t bytes)
{
    struct xen_argo_send_addr address = {.src = {.aport = own_port, .domain_id = XEN_ARGO_DOMID_ANY}, .dst = to};
    struct xen_argo_iov iov = {.iov_len = bytes};
    int64_t result;

    iov.iov_hnd.p = (uint8_t *)(uint64_t)data;
    for (;;) {
        clear_news();
        result = argo(XEN_ARGO_OP_sendv, &address, &iov, 1, type);
        if (result == -EAGAIN) {
            wait_for_news();
        } else if (result == -ECONNREFUSED || result == -ESRCH || result == -EBUSY) {
            pause_for(PAUSE_NS);
        } else {
            return result;
        }
    }
}
