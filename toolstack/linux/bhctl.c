/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl for a Linux domain: the library's calls go through /dev/xen/privcmd.  A static program without a C library, so that it
 * runs in an initramfs.
 *   bhctl VERB [WORDS...] [--json]; the exit code is enum bhctl_exit, 1 also where privcmd does not open.
 * [impl->dsn~bhctl-linux~1] */
#include "bhctl.h"

#include <string.h>

#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "privcmd.h"
#include "sys.h"

/* include/uapi/xen/privcmd.h */
struct privcmd_hypercall {
    uint64_t op;
    uint64_t arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL ((sizeof(struct privcmd_hypercall) << 16) | ('P' << 8))

struct privcmd_mmapbatch_v2 {
    uint32_t count;
    uint16_t domid;
    uint64_t address;
    const uint64_t *frames;
    int32_t *errors;
};
#define IOCTL_PRIVCMD_MMAPBATCH_V2 ((sizeof(struct privcmd_mmapbatch_v2) << 16) | ('P' << 8) | 4)

#define PAGE 4096

int bhctl_main(int count, char **words);

long privcmd;

int64_t privcmd_call(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct privcmd_hypercall hypercall = {.op = number, .arg = {a0, a1, a2, 0, 0}};

    return sys_call(SYS_IOCTL, privcmd, IOCTL_PRIVCMD_HYPERCALL, (long)&hypercall, 0, 0, 0);
}

static int64_t hypercall(struct bhctl_port *port, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    (void)port;
    return privcmd_call(number, a0, a1, a2);
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

/* ---- what this transport has beside calls ---- */

static long dump_file;

static int64_t file_open(const char *path)
{
    dump_file = sys_call(SYS_OPENAT, AT_FDCWD, (long)path, O_WRONLY | O_CREAT | O_TRUNC, 0600, 0, 0);
    return dump_file;
}

static int64_t file_write(uint64_t offset, const void *data, size_t bytes)
{
    long done = 1;

    for (size_t at = 0; at < bytes && done > 0; at += (size_t)done) {
        done = sys_call(SYS_PWRITE64, dump_file, (long)data + (long)at, (long)(bytes - at), (long)(offset + at), 0, 0);
    }
    return (done > 0) ? 0 : (done < 0) ? done : -XEN_EIO;
}

static const uint8_t *map(uint16_t domid, uint64_t gfn, int32_t *error)
{
    uint64_t frames[BHCTL_FRAMES];
    long at = sys_call(SYS_MMAP, 0, BHCTL_FRAMES * PAGE, PROT_READ, MAP_SHARED, privcmd, 0);
    struct privcmd_mmapbatch_v2 batch = {BHCTL_FRAMES, domid, (uint64_t)at, frames, error};

    if (at < 0 && at > -PAGE) {
        return NULL;
    }
    for (uint32_t i = 0; i < BHCTL_FRAMES; i++) {
        frames[i] = gfn + i;
        error[i] = -XEN_EINVAL;
    }
    (void)sys_call(SYS_IOCTL, privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, (long)&batch, 0, 0, 0);
    return (const uint8_t *)at;
}

static void unmap(const uint8_t *pages)
{
    (void)sys_call(SYS_MUNMAP, (long)pages, BHCTL_FRAMES * PAGE, 0, 0, 0, 0);
}

static bool read_all(long file, void *to, uint32_t bytes)
{
    long done = 1;

    for (uint32_t at = 0; at < bytes && done > 0; at += (uint32_t)done) {
        done = sys_call(SYS_READ, file, (long)to + at, bytes - at, 0, 0, 0);
    }
    return done > 0;
}

static int64_t error_of(const char *name)
{
    return (strcmp(name, "EACCES") == 0) ? -XEN_EACCES : (strcmp(name, "ENOENT") == 0) ? -XEN_ENOENT : -XEN_EIO;
}

/* By the device of Linux' own xenstore driver, which does not open where the domain has no store. */
static int64_t store(uint32_t type, const char *payload, uint32_t bytes, char *answer, uint32_t room)
{
    static long file = -1;
    struct xsd_sockmsg header = {.type = type, .len = bytes};
    char whole[sizeof(header) + 256];

    if (file < 0) {
        file = sys_call(SYS_OPENAT, AT_FDCWD, (long)"/dev/xen/xenbus", O_RDWR, 0, 0, 0);
    }
    if (file < 0 || sizeof(header) + bytes > sizeof(whole)) {
        return -XEN_ENODEV;
    }
    memcpy(whole, &header, sizeof(header));
    memcpy(&whole[sizeof(header)], payload, bytes);
    if (sys_call(SYS_WRITE, file, (long)whole, (long)(sizeof(header) + bytes), 0, 0, 0) < 0 ||
        !read_all(file, &header, sizeof(header)) || header.len >= room || !read_all(file, answer, header.len)) {
        return -XEN_EIO;
    }
    answer[header.len] = '\0';
    return (header.type == XS_ERROR) ? error_of(answer) : 0;
}

static const struct bhctl_host host = {file_open, file_write, map, unmap, store};

int bhctl_main(int count, char **words)
{
    static struct bhctl_port port = {
        .call = hypercall, .write = put, .now = now, .host = &host, .create = privcmd_create};
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
