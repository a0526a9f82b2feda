/* SPDX-License-Identifier: Apache-2.0 */
/* Watches, and the events that wait for their clients.
 * An event that waits already is not added again.  A client that lets its events run over gets one event more for the
 * watch itself, so it knows that it has to look again: what others do cannot make it lose a change for good.
 * [impl->dsn~store-watch~1] */
#include "internal.h"

#include <guest/string.h>

struct watch {
    bool used;
    bool is_relative; /* its events name paths below the client's home */
    bool has_overrun;
    struct path path;
    char token[STORE_TOKEN_MAX];
};

struct event {
    uint8_t watch;
    struct path path;
};

struct watcher {
    struct watch watch[STORE_WATCHES_EACH];
    struct event event[STORE_EVENTS_EACH]; /* a ring */
    uint32_t first, count;
};

static struct watcher watchers[STORE_CLIENTS];

_Static_assert(STORE_WATCHES_EACH <= UINT8_MAX, "the number of a watch is a byte");

void watch_init(void)
{
    memset(watchers, 0, sizeof(watchers));
}

static struct event *event_at(struct watcher *w, uint32_t i)
{
    return &w->event[(w->first + i) % STORE_EVENTS_EACH];
}

static bool waits(struct watcher *w, uint32_t watch, const char *path)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct event *event = event_at(w, i);
        if (event->watch == watch && strcmp(event->path.text, path) == 0) {
            return true;
        }
    }
    return false;
}

static void post(struct watcher *w, uint32_t watch, const char *path)
{
    if (waits(w, watch, path)) {
        return;
    }
    if (w->count == STORE_EVENTS_EACH) {
        w->watch[watch].has_overrun = true;
        return;
    }
    struct event *event = event_at(w, w->count);
    event->watch = (uint8_t)watch;
    store_copy(event->path.text, sizeof(event->path.text), path);
    w->count++;
}

static bool is_same(const struct watch *watch, const char *path, const char *token)
{
    return watch->used && strcmp(watch->path.text, path) == 0 && strcmp(watch->token, token) == 0;
}

int32_t watch_add(uint32_t client, const char *path, bool is_relative, const char *token)
{
    struct watcher *w = &watchers[client];
    uint32_t place = STORE_WATCHES_EACH;

    for (uint32_t i = 0; i < STORE_WATCHES_EACH; i++) {
        if (is_same(&w->watch[i], path, token)) {
            return XEN_EEXIST;
        }
        place = (!w->watch[i].used && place == STORE_WATCHES_EACH) ? i : place;
    }
    if (place == STORE_WATCHES_EACH) {
        return XEN_ENOSPC;
    }
    w->watch[place] = (struct watch){.used = true, .is_relative = is_relative};
    store_copy(w->watch[place].path.text, STORE_PATH_MAX, path);
    store_copy(w->watch[place].token, STORE_TOKEN_MAX, token);
    post(w, place, path); /* as every watch begins */
    return 0;
}

static void drop_events(struct watcher *w, uint32_t watch)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < w->count; i++) {
        if (event_at(w, i)->watch != watch) {
            *event_at(w, kept) = *event_at(w, i);
            kept++;
        }
    }
    w->count = kept;
}

int32_t watch_remove(uint32_t client, const char *path, const char *token)
{
    struct watcher *w = &watchers[client];

    for (uint32_t i = 0; i < STORE_WATCHES_EACH; i++) {
        if (is_same(&w->watch[i], path, token)) {
            w->watch[i].used = false;
            drop_events(w, i);
            return 0;
        }
    }
    return XEN_ENOENT;
}

void watch_forget(uint32_t client)
{
    memset(&watchers[client], 0, sizeof(watchers[client]));
}

/* Every path is below "/"; "@..." is below nothing. */
static bool is_met(const char *watched, const char *path, bool exact)
{
    size_t length = strlen(watched);

    if (exact || watched[0] != '/') {
        return strcmp(watched, path) == 0;
    }
    return length == 1u || (strncmp(watched, path, length) == 0 && (path[length] == '/' || path[length] == '\0'));
}

void watch_fire(const char *path, const struct content *content, bool exact)
{
    for (uint32_t client = 0; client < STORE_CLIENTS; client++) {
        struct watcher *w = &watchers[client];
        if ((content_access(content, client) & ACCESS_READ) == 0u) {
            continue;
        }
        for (uint32_t i = 0; i < STORE_WATCHES_EACH; i++) {
            if (w->watch[i].used && is_met(w->watch[i].path.text, path, exact)) {
                post(w, i, path);
            }
        }
    }
}

/* "path|token|", the path as the watch was written. */
static void format(uint32_t client, const struct watch *watch, const char *path, struct store_reply *event)
{
    char home[STORE_PATH_MAX];
    size_t skip = watch->is_relative ? store_home(client, home, sizeof(home)) : 0u;
    size_t path_size = strlen(path) + 1u;
    size_t token_size = strlen(watch->token) + 1u;

    skip = (skip < path_size) ? skip : path_size - 1u;
    memcpy(event->data, &path[skip], path_size - skip);
    memcpy(&event->data[path_size - skip], watch->token, token_size);
    event->size = (uint32_t)(path_size - skip + token_size);
}

bool watch_next_event(uint32_t client, struct store_reply *event)
{
    struct watcher *w = &watchers[client];

    if (w->count != 0u) {
        const struct event *first = event_at(w, 0);
        format(client, &w->watch[first->watch], first->path.text, event);
        w->first = (w->first + 1u) % STORE_EVENTS_EACH;
        w->count--;
        return true;
    }
    for (uint32_t i = 0; i < STORE_WATCHES_EACH; i++) {
        if (w->watch[i].used && w->watch[i].has_overrun) {
            w->watch[i].has_overrun = false;
            format(client, &w->watch[i], w->watch[i].path.text, event);
            return true;
        }
    }
    return false;
}
