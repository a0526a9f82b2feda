/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_UTF8_H
#define TOOL_UTF8_H

#include <stddef.h>

/* Bytes of the character beyond ASCII at p, of which `left` bytes may be read; 0 when it is no UTF-8, a control
 * character, or one that YAML does not allow in text. */
size_t utf8_printable(const unsigned char *p, size_t left);

#endif
