/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl create in Linux: the archive is a file, and memory of the new domain is mapped by privcmd.
 * [impl->dsn~bhctl-create-linux~1] */
#include "create.h"

#include "hyper.h"
#include "privcmd.h"
#include "sys.h"

#define PAGE_BYTES 4096u

/* include/uapi/xen/privcmd.h */
struct privcmd_mmapbatch {
    uint32_t count;
    uint16_t domid;
    uint64_t address;
    const uint64_t *gfns;
    int *errors;
};
#define IOCTL_PRIVCMD_MMAPBATCH ((sizeof(struct privcmd_mmapbatch) << 16) | ('P' << 8) | 4)

int64_t hyper_map(uint16_t domid, uint64_t gfn, uint64_t to, uint32_t pages)
{
    static uint64_t gfns[HYPER_MAP_MAX];
    static int errors[HYPER_MAP_MAX];
    struct privcmd_mmapbatch batch = {.count = pages, .domid = domid, .address = to, .gfns = gfns, .errors = errors};

    for (uint32_t i = 0; i < pages; i++) {
        gfns[i] = gfn + i;
    }
    long at = sys_call(SYS_MMAP, (long)to, (long)pages * PAGE_BYTES, PROT_RW, MAP_SHARED | MAP_FIXED, privcmd, 0);
    return (at == (long)to) ? sys_call(SYS_IOCTL, privcmd, IOCTL_PRIVCMD_MMAPBATCH, (long)&batch, 0, 0, 0) : at;
}

int64_t hyper_unmap(uint64_t to, uint32_t pages)
{
    return sys_call(SYS_MUNMAP, (long)to, (long)pages * PAGE_BYTES, 0, 0, 0, 0);
}

void *hyper_pointer(uint64_t gaddr)
{
    return (void *)(uintptr_t)gaddr;
}

static bool is_error(long result)
{
    return result < 0 && result > -4096;
}

enum bhctl_exit privcmd_create(struct bhctl_port *port, const char *file, const char *name, bool paused)
{
    static const char unreadable[] = "bhctl: create failed: the file cannot be read\n";
    static const char unlocked[] = "bhctl: create failed: its memory cannot be locked\n";
    long fd = sys_call(SYS_OPENAT, AT_FDCWD, (long)file, 0, 0, 0, 0);
    long size = is_error(fd) ? fd : sys_call(SYS_LSEEK, fd, 0, SEEK_END, 0, 0, 0);
    long at = (size > 0) ? sys_call(SYS_MMAP, 0, size, PROT_RW, MAP_PRIVATE | MAP_POPULATE, fd, 0) : -1;

    if (is_error(at)) {
        port->write(port, unreadable, sizeof(unreadable) - 1);
        return BHCTL_FAILED;
    }
    /* The hypervisor reads and writes structures where they are, and cannot wait for a page. */
    if (is_error(sys_call(SYS_MLOCKALL, MCL_CURRENT, 0, 0, 0, 0, 0))) {
        port->write(port, unlocked, sizeof(unlocked) - 1);
        return BHCTL_FAILED;
    }
    return create_domain(port, (const uint8_t *)at, (uint64_t)size, name, paused);
}
