/* SPDX-License-Identifier: Apache-2.0 */
/* A child process whose console is carried to the terminal, a log and a set of patterns. */
#ifndef TOOL_RELAY_H
#define TOOL_RELAY_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

#define RELAY_MAX_PATTERNS 16u
#define RELAY_LINE_BYTES   4096u

struct relay_options {
    regex_t until[RELAY_MAX_PATTERNS]; /* all of them must be seen, in any order */
    unsigned until_count;
    regex_t fail[RELAY_MAX_PATTERNS]; /* one of them is enough */
    unsigned fail_count;
    double timeout;  /* seconds, 0 = none */
    bool use_input;  /* carry standard input to the child */
    bool use_escape; /* Ctrl-A x in the input leaves */
    bool use_output; /* carry the console to standard output */
    FILE *log;       /* or NULL */
};

enum relay_end {
    RELAY_SEEN,   /* every `until` was seen; the child was ended */
    RELAY_FAILED, /* a `fail` was seen */
    RELAY_TIMEOUT,
    RELAY_LEFT,   /* Ctrl-A x */
    RELAY_SIGNAL, /* SIGINT, SIGTERM or SIGHUP came, or nobody reads (SIGPIPE): *status is 128 + number */
    RELAY_EXITED, /* the child ended by itself: *status is its exit code, 128 + n for a signal */
    RELAY_ERROR,  /* it could not be started; a message was printed */
};

/* Run the command (NULL-terminated) to its end. The child never outlives this call, nor this process.
 * [impl->dsn~tool-run~1] */
enum relay_end relay_run(const char *const *command, struct relay_options *options, int *status);

/* What Ctrl-A x means, kept apart from terminals: feed each typed byte; true when the person wants to leave. Ctrl-A
 * three times in a row belongs to the hypervisor, so an x behind it is an x. */
struct relay_escape {
    unsigned presses;
};
bool relay_escape_feed(struct relay_escape *e, unsigned char byte);

/* Patterns against a stream: lines and the unfinished line at the end are searched. */
struct relay_match {
    struct relay_options *options;
    bool seen[RELAY_MAX_PATTERNS];
    char line[RELAY_LINE_BYTES];
    size_t length;
};
enum relay_found {
    RELAY_NOTHING,
    RELAY_ALL_SEEN,
    RELAY_FAIL_SEEN,
};
enum relay_found relay_match_feed(struct relay_match *m, const char *data, size_t size);

#endif
