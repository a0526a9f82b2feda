/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: decoded, checked, answered; those about watches, transactions and domains. */
#include "call.h"

#include <guest/string.h>

void call_answer(struct call *call, const void *data, size_t size)
{
    memcpy(&call->reply->data[call->reply->size], data, size);
    call->reply->size += (uint32_t)size;
}

int32_t call_done(struct call *call, int32_t error)
{
    if (error == 0) {
        call_answer(call, "OK", 3);
    }
    return error;
}

/* ---- operations ---- */

static bool is_special(const char *text)
{
    return strcmp(text, "@introduceDomain") == 0 || strcmp(text, "@releaseDomain") == 0;
}

static int32_t get_watch(const struct call *call, struct path *path)
{
    if (strlen(call->param[1]) >= STORE_TOKEN_MAX) {
        return XEN_EINVAL;
    }
    if (is_special(call->param[0])) {
        store_copy(path->text, sizeof(path->text), call->param[0]);
        return 0;
    }
    return call_path(call, call->param[0], path);
}

static int32_t op_watch(struct call *call)
{
    struct path path;
    bool is_relative = call->param[0][0] != '/' && !is_special(call->param[0]);
    int32_t error = get_watch(call, &path);

    return call_done(call, (error == 0) ? watch_add(call->client, path.text, is_relative, call->param[1]) : error);
}

static int32_t op_unwatch(struct call *call)
{
    struct path path;
    int32_t error = get_watch(call, &path);

    return call_done(call, (error == 0) ? watch_remove(call->client, path.text, call->param[1]) : error);
}

static int32_t op_reset_watches(struct call *call)
{
    store_forget(call->client);
    return call_done(call, 0);
}

static int32_t op_start(struct call *call)
{
    char text[21];
    uint32_t id = 0;
    int32_t error = (call->transaction != 0u) ? XEN_EBUSY : change_start(call->client, &id);

    if (error == 0) {
        call_answer(call, text, store_number(text, id) + 1u);
    }
    return error;
}

static int32_t op_end(struct call *call)
{
    bool commit = strcmp(call->param[0], "T") == 0;

    if (!commit && strcmp(call->param[0], "F") != 0) {
        return XEN_EINVAL;
    }
    return call_done(call, change_end(call->client, call->transaction, commit));
}

/* domid, frame (not used: rings are granted), event channel port */
static int32_t op_introduce(struct call *call)
{
    uint32_t domid, port;

    if (!call_number(call->param[0], DOMID_MAX, &domid) || !call_number(call->param[2], INT32_MAX, &port) ||
        domid == 0u) {
        return XEN_EINVAL;
    }
    return call_done(call, client_add((uint16_t)domid, port) ? 0 : XEN_ENOSPC);
}

static int32_t op_get_domain_path(struct call *call)
{
    char text[STORE_PATH_MAX];
    uint32_t domid;

    if (!call_number(call->param[0], DOMID_MAX, &domid)) {
        return XEN_EINVAL;
    }
    call_answer(call, text, call_home((uint16_t)domid, text, sizeof(text)) + 1u);
    return 0;
}

static int32_t op_is_introduced(struct call *call)
{
    uint32_t domid;
    const char *text = "F";

    if (!call_number(call->param[0], DOMID_MAX, &domid)) {
        return XEN_EINVAL;
    }
    for (uint32_t i = 1; i <= store_client_count(); i++) {
        text = (store_client(i).domid == domid) ? "T" : text;
    }
    call_answer(call, text, 2);
    return 0;
}

/* ---- dispatch ---- */

