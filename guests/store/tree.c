/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, their values in blocks, and whose share they are in. */
#include "internal.h"

#include <guest/string.h>

struct share {
    uint32_t nodes; /* contents that count */
    uint32_t blocks;
};

static struct node nodes[TREE_NODES + 2u]; /* NONE is not used; the root is nobody's */
static uint8_t blocks[TREE_BLOCKS + 1u][STORE_BLOCK_BYTES];
static uint16_t block_next[TREE_BLOCKS + 1u];
static uint16_t free_node, free_block;
static struct share used[STORE_CLIENTS];
static uint64_t generation; /* the last that was given out */

_Static_assert(TREE_NODES + 2u <= UINT16_MAX && TREE_BLOCKS + 1u <= UINT16_MAX, "16-bit numbers");

void tree_init(void)
{
    memset(nodes, 0, sizeof(nodes));
    memset(used, 0, sizeof(used));
    generation = 1;
    nodes[ROOT].content = (struct content){.perm_count = 1, .counts = false};
    nodes[ROOT].generation = generation;
    free_node = ROOT + 1u;
    for (uint32_t i = free_node; i < TREE_NODES + 1u; i++) {
        nodes[i].next = (uint16_t)(i + 1u);
    }
    free_block = 1;
    for (uint32_t i = free_block; i < TREE_BLOCKS; i++) {
        block_next[i] = (uint16_t)(i + 1u);
    }
    block_next[TREE_BLOCKS] = NONE;
}

struct node *tree_node(uint16_t node)
{
    return &nodes[node];
}

static uint16_t find_child(uint16_t parent, const char *name, size_t length)
{
    uint16_t child = nodes[parent].child;

    while (child != NONE && (strncmp(nodes[child].name, name, length) != 0 || nodes[child].name[length] != '\0')) {
        child = nodes[child].next;
    }
    return child;
}

uint16_t tree_find(const char *path)
{
    uint16_t node = ROOT;
    const char *at = &path[1];

    while (node != NONE && *at != '\0') {
        const char *end = strchr(at, '/');
        size_t length = (end != NULL) ? (size_t)(end - at) : strlen(at);
        node = find_child(node, at, length);
        at += length + ((end != NULL) ? 1u : 0u);
    }
    return node;
}

uint16_t tree_next_below(uint16_t top, uint16_t node)
{
    if (nodes[node].child != NONE) {
        return nodes[node].child;
    }
    while (node != top && nodes[node].next == NONE) {
        node = nodes[node].parent;
    }
    return (node == top) ? NONE : nodes[node].next;
}

void tree_path(uint16_t node, struct path *path)
{
    char text[STORE_PATH_MAX];
    size_t at = sizeof(text) - 1u;

    text[at] = '\0';
    for (; node != ROOT; node = nodes[node].parent) { /* fits: it came in as a path */
        size_t length = strlen(nodes[node].name);
        at -= length;
        memcpy(&text[at], nodes[node].name, length);
        at--;
        text[at] = '/';
    }
    memcpy(path->text, (at == sizeof(text) - 1u) ? "/" : &text[at], (at == sizeof(text) - 1u) ? 2u : sizeof(text) - at);
}

/* ---- contents ---- */

static uint32_t blocks_of(uint32_t bytes)
{
    return (bytes + STORE_BLOCK_BYTES - 1u) / STORE_BLOCK_BYTES;
}

bool content_has_room(uint32_t client, uint32_t count, uint32_t bytes)
{
    uint32_t most_nodes = (client == STORE_LAUNCH) ? STORE_NODES_LAUNCH : STORE_NODES_EACH;
    uint32_t most_blocks = (client == STORE_LAUNCH) ? STORE_BLOCKS_LAUNCH : STORE_BLOCKS_EACH;

    return (count == 0u || used[client].nodes + count <= most_nodes) &&
           used[client].blocks + blocks_of(bytes) <= most_blocks;
}

