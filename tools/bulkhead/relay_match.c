// SPDX-License-Identifier: Apache-2.0
/* The parts of the relay that need no process. */
#include <string.h>

#include "relay.h"

#define CTRL_A 1

bool relay_escape_feed(struct relay_escape *e, unsigned char byte)
{
    if (byte == CTRL_A) {
        e->presses = e->presses == 2 ? 0 : e->presses + 1;
        return false;
    }
    bool leave = e->presses == 1 && (byte == 'x' || byte == 'X');
    e->presses = 0;
    return leave;
}

static bool search(const regex_t *pattern, const char *line)
{
    return regexec(pattern, line, 0, NULL, 0) == 0;
}

static enum relay_found search_line(struct relay_match *m)
{
    bool all = m->options->until_count > 0;

    m->line[m->length] = '\0';
    for (unsigned i = 0; i < m->options->fail_count; i++) {
        if (search(&m->options->fail[i], m->line)) {
            return RELAY_FAIL_SEEN;
        }
    }
    for (unsigned i = 0; i < m->options->until_count; i++) {
        m->seen[i] = m->seen[i] || search(&m->options->until[i], m->line);
        all = all && m->seen[i];
    }
    return all ? RELAY_ALL_SEEN : RELAY_NOTHING;
}

enum relay_found relay_match_feed(struct relay_match *m, const char *data, size_t size)
{
    enum relay_found found = RELAY_NOTHING;

    for (size_t i = 0; i < size && found == RELAY_NOTHING; i++) {
        if (data[i] == '\n' || m->length + 1 == sizeof(m->line)) {
            found = search_line(m);
            m->length = 0;
        }
        if (data[i] != '\n' && data[i] != '\r' && data[i] != '\0') {
            m->line[m->length++] = data[i];
        }
    }
    return found == RELAY_NOTHING && m->length > 0 ? search_line(m) : found;
}
