/* SPDX-License-Identifier: Apache-2.0 */
/* mailman ADDRESS PORT TEXT...: writes each TEXT into the mailbox in shared memory (guests/post/mail.h), sends an event
 * through the static channel at PORT, waits for the answer and prints it.  A Linux program without a C library.
 * The memory is opened by /dev/mem, where Linux maps what is not its RAM uncached; the channel by /dev/xen/evtchn. */
#include <stdint.h>

#include "../post/mail.h"

#define SYS_IOCTL  29
#define SYS_OPENAT 56
#define SYS_READ   63
#define SYS_WRITE  64
#define SYS_EXIT   93
#define SYS_MMAP   222

#define AT_FDCWD   (-100)
#define O_RDWR     02
#define O_SYNC     04010000
#define PROT_RW    3
#define MAP_SHARED 1
#define PAGE       4096

/* include/uapi/xen/evtchn.h */
#define EVTCHN_NOTIFY      ((4 << 16) | ('E' << 8) | 4)
#define EVTCHN_BIND_STATIC ((4 << 16) | ('E' << 8) | 7)

int main(int argc, char **argv);

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

static void say(const char *text)
{
    long n = 0;

    while (text[n] != '\0') {
        n++;
    }
    (void)call(SYS_WRITE, 1, (long)text, n, 0, 0, 0);
}

static __attribute__((noreturn)) void end(const char *why, int code)
{
    say(why);
    for (;;) {
        (void)call(SYS_EXIT, code, 0, 0, 0, 0, 0);
    }
}

static unsigned long number_of(const char *text)
{
    unsigned long base = (text[0] == '0' && text[1] == 'x') ? 16 : 10;
    unsigned long value = 0;

    for (text += (base == 16) ? 2 : 0; *text != '\0'; text++) {
        unsigned long digit = (unsigned long)(*text - '0');
        value = value * base + ((digit < 10) ? digit : (unsigned long)((*text | 0x20) - 'a') + 10);
    }
    return value;
}

static long open_file(const char *path, long flags)
{
    return call(SYS_OPENAT, AT_FDCWD, (long)path, flags, 0, 0, 0);
}

int main(int argc, char **argv)
{
    static char text[4 * MAIL_WORDS];
    uint32_t port;

    if (argc < 4) {
        end("usage: mailman ADDRESS PORT TEXT...\n", 2);
    }
    long memory = open_file("/dev/mem", O_RDWR | O_SYNC);
    long events = open_file("/dev/xen/evtchn", O_RDWR);
    long box_at = call(SYS_MMAP, 0, PAGE, PROT_RW, MAP_SHARED, memory, (long)number_of(argv[1]));
    port = (uint32_t)number_of(argv[2]);
    if (memory < 0 || box_at < 0) {
        end("mailman: /dev/mem does not open or map\n", 1);
    }
    if (events < 0 || call(SYS_IOCTL, events, EVTCHN_BIND_STATIC, (long)&port, 0, 0, 0) < 0) {
        end("mailman: the channel does not open; Linux 6.6 or later with xen-evtchn\n", 1);
    }
    struct mailbox *box = (struct mailbox *)box_at;
    uint32_t number = box->answer.number;
    for (int i = 3; i < argc; i++) {
        uint32_t which = port;
        number++;
        mail_put(&box->question, number, argv[i]);
        (void)call(SYS_IOCTL, events, EVTCHN_NOTIFY, (long)&port, 0, 0, 0);
        while (box->answer.number != number) {
            (void)call(SYS_READ, events, (long)&which, sizeof(which), 0, 0, 0);  /* waits for the event */
            (void)call(SYS_WRITE, events, (long)&which, sizeof(which), 0, 0, 0); /* and wants the next one */
        }
        if (!mail_get(&box->answer, number, text)) {
            end("mailman: the answer is damaged\n", 1);
        }
        say("answer: ");
        say(text);
        say("\n");
    }
    end("mailman: done\n", 0);
}

__asm__(".globl _start\n_start:\n\tldr x0, [sp]\n\tadd x1, sp, #8\n\tmov x9, sp\n\tand x9, x9, #~15\n\tmov sp, x9\n\tb "
        "main\n");
