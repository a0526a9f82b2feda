/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLSTACK_STORE_H
#define TOOLSTACK_STORE_H

#include <stdint.h>

/* One request, as struct bhctl_host has it; waits for the answer, ten seconds at most. */
int64_t store_request(uint32_t type, const char *payload, uint32_t bytes, char *answer, uint32_t room);

#endif
