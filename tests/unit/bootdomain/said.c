/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include <string.h>

#include "text.h"

static char lines[65536];
static size_t used;

void log_line(const char *line)
{
    size_t length = strlen(line);

    assert_true(used + length + 2 < sizeof(lines));
    memcpy(&lines[used], line, length);
    lines[used + length] = '\n';
    used += length + 1;
    lines[used] = '\0';
}

void said_clear(void)
{
    used = 0;
    lines[0] = '\0';
}

const char *said(void)
{
    return lines;
}

void assert_said(const char *line)
{
    char expected[1024];

    strcpy(expected, line);
    strcat(expected, "\n");
    assert_string_equal(lines, expected);
}

void assert_said_nothing(void)
{
    assert_string_equal(lines, "");
}
