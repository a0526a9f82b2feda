// SPDX-License-Identifier: Apache-2.0
/* The keys of channels and shared memory. */
#include "system.h"

#include <assert.h>
#include <bulkhead/launch.h>

#include "key_rows.h"

static const struct key end_key_rows[] = {
    {.name = "domain",
     .kind = KEY_TEXT,
     FIELD(channel_end, domain),
     .required = true,
     .meaning = "The domain that has this end.",
     .example = "domain: brake"},
    {.name = "port",
     .kind = KEY_NUMBER,
     FIELD(channel_end, port),
     .min = 1,
     .max = LAUNCH_MAX_PORT,
     .required = true,
     .meaning = "Event channel port of this end: the number by which the domain sends and receives. Low numbers cost "
                "less memory.",
     .example = "port: 1"},
    {.name = "min-interval",
     .kind = KEY_TIME,
     FIELD(channel_end, min_interval),
     .max = LAUNCH_MIN_INTERVAL_MAX,
     .fallback = "no limit; must be given for events from an unsafe to a safe domain",
     .meaning = "Shortest time between two events that arrive at this end. What comes sooner is counted, and delivered "
                "when the time is over.",
     .example = "min-interval: 1 ms"},
};
static const struct key_table end_keys = KEY_TABLE_AT(end_key_rows, channel_end);

static const struct key channel_key_rows[] = {
    {.name = "ends",
     .kind = KEY_MAPS,
     FIELD(channel, ends),
     .inner = &end_keys,
     .required = true,
     .meaning = "The two ends.",
     .example = "ends: [{ domain: a, port: 1 }, { domain: b, port: 1 }]"},
};
const struct key_table channel_keys = KEY_TABLE_AT(channel_key_rows, channel);

static const struct key use_key_rows[] = {
    {.name = "domain",
     .kind = KEY_TEXT,
     FIELD(share_use, domain),
     .required = true,
     .meaning = "A domain that sees the memory.",
     .example = "domain: brake"},
    {.name = "address",
     .kind = KEY_NUMBER,
     FIELD(share_use, address),
     .max = LAUNCH_GUEST_SPACE - 4096,
     .required = true,
     .meaning = "Guest-physical address at which the domain sees it, a multiple of 4 KiB outside its RAM and devices.",
     .example = "address: 0x20000000"},
    {.name = "read-only",
     .kind = KEY_FLAG,
     FIELD(share_use, read_only),
     .fallback = "false",
     .meaning = "The domain may not write it.",
     .example = "read-only: true"},
};
static const struct key_table use_keys = KEY_TABLE_AT(use_key_rows, share_use);

static const struct key share_key_rows[] = {
    {.name = "size",
     .kind = KEY_SIZE,
     FIELD(share, size),
     .min = 4096,
     .max = ADDRESS_MAX,
     .required = true,
     .meaning = "Length, a multiple of 4 KiB.",
     .example = "size: 64 KiB"},
    {.name = "base",
     .kind = KEY_NUMBER,
     FIELD(share, base),
     .max = ADDRESS_MAX,
     .fallback = "where there is room",
     .meaning = "Physical address, a multiple of 4 KiB; needed for direct-mapped domains only.",
     .example = "base: 0x90000000"},
    {.name = "owner",
     .kind = KEY_TEXT,
     FIELD(share, owner),
     .fallback = "nobody in particular",
     .meaning =
         "The domain that is called owner, the others borrowers, in the launch tree. It changes nothing else: no "
         "domain's end takes the memory from the others.",
     .example = "owner: brake"},
    {.name = "domains",
     .kind = KEY_MAPS,
     FIELD(share, domains),
     .inner = &use_keys,
     .required = true,
     .meaning = "Who sees the memory, and where.",
     .example = "domains: [{ domain: a, address: 0x20000000 }, { domain: b, address: 0x20000000 }]"},
};
const struct key_table share_keys = KEY_TABLE_AT(share_key_rows, share);

static_assert(offsetof(struct channel, name) == 0 && offsetof(struct share, name) == 0,
              "KEY_NAMED stores the name first");
