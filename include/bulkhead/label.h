/* SPDX-License-Identifier: Apache-2.0 */
/* Labels: what the label policy lets one domain do to another, as the host tool compiled it from FLASK source.
 * The launch archive holds one struct bulkhead_labels as its file BULKHEAD_LABELS_FILE; the Boot Domain hands it to the
 * hypervisor, which only indexes it.  Little endian, no padding.
 * [impl->dsn~label-matrix~1] */
#ifndef BULKHEAD_LABEL_H
#define BULKHEAD_LABEL_H

#include <stdint.h>

#define BULKHEAD_LABELS_FILE  "labels"
#define BULKHEAD_LABELS_MAGIC UINT32_C(0x314c4c42) /* "BLL1" */
#define BULKHEAD_LABELS       32u                  /* labels of a system */
#define BULKHEAD_LABEL_BYTES  64u                  /* of a context, its NUL included */
#define BULKHEAD_ACCESS_BYTES 32u                  /* of an access's name, its NUL included */

/* Bits of a vector: the first 16 are enum bulkhead_right, used over the target; then what domains do between themselves.
 * A bit is set when the policy allows each FLASK permission that the access stands for. */
enum bulkhead_access {
    BULKHEAD_ACCESS_CREATE_AS = 16,     /* creates a domain with that label */
    BULKHEAD_ACCESS_EVENT = 17,         /* opens an event channel to it, or binds to the one that it opened */
    BULKHEAD_ACCESS_GRANT_READ = 18,    /* maps what it granted, reading, or copies from it */
    BULKHEAD_ACCESS_GRANT_WRITE = 19,   /* the same, writing */
    BULKHEAD_ACCESS_ARGO_SEND = 20,     /* sends to its rings */
    BULKHEAD_ACCESS_ARGO_REGISTER = 21, /* has a ring for it */
    BULKHEAD_ACCESS_ARGO_ANY = 22,      /* has a ring for everybody; the target is the platform */
    BULKHEAD_ACCESS_COUNT = 23,
};

/* Labels are numbers, as ssidref of XEN_DOMCTL_createdomain carries them; 0 is what has none.
 * The vectors' last target is the platform: the rights that are not over a domain. */
#define BULKHEAD_LABEL_PLATFORM BULKHEAD_LABELS
struct bulkhead_labels {
    uint32_t magic;
    uint32_t count; /* of labels: 1..BULKHEAD_LABELS */
    uint32_t flags; /* BULKHEAD_LABELS_* */
    uint32_t pad;
    uint32_t allowed[BULKHEAD_LABELS][BULKHEAD_LABELS + 1u]; /* [source][target], bits of enum bulkhead_access */
    char label[BULKHEAD_LABELS][BULKHEAD_LABEL_BYTES];       /* contexts, the rest NULs */
    char access[32][BULKHEAD_ACCESS_BYTES];                  /* by bit, for the log: "event:bind" */
};
/* SET_LABELS.  -EEXIST there is a policy, -EINVAL it makes no sense. */
struct bulkhead_label_policy {
    uint64_t labels; /* guest virtual address of a struct bulkhead_labels */
};

#define BULKHEAD_LABELS_PERMISSIVE 0x1u /* denials are counted and logged, and allowed */

#endif
