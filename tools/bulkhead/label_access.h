/* SPDX-License-Identifier: Apache-2.0 */
/* What each access of a label stands for in FLASK: permissions of Xen 4.17's classes, and over whose label.
 * [impl->dsn~label-compile~1] */
#ifndef TOOL_LABEL_ACCESS_H
#define TOOL_LABEL_ACCESS_H

#include <bulkhead/label.h>

/* Whose label is the source, and whose the target, of a permission. */
enum label_over {
    OVER_TARGET,       /* the source over the target */
    OVER_XEN,          /* the source over the initial sid `xen` */
    OVER_SECURITY,     /* ... `security` */
    OVER_IRQ,          /* ... `irq` */
    OVER_IOMEM,        /* ... `iomem` */
    OVER_EVENT,        /* the source over the event channel that it opens to the target */
    EVENT_OVER_TARGET, /* that event channel over the target */
};

struct label_need {
    const char *class_name;
    const char *permissions; /* separated by blanks */
    enum label_over over;
};

#define LABEL_NEEDS 5u

struct label_access {
    const char *name;                       /* in `explain` and in messages */
    const char text[BULKHEAD_ACCESS_BYTES]; /* in the hypervisor's log */
    struct label_need domain[LABEL_NEEDS];  /* over a domain; none: there is no such access */
    struct label_need platform[1];          /* over the platform; none: there is no such access */
};

extern const struct label_access label_accesses[BULKHEAD_ACCESS_COUNT];

#endif
