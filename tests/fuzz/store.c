/* SPDX-License-Identifier: Apache-2.0 */
/* The store's rings, driven by two clients that write what they like into their pages.
 * Input: steps of one byte that says which client and how many bytes, then the bytes; a request may so be well formed.
 * After every step the store still answers a third client, and at the end nothing of the two is left. */
#include <stdlib.h>
#include <string.h>

#include "ring.h"

#define CLIENTS 3u
#define VICTIM  3u

static struct xenstore_domain_interface pages[CLIENTS + 1u];
static struct ring rings[CLIENTS + 1u];

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void launch(uint32_t type, const char *text, uint32_t size)
{
    struct xsd_sockmsg header;
    static struct store_reply reply;

    store_request(STORE_LAUNCH, &(struct xsd_sockmsg){.type = type, .len = size}, (const uint8_t *)text, &header,
                  &reply);
    must(header.type == type);
}

static void begin(void)
{
    static const char introduce[CLIENTS][7] = {"1\0000\0001", "2\0000\0001", "3\0000\0001"};
    static const char home[CLIENTS][16] = {"/local/domain/1", "/local/domain/2", "/local/domain/3"};
    static const char perms[CLIENTS][22] = {"/local/domain/1\0n1\0r2", "/local/domain/2\0n2\0b1",
                                            "/local/domain/3\0n3\0r1"};

    memset(pages, 0, sizeof(pages));
    store_init();
    for (uint32_t i = 0; i < CLIENTS; i++) {
        launch(XS_INTRODUCE, introduce[i], 6);
        launch(XS_MKDIR, home[i], 16);
        launch(XS_SET_PERMS, perms[i], 22);
        ring_open(&rings[i + 1u], i + 1u, &pages[i + 1u]);
    }
}

static void victim_writes_and_reads(void)
{
    struct xsd_sockmsg header;
    static struct store_reply reply;

    store_request(VICTIM, &(struct xsd_sockmsg){.type = XS_WRITE, .len = 3}, (const uint8_t *)"a\0v", &header, &reply);
    must(header.type == XS_WRITE);
    store_request(VICTIM, &(struct xsd_sockmsg){.type = XS_READ, .len = 2}, (const uint8_t *)"a", &header, &reply);
    must(header.type == XS_READ && reply.size == 1 && reply.data[0] == 'v');
}

/* Bytes into the ring, or (every eighth kind) over the indices. */
static void put(struct xenstore_domain_interface *page, const uint8_t *data, uint32_t size, bool wild)
{
    if (wild) {
        memcpy((uint8_t *)page + offsetof(struct xenstore_domain_interface, req_cons), data, size < 28 ? size : 28);
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        page->req[MASK_XENSTORE_IDX(page->req_prod)] = (char)data[i];
        page->req_prod++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;

    begin();
    while (at + 1 < size) {
        uint32_t client = 1u + (data[at] & 1u);
        uint32_t count = 1u + (data[at] >> 1 & 0x3fu);
        bool wild = data[at] >> 7 != 0u && data[at + 1] % 8u == 0u;
        at++;
        count = (count < size - at) ? count : (uint32_t)(size - at);
        put(&pages[client], &data[at], count, wild);
        at += count;
        for (uint32_t i = 0; i < 64 && ring_serve(&rings[client]); i++) {
            pages[client].rsp_cons = pages[client].rsp_prod;
        }
        victim_writes_and_reads();
    }
    for (uint32_t client = 1; client <= CLIENTS; client++) {
        store_forget(client);
    }
    launch(XS_RM, "/local", 7);
    return 0;
}
