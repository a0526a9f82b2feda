/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about nodes. */
#include "call.h"

#include <guest/string.h>

static void cut_last_part(struct path *path)
{
    char *slash = strrchr(path->text, '/');

    slash[(slash == path->text) ? 1 : 0] = '\0';
}

/* The nearest node above a missing one, and how many are missing.  EACCES: the client has no `access` to it. */
static int32_t find_above(const struct call *call, const struct path *path, uint8_t access, struct view *above,
                          uint32_t *missing)
{
    struct path at = *path;
    int32_t error = 0;

    *missing = 0;
    do { /* bound: parts of a path */
        cut_last_part(&at);
        *missing += 1u;
        error = change_look(call->client, call->transaction, at.text, above);
    } while (error == 0 && above->content == NULL);
    if (error == 0 && (content_access(above->content, call->client) & access) != access) {
        error = XEN_EACCES;
    }
    return error;
}

/* The node at path, to which the client must have `access`.  ENOENT, EACCES, ENOSPC. */
static int32_t find_node(const struct call *call, const struct path *path, uint8_t access, struct view *view)
{
    int32_t error = change_look(call->client, call->transaction, path->text, view);
    struct view above;
    uint32_t missing;

    if (error != 0) {
        return error;
    }
    if (view->content == NULL) {
        error = find_above(call, path, access & (ACCESS_READ | ACCESS_WRITE), &above, &missing);
        return (error == 0) ? XEN_ENOENT : error;
    }
    return ((content_access(view->content, call->client) & access) == access) ? 0 : XEN_EACCES;
}

static int32_t get_node(const struct call *call, uint8_t access, struct path *path, struct view *view)
{
    int32_t error = call_path(call, call->param[0], path);

    return (error == 0) ? find_node(call, path, access, view) : error;
}

/* A value for a node that is there, or counts as one more. */
static int32_t set_value(const struct call *call, const struct path *path, const struct view *view,
                         const struct content_request *request)
{
    struct content_request wanted = *request;
    struct content content;

    wanted.counts = view->content == NULL || view->content->payer != call->client;
    int32_t error = content_make(&content, &wanted);
    if (error == 0) {
        error = change_set(call->client, call->transaction, path->text, &content);
        if (error != 0) {
            content_free(&content);
        }
    }
    return error;
}

/* A node and what is missing above it.  All checks come first. */
static int32_t create(const struct call *call, const struct path *path, const uint8_t *value, uint32_t size)
{
    struct view above;
    uint32_t missing;
    int32_t error = find_above(call, path, ACCESS_WRITE, &above, &missing);

    if (error != 0) {
        return error;
    }
    if (!content_has_room(call->client, missing, size)) {
        return XEN_ENOSPC;
    }
    const struct content like = *above.content;
    for (uint32_t left = missing; left != 0u && error == 0; left--) { /* from the top */
        struct path at = *path;
        struct view none = {0};
        for (uint32_t i = 1; i < left; i++) {
            cut_last_part(&at);
        }
        error = set_value(
            call, &at, &none,
            &(struct content_request){
                .client = call->client, .like = &like, .value = value, .size = (left == 1u) ? size : 0u, .owns = true});
    }
    return error;
}

/* ---- operations ---- */

int32_t op_directory(struct call *call)
{
    struct path path;
    struct view view;
    int32_t error = get_node(call, ACCESS_READ, &path, &view);

    if (error == 0 && change_list(call->client, call->transaction, path.text, 0, call->reply) != call->reply->size) {
        error = XEN_E2BIG;
    }
    return error;
}

int32_t op_directory_part(struct call *call)
{
    struct path path;
    struct view view;
    char text[21];
    uint32_t from;
    int32_t error = get_node(call, ACCESS_READ, &path, &view);

    if (error != 0 || !call_number(call->param[1], UINT32_MAX / 16u, &from)) {
        return (error != 0) ? error : XEN_EINVAL;
    }
    call_answer(call, text, store_number(text, (view.node == NONE) ? 0u : tree_node(view.node)->generation) + 1u);
    uint32_t before = call->reply->size;
    uint32_t total = change_list(call->client, call->transaction, path.text, from, call->reply);
    if (from >= total || call->reply->size - before == total - from) {
        call_answer(call, "", 1); /* the last part */
    }
    return 0;
}

