/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: each path that one looks at is remembered with the generation it had and with what the transaction
 * made of it.  At its end everything must still have that generation; then all changes are made, or none is.
 * [impl->dsn~store-transaction~1] */
#include "internal.h"

#include <guest/string.h>

enum state {
    LOOKED_AT,
    PRESENT,
    ABSENT,
};

struct change {
    uint32_t id; /* of the transaction */
    enum state state;
    bool exact;    /* its end is told to watches of this very path only */
    uint64_t seen; /* generation in the tree; 0 = was not there */
    struct path path;
    struct content content; /* PRESENT */
};

/* A client's; changes in the order in which they were made. */
struct log {
    uint32_t open[STORE_TRANSACTIONS]; /* ids, 0 = free */
    uint32_t last_id;
    uint32_t count;
    struct change change[STORE_CHANGES_EACH];
};

static struct log logs[STORE_CLIENTS];

void change_init(void)
{
    memset(logs, 0, sizeof(logs));
}

static uint32_t *find_open(uint32_t client, uint32_t id)
{
    for (uint32_t i = 0; i < STORE_TRANSACTIONS; i++) {
        if (logs[client].open[i] == id) {
            return &logs[client].open[i];
        }
    }
    return NULL;
}

bool change_is_open(uint32_t client, uint32_t id)
{
    return id == 0u || find_open(client, id) != NULL;
}

int32_t change_start(uint32_t client, uint32_t *id)
{
    struct log *log = &logs[client];
    uint32_t *place = find_open(client, 0);

    if (place == NULL) {
        return XEN_ENOSPC;
    }
    do { /* bound: STORE_TRANSACTIONS ids are in use */
        log->last_id = (log->last_id == UINT32_MAX) ? 1u : log->last_id + 1u;
    } while (find_open(client, log->last_id) != NULL);
    *place = log->last_id;
    *id = log->last_id;
    return 0;
}

static struct change *find_change(uint32_t client, uint32_t id, const char *path)
{
    struct log *log = &logs[client];

    for (uint32_t i = 0; i < log->count; i++) {
        if (log->change[i].id == id && strcmp(log->change[i].path.text, path) == 0) {
            return &log->change[i];
        }
    }
    return NULL;
}

static struct change *add_change(uint32_t client, uint32_t id, const char *path, uint16_t node)
{
    struct log *log = &logs[client];
    struct change *change = &log->change[log->count];

    if (log->count == STORE_CHANGES_EACH) {
        return NULL;
    }
    log->count++;
    *change = (struct change){.id = id, .state = LOOKED_AT, .seen = (node == NONE) ? 0u : tree_node(node)->generation};
    store_copy(change->path.text, sizeof(change->path.text), path);
    return change;
}

int32_t change_look(uint32_t client, uint32_t id, const char *path, struct view *view)
{
    uint16_t node = tree_find(path);
    struct content *content = (node == NONE) ? NULL : &tree_node(node)->content;

    *view = (struct view){.node = node, .content = content};
    if (id == 0u) {
        return 0;
    }
    view->change = find_change(client, id, path);
    if (view->change == NULL) {
        view->change = add_change(client, id, path, node);
    }
    if (view->change == NULL) {
        return XEN_ENOSPC;
    }
    if (view->change->state != LOOKED_AT) {
        view->content = (view->change->state == PRESENT) ? &view->change->content : NULL;
    }
    return 0;
}

/* The node at path becomes `content`, which exists and whose parent does. */
static void put(const char *path, struct content *content)
{
    uint16_t node = tree_find(path);

    if (node != NONE) {
        tree_replace(node, content);
    } else {
        struct path parent;
        char *slash;

        store_copy(parent.text, sizeof(parent.text), path);
        slash = strrchr(parent.text, '/');
        *slash = '\0';
        node = (slash == parent.text) ? ROOT : tree_find(parent.text);
        tree_add(node, slash + 1, content);
    }
    watch_fire(path, content, false);
}

static void set_state(struct change *change, enum state state, const struct content *content)
{
    if (change->state == PRESENT) {
        content_free(&change->content);
    }
    change->state = state;
    if (content != NULL) {
        change->content = *content;
    }
}

int32_t change_set(uint32_t client, uint32_t id, const char *path, struct content *content)
{
    struct view view;
    int32_t error = change_look(client, id, path, &view);

    if (error == 0 && id == 0u) {
        put(path, content);
    } else if (error == 0) {
        if (view.change->state == PRESENT && view.change->content.counts && !content->counts) {
            content->counts = true; /* what was counted for it goes on to count */
            view.change->content.counts = false;
        }
        set_state(view.change, PRESENT, content);
    }
    return error;
}

/* ---- removal ---- */

static bool is_below(const char *top, const char *path)
{
    size_t length = strlen(top);

    return strncmp(top, path, length) == 0 && path[length] == '/';
}

static void remove_now(const char *path)
{
    uint16_t top = tree_find(path);

    for (uint16_t node = top; node != NONE; node = tree_next_below(top, node)) {
        struct path name;
        tree_path(node, &name);
        watch_fire(name.text, &tree_node(node)->content, node != top);
    }
    if (top != NONE) {
        tree_remove(top);
    }
}

/* Remember everything in the tree that goes, before anything is marked. */
static int32_t look_below(uint32_t client, uint32_t id, uint16_t top)
{
    int32_t error = 0;

    for (uint16_t node = top; node != NONE && error == 0; node = tree_next_below(top, node)) {
        struct path path;
        struct view view;
        tree_path(node, &path);
        error = change_look(client, id, path.text, &view);
    }
    return error;
}