static const struct {
    int32_t (*run)(struct call *call);
    uint8_t params; /* strings at least; the last must have its NUL */
    bool is_raw;    /* what is behind the first string is a value */
    bool is_launch; /* for the launch only */
} operations[XS_TYPE_COUNT] = {
    [XS_DIRECTORY] = {.run = op_directory, .params = 1},
    [XS_DIRECTORY_PART] = {.run = op_directory_part, .params = 2},
    [XS_READ] = {.run = op_read, .params = 1},
    [XS_GET_PERMS] = {.run = op_get_perms, .params = 1},
    [XS_WATCH] = {.run = op_watch, .params = 2},
    [XS_UNWATCH] = {.run = op_unwatch, .params = 2},
    [XS_TRANSACTION_START] = {.run = op_start},
    [XS_TRANSACTION_END] = {.run = op_end, .params = 1},
    [XS_INTRODUCE] = {.run = op_introduce, .params = 3, .is_launch = true},
    [XS_GET_DOMAIN_PATH] = {.run = op_get_domain_path, .params = 1},
    [XS_WRITE] = {.run = op_write, .params = 1, .is_raw = true},
    [XS_MKDIR] = {.run = op_mkdir, .params = 1},
    [XS_RM] = {.run = op_rm, .params = 1},
    [XS_SET_PERMS] = {.run = op_set_perms, .params = 2},
    [XS_IS_DOMAIN_INTRODUCED] = {.run = op_is_introduced, .params = 1},
    [XS_RESET_WATCHES] = {.run = op_reset_watches},
    [XS_CONTROL] = {.is_launch = true},
    [XS_RELEASE] = {.is_launch = true},
    [XS_RESUME] = {.is_launch = true},
    [XS_SET_TARGET] = {.is_launch = true},
};

/* Cut the payload into strings.  EINVAL: not as many as the operation needs, or the last one is not ended. */
static int32_t split(struct call *call, uint32_t wanted, bool is_raw)
{
    uint32_t at = 0;

    while (at < call->size && call->params < (is_raw ? 1u : PARAMS_MAX)) {
        const uint8_t *end = memchr(&call->payload[at], 0, call->size - at);
        if (end == NULL) {
            return XEN_EINVAL;
        }
        call->param[call->params] = (const char *)&call->payload[at];
        call->params++;
        at = (uint32_t)(end - call->payload) + 1u;
    }
    call->rest = &call->payload[at];
    call->rest_size = call->size - at;
    return (call->params >= wanted) ? 0 : XEN_EINVAL;
}

static int32_t dispatch(struct call *call, uint32_t type)
{
    if (type >= XS_TYPE_COUNT || (operations[type].run == NULL && !operations[type].is_launch)) {
        return XEN_ENOSYS;
    }
    if (operations[type].is_launch && call->client != STORE_LAUNCH) {
        return XEN_EACCES;
    }
    if (operations[type].run == NULL) {
        return XEN_ENOSYS;
    }
    if (!change_is_open(call->client, call->transaction)) {
        return XEN_ENOENT;
    }
    int32_t error = split(call, operations[type].params, operations[type].is_raw);
    return (error == 0) ? operations[type].run(call) : error;
}

static const struct {
    int32_t error;
    const char *name;
} errors[] = {
    {XEN_EINVAL, "EINVAL"}, {XEN_EACCES, "EACCES"}, {XEN_EEXIST, "EEXIST"}, {XEN_ENOENT, "ENOENT"},
    {XEN_ENOSPC, "ENOSPC"}, {XEN_ENOSYS, "ENOSYS"}, {XEN_EBUSY, "EBUSY"},   {XEN_EAGAIN, "EAGAIN"},
    {XEN_E2BIG, "E2BIG"},   {XEN_EPERM, "EPERM"},
};

void store_request(uint32_t client, const struct xsd_sockmsg *request, const uint8_t *payload,
                   struct xsd_sockmsg *header, struct store_reply *reply)
{
    struct call call = {.client = client,
                        .transaction = request->tx_id,
                        .payload = payload,
                        .size = (request->len <= XENSTORE_PAYLOAD_MAX) ? request->len : XENSTORE_PAYLOAD_MAX,
                        .reply = reply};

    reply->size = 0;
    int32_t error = dispatch(&call, request->type);
    *header = (struct xsd_sockmsg){.type = request->type, .req_id = request->req_id, .tx_id = request->tx_id};
    for (size_t i = 0; error != 0 && i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].error == error) {
            header->type = XS_ERROR;
            reply->size = 0;
            call_answer(&call, errors[i].name, strlen(errors[i].name) + 1u);
        }
    }
    header->len = reply->size;
}

bool store_next_event(uint32_t client, struct xsd_sockmsg *header, struct store_reply *event)
{
    if (!watch_next_event(client, event)) {
        return false;
    }
    *header = (struct xsd_sockmsg){.type = XS_WATCH_EVENT, .len = event->size};
    return true;
}

void store_forget(uint32_t client)
{
    watch_forget(client);
    change_forget(client);
}

void store_init(void)
{
    client_init();
    tree_init();
    change_init();
    watch_init();
}
