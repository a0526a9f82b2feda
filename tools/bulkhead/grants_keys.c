// SPDX-License-Identifier: Apache-2.0
/* The keys below `grants`. */
#include "system.h"

#define KEYS(array)             .keys = (array), .count = sizeof(array) / sizeof((array)[0])
#define FIELD(structure, field) .offset = offsetof(struct structure, field)

static const struct key grant_key_rows[] = {
    {.name = "to",
     .kind = KEY_TEXT,
     FIELD(grant, to),
     .required = true,
     .meaning = "The domain that gets the rights.",
     .example = "to: watch"},
    {.name = "rights",
     .kind = KEY_TEXTS,
     FIELD(grant, rights),
     .required = true,
     .meaning =
         "Over a domain: `destroy`, `pause`, `restart`, `map-foreign`, `device-model`, `assign-device`, `schedule`, "
         "`suspend`, `console`, `clone`, `info`. Over the platform: `create`, `platform` (power), `schedule`, "
         "`console`, `label`, `measurement`, `info`.",
     .example = "rights: [info, pause]"},
};
const struct key_table grant_keys = {KEYS(grant_key_rows), .size = sizeof(struct grant),
                                     .at_offset = offsetof(struct grant, at)};