int32_t op_read(struct call *call)
{
    struct path path;
    struct view view;
    int32_t error = get_node(call, ACCESS_READ, &path, &view);

    if (error == 0) {
        content_read(view.content, call->reply->data);
        call->reply->size = view.content->size;
    }
    return error;
}

int32_t op_write(struct call *call)
{
    struct path path;
    struct view view;
    int32_t error = get_node(call, ACCESS_WRITE, &path, &view);

    if (error == XEN_ENOENT) {
        error = create(call, &path, call->rest, call->rest_size);
    } else if (error == 0) {
        const struct content like = *view.content;
        error = set_value(call, &path, &view,
                          &(struct content_request){
                              .client = call->client, .like = &like, .value = call->rest, .size = call->rest_size});
    }
    return call_done(call, error);
}

int32_t op_mkdir(struct call *call)
{
    struct path path;
    struct view view;
    int32_t error = get_node(call, ACCESS_WRITE, &path, &view);

    if (error == XEN_ENOENT) {
        error = create(call, &path, NULL, 0);
    }
    return call_done(call, error);
}

/* What is not there is removed, if there is a node above it. */
int32_t op_rm(struct call *call)
{
    struct path path;
    struct view view;
    int32_t error = get_node(call, ACCESS_WRITE, &path, &view);

    if (error == XEN_ENOENT) {
        cut_last_part(&path);
        error = find_node(call, &path, 0, &view);
        return call_done(call, error);
    }
    if (error == 0 && path.text[1] == '\0') {
        error = XEN_EINVAL;
    }
    if (error == 0) {
        error = change_remove(call->client, call->transaction, path.text);
    }
    return call_done(call, error);
}

static const struct {
    char letter;
    uint8_t access;
} letters[] = {{'n', 0}, {'r', ACCESS_READ}, {'w', ACCESS_WRITE}, {'b', ACCESS_READ | ACCESS_WRITE}};

int32_t op_get_perms(struct call *call)
{
    struct path path;
    struct view view;
    int32_t error = get_node(call, ACCESS_READ, &path, &view);

    for (uint32_t i = 0; error == 0 && i < view.content->perm_count; i++) {
        char text[22];
        text[0] = letters[view.content->perm[i].access & (ACCESS_READ | ACCESS_WRITE)].letter;
        call_answer(call, text, store_number(&text[1], view.content->perm[i].domid) + 2u);
    }
    return error;
}

static bool get_perm(const char *text, struct perm *perm)
{
    uint32_t domid;

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (text[0] == letters[i].letter && call_number(&text[1], DOMID_MAX, &domid)) {
            *perm = (struct perm){.domid = (uint16_t)domid, .access = letters[i].access};
            return true;
        }
    }
    return false;
}

int32_t op_set_perms(struct call *call)
{
    struct path path;
    struct view view;
    uint8_t value[XENSTORE_PAYLOAD_MAX];
    int32_t error = get_node(call, ACCESS_OWNER, &path, &view);

    if (error != 0) {
        return error;
    }
    if (call->params - 1u > STORE_PERMS) {
        return XEN_ENOSPC;
    }
    struct content like = *view.content;
    like.perm_count = (uint8_t)(call->params - 1u);
    for (uint32_t i = 0; i < like.perm_count; i++) {
        if (!get_perm(call->param[i + 1u], &like.perm[i])) {
            return XEN_EINVAL;
        }
    }
    if (call->client != STORE_LAUNCH && like.perm[0].domid != view.content->perm[0].domid) {
        return XEN_EPERM;
    }
    content_read(view.content, value);
    error =
        set_value(call, &path, &view,
                  &(struct content_request){.client = call->client, .like = &like, .value = value, .size = like.size});
    return call_done(call, error);
}
