/* SPDX-License-Identifier: Apache-2.0 */
/* post: answers every message in its mailbox in capital letters.
 * The mailbox is the shared memory called "mailbox"; boot argument port=N is its end of the event channel. */
#include <guest/fdt.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/xen_time.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

#include "mail.h"

static char text[4 * MAIL_WORDS];

/* Guest-physical address of a region of shared memory, 0 = there is none of that name. */
static uint64_t find_shared(const void *tree, const char *id)
{
    struct dt dt;
    struct dt_property property;

    if (!dt_open(&dt, tree)) {
        return 0;
    }
    uint32_t node = dt_find(&dt, dt_root(&dt), "reserved-memory");
    if (node == DT_NONE) {
        return 0;
    }
    for (node = dt_child(&dt, node); node != DT_NONE; node = dt_next(&dt, node)) {
        uint32_t i = 0;
        if (!dt_is_compatible(&dt, node, "xen,shared-memory-v1") || !dt_property(&dt, node, "xen,id", &property)) {
            continue;
        }
        while (i < property.bytes && property.data[i] != 0 && (char)property.data[i] == id[i]) {
            i++;
        }
        if (i < property.bytes && property.data[i] == 0 && id[i] == '\0' && dt_property(&dt, node, "reg", &property)) {
            return dt_cells(&property, 0, 2);
        }
    }
    return 0;
}

static void answer(void)
{
    for (char *p = text; *p != '\0'; p++) {
        *p = (*p >= 'a' && *p <= 'z') ? (char)(*p - 'a' + 'A') : *p;
    }
}

int main(uint64_t x0)
{
    platform_init(x0);

    struct shared_info *shared = shared_info_map();
    uint32_t port = (uint32_t)platform_argument("port", 1);
    struct evtchn_send send = {.port = port};
    struct sched_poll poll = {.ports.p = &port, .nr_ports = 1};
    struct mailbox *box = (struct mailbox *)find_shared((const void *)x0, "mailbox");
    if (box == NULL || shared == NULL) {
        print("post: no shared memory called mailbox\n");
        shutdown(SHUTDOWN_crash);
    }
    print("post: mailbox at 0x%llx, port %u\n", (unsigned long long)(uintptr_t)box, port);
    for (uint32_t number = 1;; number++) {
        while (box->question.number != number) {
            (void)sched_op(SCHEDOP_poll, &poll);
            __atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(UINT64_C(1) << (port % 64)), __ATOMIC_SEQ_CST);
        }
        if (!mail_get(&box->question, number, text)) {
            print("post: message %u is damaged\n", number);
            shutdown(SHUTDOWN_crash);
        }
        print("post: message %u: %s\n", number, text);
        answer();
        mail_put(&box->answer, number, text);
        (void)event_channel_op(EVTCHNOP_send, &send);
    }
}
