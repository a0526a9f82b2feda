/* SPDX-License-Identifier: Apache-2.0 */
/* What `xl shutdown` does: the guest's kernel watches control/shutdown, takes what is written there and empties it.
 * [impl->dsn~bhctl-request~1] */
#include "dump.h"

#include <string.h>

#include <xen/io/xs_wire.h>

#define PATIENCE   UINT64_C(10000000000) /* ns */
#define PATH_BYTES 64u
#define VALUE_ROOM 32u

static size_t add(char *to, size_t at, const char *text)
{
    size_t bytes = strlen(text) + 1;

    memcpy(&to[at], text, bytes);
    return at + bytes - 1;
}

/* "/local/domain/DOMID/control/shutdown"; returns its length. */
static size_t path_of(uint16_t domid, char path[PATH_BYTES])
{
    char digits[6] = "";
    size_t first = sizeof(digits) - 1;

    do {
        first--;
        digits[first] = (char)('0' + domid % 10);
        domid /= 10;
    } while (domid != 0);
    return add(path, add(path, add(path, 0, "/local/domain/"), &digits[first]), "/control/shutdown");
}

static int64_t write_value(const struct bhctl_host *host, uint16_t domid, const char *value)
{
    char payload[PATH_BYTES + VALUE_ROOM];
    char answer[VALUE_ROOM];
    size_t at = path_of(domid, payload) + 1;

    return host->store(XS_WRITE, payload, (uint32_t)add(payload, at, value), answer, sizeof(answer));
}

/* 0: the value is empty, or the domain has stopped; 1: not yet. */
static int64_t look(struct bhctl_port *port, uint16_t domid)
{
    char path[PATH_BYTES], value[VALUE_ROOM];
    struct bhctl_domain domain;
    size_t length = path_of(domid, path);
    int64_t result = port->host->store(XS_READ, path, (uint32_t)length + 1, value, sizeof(value));

    if (result >= 0 && value[0] == '\0') {
        return 0;
    }
    if (result >= 0) {
        result = call_domain_from(port, domid, &domain);
        result =
            (result == 0 && domain.info.domain == domid && (domain.info.flags & XEN_DOMINF_shutdown) == 0) ? 1 : result;
    }
    return (result == -XEN_ESRCH) ? 0 : result;
}

int64_t request_end(struct bhctl_port *port, const struct bhctl_domain *domain, const char *what)
{
    uint16_t domid = (uint16_t)domain->info.domain;
    uint64_t end = port->now(port) + PATIENCE;
    int64_t result = call_holds(port, domid, BULKHEAD_RIGHT_DESTROY);

    if (result == 0 && (domain->info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying)) != 0) {
        result = -XEN_EINVAL;
    }
    if (result == 0) {
        result = (port->host == NULL) ? -XEN_ENODEV : write_value(port->host, domid, what);
    }
    if (result < 0) {
        return (result == -XEN_EACCES) ? -XEN_ENOENT
                                       : result; /* the store does not tell whether there is such a path */
    }
    for (result = look(port, domid); result > 0 && port->now(port) < end; result = look(port, domid)) {
        (void)port->call(port, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
    if (result > 0) {
        (void)write_value(port->host, domid, "");
        return -XEN_ETIMEDOUT;
    }
    return result;
}
