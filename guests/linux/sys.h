/* SPDX-License-Identifier: Apache-2.0 */
/* Linux's system calls on arm64, for programs without a C library (include/uapi/asm-generic/unistd.h and fcntl.h, mman.h). */
#ifndef GUEST_LINUX_SYS_H
#define GUEST_LINUX_SYS_H

#define SYS_IOCTL         29
#define SYS_OPENAT        56
#define SYS_LSEEK         62
#define SYS_READ          63
#define SYS_WRITE         64
#define SYS_PWRITE64      68
#define SYS_EXIT          93
#define SYS_CLOCK_GETTIME 113
#define SYS_MUNMAP        215
#define SYS_MMAP          222
#define SYS_MLOCKALL      230

#define AT_FDCWD        (-100)
#define O_WRONLY        01
#define O_RDWR          02
#define O_CREAT         0100
#define O_TRUNC         01000
#define O_SYNC          04010000
#define PROT_READ       1
#define PROT_RW         3
#define MAP_SHARED      0x01
#define MAP_PRIVATE     0x02
#define MAP_FIXED       0x10
#define MAP_ANONYMOUS   0x20
#define MAP_LOCKED      0x2000
#define MAP_POPULATE    0x8000
#define MCL_CURRENT     1
#define SEEK_END        2
#define CLOCK_MONOTONIC 1

/* The result, or a negative error number. */
static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
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

static inline __attribute__((noreturn)) void sys_exit(int code)
{
    for (;;) {
        (void)sys_call(SYS_EXIT, code, 0, 0, 0, 0, 0);
    }
}

/* Where Linux starts the program: FUNCTION(argument count, arguments). */
#define SYS_START(function)                                                                                            \
    __asm__(                                                                                                           \
        ".globl _start\n_start:\n\tldr x0, [sp]\n\tadd x1, sp, #8\n\tmov x9, sp\n\tand x9, x9, #~15\n\tmov sp, x9\n\t" \
        "b " #function "\n")

#endif
