/* SPDX-License-Identifier: Apache-2.0 */
/* For third-party sources that include <stdlib.h> only by habit.  There is no heap. */
#ifndef GUEST_LIBC_STDLIB_H
#define GUEST_LIBC_STDLIB_H

#include <stddef.h>

unsigned long strtoul(const char *s, char **end, int base);

#endif
