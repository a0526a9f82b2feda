/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl: what the person in charge asks of the hypervisor.  One library for every transport: it makes hypercalls and writes
 * text through a port, needs no heap and no C library but string.h.
 * [impl->dsn~bhctl-verbs~1] */
#ifndef TOOLSTACK_BHCTL_H
#define TOOLSTACK_BHCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BHCTL_BUFFER  40960u                 /* bytes */
#define BHCTL_CREATE  "DOMAIN|FILE [DOMAIN]" /* what names an archive, or a domain of the one that there is */
#define BHCTL_WORDS   8u                     /* of a command */
#define BHCTL_DOMAINS 129u

/* What only some transports have.  Errors are negative numbers of the Xen ABI. */
struct bhctl_host {
    /* A file for a dump: what is not written reads as zeros.  NULL: there are no files; map, unmap then, too. */
    int64_t (*file_open)(const char *path);
    int64_t (*file_write)(uint64_t offset, const void *data, size_t bytes);
    /* Frames from gfn on, read-only, at consecutive pages; error[i] is that of frame i.  NULL: no memory.  count: BHCTL_FRAMES. */
    const uint8_t *(*map)(uint16_t domid, uint64_t gfn, int32_t *error);
    void (*unmap)(const uint8_t *pages);
    /* One request to xenstore (XS_READ, XS_WRITE); the answer, NUL-terminated, to answer.  -ENODEV: it is not there. */
    int64_t (*store)(uint32_t type, const char *payload, uint32_t bytes, char *answer, uint32_t room);
};
#define BHCTL_FRAMES 64u /* mapped at once */

enum bhctl_exit {
    BHCTL_GOOD = 0,
    BHCTL_FAILED = 1,
    BHCTL_USAGE = 2,
    BHCTL_REFUSED = 3, /* a right is missing; the message names it */
    BHCTL_NOBODY = 4,  /* no domain of that name or number, or none that may be seen */
};

struct bhctl_port {
    /* A hypercall with three arguments; 0 or positive, or a negative errno of the Xen ABI. */
    int64_t (*call)(struct bhctl_port *port, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2);
    void (*write)(struct bhctl_port *port, const char *text, size_t bytes);
    /* Nanoseconds since a moment that does not change. */
    uint64_t (*now)(struct bhctl_port *port);
    /* create FIRST [SECOND]: toolstack/create/create.h; NULL: domains cannot be created here. */
    enum bhctl_exit (*create)(struct bhctl_port *port, const char *first, const char *second, bool paused);
    char *buffer;                  /* BHCTL_BUFFER bytes, 4 KiB aligned, that the hypervisor can read and write */
    const struct bhctl_host *host; /* NULL: no files, no store */
    bool json;                     /* tables are written as JSON; set by the word --json for one command */

    /* The library's own, 0 at first: what `top` compares with. */
    uint64_t shown, interval;
    uint64_t seen[BHCTL_DOMAINS];
};

/* One command, without the program's name.  Everything it says goes to port->write. */
enum bhctl_exit bhctl_run(struct bhctl_port *port, uint32_t count, const char *const *words);

/* The same for a line of text, which is cut into words. */
enum bhctl_exit bhctl_run_line(struct bhctl_port *port, char *line);

#endif
