/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as the tests write them: '|' stands for NUL. */
#ifndef TEST_STORE_CLIENT_H
#define TEST_STORE_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store.h"

#define LAUNCH 0u
#define ONE    1u /* domain 1 */
#define TWO    2u
#define THREE  3u

/* Three clients with a home each, which is theirs to change. */
int setup(void **state);

/* The answer must be this; "EACCES" and the like for an error. */
void expect(uint32_t client, uint32_t transaction, uint32_t type, const char *payload, const char *answer);
void expect_error(uint32_t client, uint32_t transaction, uint32_t type, const char *payload, const char *error);

/* A new transaction of the client. */
uint32_t start(uint32_t client);

/* The next event is this one ("path|token|"); NULL: there is none. */
void expect_event(uint32_t client, const char *event);
void no_more_events(uint32_t client);

#endif
