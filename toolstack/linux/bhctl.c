/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl for a Linux domain: the library's calls go through /dev/xen/privcmd.  A static program without a C library, so that it
 * runs in an initramfs.
 *   bhctl VERB [WORDS...] [--json]; the exit code is enum bhctl_exit, 1 also where privcmd does not open.
 * [impl->dsn~bhctl-linux~1] */
#include <string.h>

#include "bhctl.h"
#include "sys.h"

/* include/uapi/xen/privcmd.h */
struct privcmd_hypercall {
    uint64_t op;
    uint64_t arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL ((sizeof(struct privcmd_hypercall) << 16) | ('P' << 8))

int bhctl_main(int count, char **words);

static long privcmd;

/* Linux hands on the hypervisor's error, whose numbers it shares. */
static int64_t hypercall(struct bhctl_port *port, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct privcmd_hypercall hypercall = {.op = number, .arg = {a0, a1, a2, 0, 0}};

    (void)port;
    return sys_call(SYS_IOCTL, privcmd, IOCTL_PRIVCMD_HYPERCALL, (long)&hypercall, 0, 0, 0);
}

static void put(struct bhctl_port *port, const char *text, size_t bytes)
{
    long done = 1;

    (void)port;
    for (size_t at = 0; at < bytes && done > 0; at += (size_t)done) {
        done = sys_call(SYS_WRITE, 1, (long)&text[at], (long)(bytes - at), 0, 0, 0);
    }
}

static uint64_t now(struct bhctl_port *port)
{
    int64_t time[2] = {0, 0}; /* seconds, nanoseconds */

    (void)port;
    (void)sys_call(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)time, 0, 0, 0, 0);
    return (uint64_t)time[0] * UINT64_C(1000000000) + (uint64_t)time[1];
}

int bhctl_main(int count, char **words)
{
    static struct bhctl_port port = {.call = hypercall, .write = put, .now = now};
    static const char no_device[] = "bhctl: /dev/xen/privcmd does not open; load the module xen-privcmd\n";
    static const char no_memory[] = "bhctl: no memory\n";

    privcmd = sys_call(SYS_OPENAT, AT_FDCWD, (long)"/dev/xen/privcmd", O_RDWR, 0, 0, 0);
    if (privcmd < 0) {
        put(&port, no_device, sizeof(no_device) - 1);
        sys_exit(BHCTL_FAILED);
    }
    /* The hypervisor reads and writes it where it is, and cannot wait for a page. */
    long at =
        sys_call(SYS_MMAP, 0, BHCTL_BUFFER, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (at < 0 && at > -4096) {
        put(&port, no_memory, sizeof(no_memory) - 1);
        sys_exit(BHCTL_FAILED);
    }
    port.buffer = (char *)at;
    sys_exit((int)bhctl_run(&port, (uint32_t)(count - 1), (const char *const *)&words[1]));
}

SYS_START(bhctl_main);
