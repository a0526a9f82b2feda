// SPDX-License-Identifier: Apache-2.0
/* The keys below `grants`. */
#include "system.h"

#include "key_rows.h"

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
const struct key_table grant_keys = KEY_TABLE_AT(grant_key_rows, grant);
