/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl for a Linux domain: the library's calls go through /dev/xen/privcmd.  A static program without a C library, so that it
 * runs in an initramfs.
 *   bhctl VERB [WORDS...] [--json]; the exit code is enum bhctl_exit, 1 also where privcmd does not open.
 * [impl->dsn~bhctl-linux~1] */
#include <string.h>

#include "bhctl.h"

#define SYS_IOCTL         29
#define SYS_OPENAT        56
#define SYS_WRITE         64
#define SYS_EXIT          93
#define SYS_CLOCK_GETTIME 113
#define SYS_MMAP          222

#define AT_FDCWD        (-100)
#define O_RDWR          02
#define PROT_RW         3
#define MAP_ANONYMOUS   0x20
#define MAP_PRIVATE     0x02
#define MAP_LOCKED      0x2000
#define MAP_POPULATE    0x8000
#define CLOCK_MONOTONIC 1

/* include/uapi/xen/privcmd.h */
struct privcmd_hypercall {
    uint64_t op;
    uint64_t arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL ((sizeof(struct privcmd_hypercall) << 16) | ('P' << 8))

int bhctl_main(int count, char **words);

static long privcmd;

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

/* Linux hands on the hypervisor's error, whose numbers it shares. */
static int64_t hypercall(struct bhctl_port *port, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct privcmd_hypercall hypercall = {.op = number, .arg = {a0, a1, a2, 0, 0}};

    (void)port;
    return call(SYS_IOCTL, privcmd, IOCTL_PRIVCMD_HYPERCALL, (long)&hypercall, 0, 0, 0);
}

static void put(struct bhctl_port *port, const char *text, size_t bytes)
{
    long done = 1;

    (void)port;
    for (size_t at = 0; at < bytes && done > 0; at += (size_t)done) {
        done = call(SYS_WRITE, 1, (long)&text[at], (long)(bytes - at), 0, 0, 0);
    }
}

static uint64_t now(struct bhctl_port *port)
{
    int64_t time[2] = {0, 0}; /* seconds, nanoseconds */

    (void)port;
    (void)call(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)time, 0, 0, 0, 0);
    return (uint64_t)time[0] * UINT64_C(1000000000) + (uint64_t)time[1];
}

static __attribute__((noreturn)) void end(int code)
{
    for (;;) {
        (void)call(SYS_EXIT, code, 0, 0, 0, 0, 0);
    }
}

int bhctl_main(int count, char **words)
{
    static struct bhctl_port port = {.call = hypercall, .write = put, .now = now};
    static const char no_device[] = "bhctl: /dev/xen/privcmd does not open; load the module xen-privcmd\n";
    static const char no_memory[] = "bhctl: no memory\n";

    privcmd = call(SYS_OPENAT, AT_FDCWD, (long)"/dev/xen/privcmd", O_RDWR, 0, 0, 0);
    if (privcmd < 0) {
        put(&port, no_device, sizeof(no_device) - 1);
        end(BHCTL_FAILED);
    }
    /* The hypervisor reads and writes it where it is, and cannot wait for a page. */
    long at = call(SYS_MMAP, 0, BHCTL_BUFFER, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (at < 0 && at > -4096) {
        put(&port, no_memory, sizeof(no_memory) - 1);
        end(BHCTL_FAILED);
    }
    port.buffer = (char *)at;
    end((int)bhctl_run(&port, (uint32_t)(count - 1), (const char *const *)&words[1]));
}

__asm__(".globl _start\n_start:\n\tldr x0, [sp]\n\tadd x1, sp, #8\n\tmov x9, sp\n\tand x9, x9, #~15\n\tmov sp, x9\n\tb "
        "bhctl_main\n");
