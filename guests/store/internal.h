/* SPDX-License-Identifier: Apache-2.0 */
/* Between tree.c (nodes, values, shares), change.c (transactions), watch.c and request.c.
 * Errors are numbers of the Xen ABI (xen/errno.h), 0 = done. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store.h"

#include <xen/errno.h>

#define TREE_NODES  (STORE_NODES_LAUNCH + (STORE_CLIENTS - 1u) * STORE_NODES_EACH)
#define TREE_BLOCKS (STORE_BLOCKS_LAUNCH + (STORE_CLIENTS - 1u) * STORE_BLOCKS_EACH)
#define NONE        0u /* of node, block, watch and event numbers */
#define ROOT        1u

#define ACCESS_READ  0x1u
#define ACCESS_WRITE 0x2u
#define ACCESS_OWNER 0x4u

struct perm {
    uint16_t domid;
    uint8_t access; /* ACCESS_* */
};

/* What a node holds, or will hold when a transaction ends. */
struct content {
    uint8_t payer; /* the client whose share it is in */
    bool counts;   /* as a node of the payer */
    uint8_t perm_count;
    uint16_t size;                 /* bytes of the value */
    uint16_t block;                /* its first */
    struct perm perm[STORE_PERMS]; /* [0]: the owner, and what everybody else may do */
};

struct node {
    uint16_t parent, child, next;
    struct content content;
    uint64_t generation; /* of value, permissions and list of children */
    char name[STORE_NAME_MAX];
};

struct path {
    char text[STORE_PATH_MAX]; /* absolute */
};

/* ---- tree.c ---- */

void tree_init(void);
uint16_t tree_find(const char *path); /* NONE */
struct node *tree_node(uint16_t node);
uint16_t tree_next_below(uint16_t top, uint16_t node); /* of top's subtree, parents first; NONE at its end */
void tree_path(uint16_t node, struct path *path);

/* Content with a value in blocks of client's share, with the permissions of `like`; for a client that is not the launch
 * and owns = true the client becomes owner.  -ENOSPC. */
struct content_request {
    uint32_t client;
    const struct content *like;
    const uint8_t *value;
    uint32_t size;
    bool counts; /* as one more node of the client */
    bool owns;
};
int32_t content_make(struct content *content, const struct content_request *request);
void content_free(struct content *content);
void content_read(const struct content *content, uint8_t *to);
bool content_has_room(uint32_t client, uint32_t nodes, uint32_t bytes);
uint8_t content_access(const struct content *content, uint32_t client);

/* These take over what is in content.  A node that is added counts already. */
void tree_add(uint16_t parent, const char *name, struct content *content);
void tree_replace(uint16_t node, struct content *content);
void tree_remove(uint16_t node); /* and all below */

/* ---- change.c: transactions ---- */

struct change;

/* A path as one client's transaction sees it, or as it is (transaction 0). */
struct view {
    uint16_t node;           /* in the tree; NONE */
    struct change *change;   /* in the transaction; NULL */
    struct content *content; /* NULL: there is no such node */
};

void change_init(void);
int32_t change_start(uint32_t client, uint32_t *id);
/* ENOENT unknown, EAGAIN somebody else changed what it looked at. */
int32_t change_end(uint32_t client, uint32_t id, bool commit);
void change_forget(uint32_t client);
bool change_is_open(uint32_t client, uint32_t id);

/* Look at a path; in a transaction it is remembered.  ENOSPC. */
int32_t change_look(uint32_t client, uint32_t id, const char *path, struct view *view);
/* The node at path gets (content != NULL, taken over when 0 is returned) or loses its content.  ENOSPC.
 * Outside of a transaction the tree changes and watches fire. */
int32_t change_set(uint32_t client, uint32_t id, const char *path, struct content *content);
/* ... with everything below.  ENOSPC. */
int32_t change_remove(uint32_t client, uint32_t id, const char *path);
/* Names of the children, each with its NUL, from byte `from` of them all; returns the bytes of them all. */
uint32_t change_list(uint32_t client, uint32_t id, const char *path, uint32_t from, struct store_reply *reply);

/* ---- watch.c ---- */

void watch_init(void);
int32_t watch_add(uint32_t client, const char *path, bool is_relative, const char *token);
int32_t watch_remove(uint32_t client, const char *path, const char *token);
void watch_forget(uint32_t client);
/* The node at path has changed; content: what it holds (or held).  exact: only watches of this very path. */
void watch_fire(const char *path, const struct content *content, bool exact);
bool watch_next_event(uint32_t client, struct store_reply *event);

/* ---- name.c ---- */

uint16_t store_domid(uint32_t client);
void store_copy(char *to, size_t room, const char *text); /* cut to fit, always ended */
size_t store_number(char *to, uint64_t number);           /* decimal, with NUL; returns characters.  to: 21 bytes */
/* "/local/domain/DOMID/" of a client; returns its length. */
size_t store_home(uint32_t client, char *to, size_t room);

#endif
