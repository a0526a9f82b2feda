// SPDX-License-Identifier: Apache-2.0
/* The keys below `pools`. */
#include "pools.h"

#include "key_rows.h"

static const char *const policy_choices[] = {"share", "null", "arinc653", "rtds", NULL};
static const char *const idle_choices[] = {"keep", "lend", NULL};

static const struct key window_key_rows[] = {
    {.name = "domain",
     .kind = KEY_TEXT,
     FIELD(window, domain),
     .required = true,
     .meaning = "Whose window it is: a domain of this pool. A domain may have several windows.",
     .example = "domain: brake"},
    {.name = "start",
     .kind = KEY_TIME,
     FIELD(window, start),
     .required = true,
     .meaning = "When the window starts, from the start of the major frame.",
     .example = "start: 2 ms"},
    {.name = "length",
     .kind = KEY_TIME,
     FIELD(window, length),
     .min = 1,
     .required = true,
     .meaning = "How long the window is; the guard time is part of it.",
     .example = "length: 500 us"},
};
static const struct key_table window_keys = KEY_TABLE_AT(window_key_rows, window);

#define FRAME_KEY                                                                                                      \
    .name = "major-frame", .kind = KEY_TIME, .min = 1, .max = UINT64_C(1000000000000),                                 \
    .meaning = "arinc653: the schedule repeats after this time. Frames are counted from the moment when the system "   \
               "counter was 0, so that pools with equal frames are aligned.",                                          \
    .example = "major-frame: 10 ms"
#define WINDOWS_KEY                                                                                                    \
    .name = "windows", .kind = KEY_MAPS, .inner = &window_keys,                                                        \
    .meaning = "arinc653: who runs when, on all CPUs of the pool at once. Windows do not overlap; what they leave is " \
               "nobody's time.",                                                                                       \
    .example = "windows: [{ domain: brake, start: 0 ms, length: 2 ms }]"

static const struct key schedule_key_rows[] = {
    {FRAME_KEY, FIELD(schedule, major_frame), .required = true},
    {WINDOWS_KEY, FIELD(schedule, windows), .required = true},
};
static const struct key_table schedule_keys = KEY_TABLE(schedule_key_rows, schedule);

static const struct key pool_key_rows[] = {
    {.name = "cpus",
     .kind = KEY_NUMBERS,
     FIELD(pool, cpus),
     .max = BOARD_MAX_CPUS - 1,
     .required = true,
     .meaning = "Physical CPUs of the pool. A CPU is in one pool at most, and only domains of the pool run on it.",
     .example = "cpus: [2, 3]"},
    {.name = "policy",
     .kind = KEY_CHOICE,
     FIELD(pool, policy),
     .choices = policy_choices,
     .fallback = "share",
     .meaning =
         "How the pool's domains share its CPUs. `null`: each vCPU has a CPU alone. `arinc653`: fixed windows in a "
         "repeated major frame. `rtds`: a budget in every period, earliest deadline first. `share`: round robin.",
     .example = "policy: arinc653"},
    {FRAME_KEY, FIELD(pool, main.major_frame), .fallback = "none"},
    {WINDOWS_KEY, FIELD(pool, main.windows), .fallback = "none"},
    {.name = "guard",
     .kind = KEY_TIME,
     FIELD(pool, guard),
     .max = 1000000,
     .fallback = "20 us",
     .meaning = "arinc653: who runs is stopped so long before its window ends, so that the next window starts on time.",
     .example = "guard: 50 us"},
    {.name = "idle",
     .kind = KEY_CHOICE,
     FIELD(pool, idle),
     .choices = idle_choices,
     .fallback = "keep",
     .meaning =
         "arinc653: `lend` gives nobody's time to the domains of the pool that have no window; they must not be safe.",
     .example = "idle: lend"},
    {.name = "schedules",
     .kind = KEY_NAMED,
     FIELD(pool, schedules),
     .inner = &schedule_keys,
     .fallback = "none",
     .meaning =
         "arinc653: up to three further schedules by name. The pool starts with its own `major-frame` and `windows`; "
         "the Control Domain can switch to another one, which begins with a major frame.",
     .example =
         "schedules: { landing: { major-frame: 5 ms, windows: [{ domain: brake, start: 0 ms, length: 5 ms }] } }"},
};
const struct key_table pool_keys = KEY_TABLE(pool_key_rows, pool);
