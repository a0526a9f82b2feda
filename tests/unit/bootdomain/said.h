/* SPDX-License-Identifier: Apache-2.0 */
/* What the code under test says, instead of a console. */
#ifndef TEST_SAID_H
#define TEST_SAID_H

#include <stddef.h>

/* Forget everything said so far. */
void said_clear(void);

/* All lines said, each ended by a newline. */
const char *said(void);

/* Fail the test unless exactly this was said: one line, without its newline. */
void assert_said(const char *line);
void assert_said_nothing(void);

/* Headers that cmocka.h wants before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#endif
