/* SPDX-License-Identifier: Apache-2.0 */
/* Why a life of this domain began, and what it has kept: a partition's start, in the words of ARINC 653.
 * [impl->dsn~guest-life~1] */
#ifndef GUEST_LIFE_H
#define GUEST_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum start_condition {
    NORMAL_START = 0,         /* the launch */
    PARTITION_RESTART = 1,    /* it asked for it */
    HM_MODULE_RESTART = 2,    /* the machine was reset: looks like NORMAL_START here */
    HM_PARTITION_RESTART = 3, /* it failed, or somebody with the right to restarted it */
};

enum start_condition start_condition(void);

/* Memory that outlives a restart (shared memory that no other domain sees), at the start of each life.
 * cold: bitmap of 1 + enum bulkhead_event; a life that began because of one of them starts cold, like the first.  Bit 0: a call.
 * A cold start zeroes it.  True: the start is warm, and what the last life wrote is there. */
bool start_is_warm(volatile uint64_t *retained, uint64_t bytes, uint64_t cold);

#endif
