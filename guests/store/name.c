/* SPDX-License-Identifier: Apache-2.0 */
/* The clients; paths and numbers as requests write them. */
#include "call.h"

#include <guest/string.h>

static struct store_client_info clients[STORE_CLIENTS];
static uint32_t client_count;

void client_init(void)
{
    memset(clients, 0, sizeof(clients));
    client_count = 0;
}

bool client_add(uint16_t domid, uint32_t port)
{
    if (client_count + 1u == STORE_CLIENTS) {
        return false;
    }
    client_count++;
    clients[client_count] = (struct store_client_info){.domid = domid, .port = port};
    return true;
}

uint32_t store_client_count(void)
{
    return client_count;
}

struct store_client_info store_client(uint32_t client)
{
    return clients[client];
}

uint16_t store_domid(uint32_t client)
{
    return clients[client].domid;
}

void store_copy(char *to, size_t room, const char *text)
{
    size_t length = strnlen(text, room - 1u);

    memcpy(to, text, length);
    to[length] = '\0';
}

size_t store_number(char *to, uint64_t number)
{
    char digits[20];
    size_t count = 0;

    do { /* bound: 20 digits */
        digits[count] = (char)('0' + number % 10u);
        number /= 10u;
        count++;
    } while (number != 0u);
    for (size_t i = 0; i < count; i++) {
        to[i] = digits[count - 1u - i];
    }
    to[count] = '\0';
    return count;
}

size_t call_home(uint16_t domid, char *to, size_t room)
{
    static const char prefix[] = "/local/domain/";

    store_copy(to, room, prefix);
    return sizeof(prefix) - 1u + store_number(&to[sizeof(prefix) - 1u], domid);
}

size_t store_home(uint32_t client, char *to, size_t room)
{
    size_t length = call_home(clients[client].domid, to, room);

    to[length] = '/';
    to[length + 1u] = '\0';
    return length + 1u;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '@';
}

/* "/" or parts of 1 to STORE_NAME_MAX - 1 characters, each behind a slash. */
static bool is_path(const char *text)
{
    size_t part = 0;

    if (text[0] != '/' || text[1] == '\0') {
        return text[0] == '/';
    }
    for (const char *at = &text[1]; *at != '\0'; at++) {
        if (*at == '/' ? part == 0u : !is_name_character(*at)) {
            return false;
        }
        part = (*at == '/') ? 0u : part + 1u;
        if (part == STORE_NAME_MAX) {
            return false;
        }
    }
    return part != 0u;
}

int32_t call_path(const struct call *call, const char *text, struct path *path)
{
    size_t used = (text[0] == '/') ? 0u : store_home(call->client, path->text, sizeof(path->text));

    if (strlen(text) >= sizeof(path->text) - used) {
        return XEN_EINVAL;
    }
    store_copy(&path->text[used], sizeof(path->text) - used, text);
    return is_path(path->text) ? 0 : XEN_EINVAL;
}

bool call_number(const char *text, uint32_t most, uint32_t *number)
{
    uint64_t value = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text >= '0' && *text <= '9' && value <= most; text++) {
        value = value * 10u + (uint64_t)(*text - '0');
    }
    *number = (uint32_t)value;
    return *text == '\0' && value <= most;
}
