/* SPDX-License-Identifier: Apache-2.0 */
/* mailman ADDRESS PORT TEXT...: writes each TEXT into the mailbox in shared memory (guests/post/mail.h), sends an event
 * through the static channel at PORT, waits for the answer and prints it.  A Linux program without a C library.
 * The memory is opened by /dev/mem, where Linux maps what is not its RAM uncached; the channel by /dev/xen/evtchn. */
#include <stdint.h>

#include "../post/mail.h"
#include "sys.h"

#define PAGE 4096

/* include/uapi/xen/evtchn.h */
#define EVTCHN_NOTIFY      ((4 << 16) | ('E' << 8) | 4)
#define EVTCHN_BIND_STATIC ((4 << 16) | ('E' << 8) | 7)

int main(int argc, char **argv);

static void say(const char *text)
{
    long n = 0;

    while (text[n] != '\0') {
        n++;
    }
    (void)sys_call(SYS_WRITE, 1, (long)text, n, 0, 0, 0);
}

static __attribute__((noreturn)) void end(const char *why, int code)
{
    say(why);
    sys_exit(code);
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
    return sys_call(SYS_OPENAT, AT_FDCWD, (long)path, flags, 0, 0, 0);
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
    long box_at = sys_call(SYS_MMAP, 0, PAGE, PROT_RW, MAP_SHARED, memory, (long)number_of(argv[1]));
    port = (uint32_t)number_of(argv[2]);
    if (memory < 0 || box_at < 0) {
        end("mailman: /dev/mem does not open or map\n", 1);
    }
    if (events < 0 || sys_call(SYS_IOCTL, events, EVTCHN_BIND_STATIC, (long)&port, 0, 0, 0) < 0) {
        end("mailman: the channel does not open; Linux 6.6 or later with xen-evtchn\n", 1);
    }
    struct mailbox *box = (struct mailbox *)box_at;
    uint32_t number = box->answer.number;
    for (int i = 3; i < argc; i++) {
        uint32_t which = port;
        number++;
        mail_put(&box->question, number, argv[i]);
        (void)sys_call(SYS_IOCTL, events, EVTCHN_NOTIFY, (long)&port, 0, 0, 0);
        while (box->answer.number != number) {
            (void)sys_call(SYS_READ, events, (long)&which, sizeof(which), 0, 0, 0);  /* waits for the event */
            (void)sys_call(SYS_WRITE, events, (long)&which, sizeof(which), 0, 0, 0); /* and wants the next one */
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

SYS_START(main);