static void fill(struct content *content, const uint8_t *value, uint32_t size)
{
    uint16_t *link = &content->block;

    for (uint32_t done = 0; done < size; done += STORE_BLOCK_BYTES) {
        uint32_t piece = (size - done < STORE_BLOCK_BYTES) ? size - done : STORE_BLOCK_BYTES;
        uint16_t block = free_block;

        free_block = block_next[block];
        memcpy(blocks[block], &value[done], piece);
        *link = block;
        link = &block_next[block];
    }
    *link = NONE;
}

int32_t content_make(struct content *content, const struct content_request *request)
{
    uint32_t client = request->client;

    if (!content_has_room(client, request->counts ? 1u : 0u, request->size)) {
        return XEN_ENOSPC;
    }
    *content = *request->like;
    content->payer = (uint8_t)client;
    content->counts = request->counts;
    content->size = (uint16_t)request->size;
    if (request->owns && client != STORE_LAUNCH) {
        content->perm[0].domid = store_domid(client);
    }
    fill(content, request->value, request->size);
    used[client].nodes += request->counts ? 1u : 0u;
    used[client].blocks += blocks_of(request->size);
    return 0;
}

void content_free(struct content *content)
{
    uint16_t block = content->block;

    while (block != NONE) {
        uint16_t next = block_next[block];
        block_next[block] = free_block;
        free_block = block;
        block = next;
    }
    used[content->payer].blocks -= blocks_of(content->size);
    used[content->payer].nodes -= content->counts ? 1u : 0u;
    content->block = NONE;
    content->size = 0;
    content->counts = false;
}

void content_read(const struct content *content, uint8_t *to)
{
    uint32_t done = 0;

    for (uint16_t block = content->block; block != NONE; block = block_next[block]) {
        uint32_t left = content->size - done;
        uint32_t piece = (left < STORE_BLOCK_BYTES) ? left : STORE_BLOCK_BYTES;
        memcpy(&to[done], blocks[block], piece);
        done += piece;
    }
}

uint8_t content_access(const struct content *content, uint32_t client)
{
    uint16_t domid = store_domid(client);

    if (client == STORE_LAUNCH || content->perm[0].domid == domid) {
        return ACCESS_READ | ACCESS_WRITE | ACCESS_OWNER;
    }
    for (uint32_t i = 1; i < content->perm_count; i++) {
        if (content->perm[i].domid == domid) {
            return content->perm[i].access;
        }
    }
    return content->perm[0].access;
}

/* ---- changes of the tree ---- */

static void touch(uint16_t node)
{
    generation++;
    nodes[node].generation = generation;
}

/* Behind its sisters, so that lists keep the order of creation. */
void tree_add(uint16_t parent, const char *name, struct content *content)
{
    uint16_t node = free_node;
    uint16_t *link = &nodes[parent].child;

    while (*link != NONE) {
        link = &nodes[*link].next;
    }
    free_node = nodes[node].next;
    *link = node;
    nodes[node] = (struct node){.parent = parent, .content = *content};
    store_copy(nodes[node].name, sizeof(nodes[node].name), name);
    touch(node);
    touch(parent);
}

void tree_replace(uint16_t node, struct content *content)
{
    struct content old = nodes[node].content;
    bool counts = old.counts;

    if (!content->counts) { /* the payer stays the same: so does its count */
        content->counts = counts;
        old.counts = false;
    }
    content_free(&old);
    nodes[node].content = *content;
    touch(node);
}

static void unlink_node(uint16_t node)
{
    uint16_t *link = &nodes[nodes[node].parent].child;

    while (*link != node) {
        link = &nodes[*link].next;
    }
    *link = nodes[node].next;
}

void tree_remove(uint16_t top)
{
    uint16_t parent = nodes[top].parent;
    uint16_t node = top;

    unlink_node(top);
    nodes[top].next = NONE;
    while (node != NONE) { /* the deepest first child each time; bound: every node once down, once up */
        uint16_t child = nodes[node].child;
        if (child != NONE) {
            node = child;
            continue;
        }
        uint16_t up = (node == top) ? NONE : nodes[node].parent;
        if (up != NONE) {
            nodes[up].child = nodes[node].next;
        }
        content_free(&nodes[node].content);
        nodes[node] = (struct node){.next = free_node};
        free_node = node;
        node = up;
    }
    touch(parent);
}