int32_t change_remove(uint32_t client, uint32_t id, const char *path)
{
    struct log *log = &logs[client];
    int32_t error = 0;

    if (id == 0u) {
        remove_now(path);
        return 0;
    }
    error = look_below(client, id, tree_find(path));
    for (uint32_t i = 0; i < log->count && error == 0; i++) {
        struct change *change = &log->change[i];
        bool is_top = strcmp(change->path.text, path) == 0;
        if (change->id == id && (is_top || is_below(path, change->path.text))) {
            set_state(change, ABSENT, NULL);
            change->exact = !is_top;
        }
    }
    return error;
}

/* ---- children ---- */

struct lister {
    struct store_reply *reply;
    uint32_t from;
    uint32_t total;
    bool is_full;
};

static void list_name(struct lister *lister, const char *name)
{
    size_t size = strlen(name) + 1u;
    struct store_reply *reply = lister->reply;

    if (lister->total >= lister->from && !lister->is_full) {
        lister->is_full = size > sizeof(reply->data) - 1u - reply->size; /* one byte for the end of a part */
        if (!lister->is_full) {
            memcpy(&reply->data[reply->size], name, size);
            reply->size += (uint32_t)size;
        }
    }
    lister->total += (uint32_t)size;
}

static bool is_child(const char *parent, const char *path)
{
    size_t length = (parent[1] == '\0') ? 0u : strlen(parent);

    return strncmp(parent, path, length) == 0 && path[length] == '/' && strchr(&path[length + 1u], '/') == NULL &&
           path[length + 1u] != '\0';
}

static bool is_absent(uint32_t client, uint32_t id, uint16_t node)
{
    struct path path;

    tree_path(node, &path);
    const struct change *change = (id == 0u) ? NULL : find_change(client, id, path.text);
    return change != NULL && change->state == ABSENT;
}

uint32_t change_list(uint32_t client, uint32_t id, const char *path, uint32_t from, struct store_reply *reply)
{
    struct lister lister = {.reply = reply, .from = from};
    const struct log *log = &logs[client];
    uint16_t top = tree_find(path);

    for (uint16_t node = (top == NONE) ? NONE : tree_node(top)->child; node != NONE; node = tree_node(node)->next) {
        if (!is_absent(client, id, node)) {
            list_name(&lister, tree_node(node)->name);
        }
    }
    for (uint32_t i = 0; i < log->count && id != 0u; i++) {
        const struct change *change = &log->change[i];
        if (change->id == id && change->state == PRESENT && change->seen == 0u && is_child(path, change->path.text)) {
            list_name(&lister, strrchr(change->path.text, '/') + 1);
        }
    }
    return lister.total;
}

/* ---- the end ---- */

static bool is_unchanged(const struct change *change)
{
    uint16_t node = tree_find(change->path.text);

    return change->seen == ((node == NONE) ? 0u : tree_node(node)->generation);
}

static bool has_conflict(const struct log *log, uint32_t id)
{
    for (uint32_t i = 0; i < log->count; i++) {
        if (log->change[i].id == id && !is_unchanged(&log->change[i])) {
            return true;
        }
    }
    return false;
}

static void apply_removals(struct log *log, uint32_t id)
{
    for (uint32_t i = 0; i < log->count; i++) {
        const struct change *change = &log->change[i];
        uint16_t node = (change->id == id && change->state == ABSENT) ? tree_find(change->path.text) : NONE;
        if (node != NONE && change->seen != 0u) {
            watch_fire(change->path.text, &tree_node(node)->content, change->exact);
        }
    }
    for (uint32_t i = 0; i < log->count; i++) {
        const struct change *change = &log->change[i];
        uint16_t node = (change->id == id && change->state == ABSENT) ? tree_find(change->path.text) : NONE;
        if (node != NONE) {
            tree_remove(node);
        }
    }
}

static bool parent_exists(const char *path)
{
    struct path parent;
    char *slash;

    store_copy(parent.text, sizeof(parent.text), path);
    slash = strrchr(parent.text, '/');
    *slash = '\0';
    return slash == parent.text || tree_find(parent.text) != NONE;
}

/* A parent may have been written after its child was looked at.  Bound: as many rounds as there are changes. */
static void apply_contents(struct log *log, uint32_t id)
{
    bool more = true;

    for (uint32_t round = 0; round < STORE_CHANGES_EACH && more; round++) {
        more = false;
        for (uint32_t i = 0; i < log->count; i++) {
            struct change *change = &log->change[i];
            if (change->id == id && change->state == PRESENT && parent_exists(change->path.text)) {
                put(change->path.text, &change->content);
                change->state = LOOKED_AT; /* the tree has it now */
                more = true;
            }
        }
    }
}

static void drop(struct log *log, uint32_t id)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < log->count; i++) {
        if (log->change[i].id == id) {
            set_state(&log->change[i], LOOKED_AT, NULL);
        } else {
            log->change[kept] = log->change[i];
            kept++;
        }
    }
    log->count = kept;
}

int32_t change_end(uint32_t client, uint32_t id, bool commit)
{
    struct log *log = &logs[client];
    uint32_t *place = (id == 0u) ? NULL : find_open(client, id);
    int32_t error = 0;

    if (place == NULL) {
        return XEN_ENOENT;
    }
    if (commit && has_conflict(log, id)) {
        error = XEN_EAGAIN;
    } else if (commit) {
        apply_removals(log, id);
        apply_contents(log, id);
    }
    drop(log, id);
    *place = 0;
    return error;
}

void change_forget(uint32_t client)
{
    for (uint32_t i = 0; i < STORE_TRANSACTIONS; i++) {
        if (logs[client].open[i] != 0u) {
            (void)change_end(client, logs[client].open[i], false);
        }
    }
}
