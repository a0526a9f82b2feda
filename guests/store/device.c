/* SPDX-License-Identifier: Apache-2.0 */
/* What a toolstack does for devices while the system runs.
 * [impl->dsn~store-restarted-back-end~1] */
#include "internal.h"

#include <guest/string.h>

/* state = XenbusStateInitialising (xen/io/xenbus.h), in the name of the launch */
static void begin_anew(uint16_t device)
{
    static const char new_state[] = "/state\0001"; /* the value has no NUL of its own */
    static struct store_reply reply;
    struct xsd_sockmsg header;
    struct path path;
    char payload[STORE_PATH_MAX + sizeof(new_state)];

    tree_path(device, &path);
    size_t length = strlen(path.text);
    memcpy(payload, path.text, length);
    memcpy(&payload[length], new_state, sizeof(new_state) - 1u);
    store_request(STORE_LAUNCH,
                  &(struct xsd_sockmsg){.type = XS_WRITE, .len = (uint32_t)(length + sizeof(new_state) - 1u)},
                  (const uint8_t *)payload, &header, &reply);
}

static uint16_t depth_below(uint16_t top, uint16_t node)
{
    uint16_t depth = 0;

    for (; node != top; node = tree_node(node)->parent) {
        depth++;
    }
    return depth;
}

/* Devices are /local/domain/DOMID/backend/KIND/FRONT/NUMBER; only the launch can make such a folder. */
void store_restarted(uint32_t client)
{
    char backends[STORE_PATH_MAX];
    size_t length = store_home(client, backends, sizeof(backends));

    store_copy(&backends[length], sizeof(backends) - length, "backend");
    uint16_t top = tree_find(backends);
    for (uint16_t node = top; node != NONE; node = tree_next_below(top, node)) {
        if (depth_below(top, node) == 3u) {
            begin_anew(node);
        }
    }
}
