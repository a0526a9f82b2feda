/* SPDX-License-Identifier: Apache-2.0 */
/* A client of xenstore, over the ring that the launch left.
 * [impl->dsn~bhctl-shell-store~1] */
#include "store.h"

#include <guest/hypercall.h>
#include <guest/timer.h>

#include <stdbool.h>
#include <string.h>

#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/xs_wire.h>
#include <xen/sched.h>

#define PAGE     UINT64_C(4096)
#define PATIENCE 10u               /* seconds for the store to answer */
#define NAP      UINT64_C(1000000) /* ns */

static volatile struct xenstore_domain_interface *ring;
static struct evtchn_send bell;

static uint64_t parameter(uint32_t index)
{
    struct xen_hvm_param op = {.domid = DOMID_SELF, .index = index};

    return (hvm_op(HVMOP_get_param, &op) == 0) ? op.value : 0;
}

static void find_ring(void)
{
    bell.port = (uint32_t)parameter(HVM_PARAM_STORE_EVTCHN);
    ring = (bell.port == 0) ? NULL : (void *)(parameter(HVM_PARAM_STORE_PFN) * PAGE);
}

/* The other end learns of what is new; true: there is time left to wait for it. */
static bool wait(uint64_t end)
{
    struct sched_poll nap = {.timeout = ticks_to_ns(ticks()) + NAP};

    (void)event_channel_op(EVTCHNOP_send, &bell);
    (void)sched_op(SCHEDOP_poll, &nap);
    return ticks() < end;
}

static bool put(const char *from, uint32_t bytes, uint64_t end)
{
    for (uint32_t done = 0; done < bytes;) {
        if (ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE) {
            ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = from[done];
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            ring->req_prod++;
            done++;
        } else if (!wait(end)) {
            return false;
        }
    }
    return true;
}

/* What does not fit into room is dropped. */
static bool take(char *to, uint32_t room, uint32_t bytes, uint64_t end)
{
    for (uint32_t done = 0; done < bytes;) {
        if (ring->rsp_cons != ring->rsp_prod) {
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            char c = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons)];
            if (done < room) {
                to[done] = c;
            }
            ring->rsp_cons++;
            done++;
        } else if (!wait(end)) {
            return false;
        }
    }
    return true;
}

static int64_t error_of(const char *name)
{
    return (strcmp(name, "EACCES") == 0) ? -XEN_EACCES : (strcmp(name, "ENOENT") == 0) ? -XEN_ENOENT : -XEN_EIO;
}

int64_t store_request(uint32_t type, const char *payload, uint32_t bytes, char *answer, uint32_t room)
{
    struct xsd_sockmsg header = {.type = type, .len = bytes};
    uint64_t end = ticks() + PATIENCE * ticks_per_second();

    if (ring == NULL) {
        find_ring();
    }
    if (ring == NULL) {
        return -XEN_ENODEV;
    }
    if (!put((const char *)&header, sizeof(header), end) || !put(payload, bytes, end) ||
        !take((char *)&header, sizeof(header), sizeof(header), end) || !take(answer, room - 1, header.len, end)) {
        return -XEN_EIO;
    }
    answer[(header.len < room) ? header.len : room - 1] = '\0';
    return (header.type == XS_ERROR) ? error_of(answer) : 0;
}
