// SPDX-License-Identifier: Apache-2.0
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define GRACE_SECONDS 3.0
#define CHUNK         16384

struct relay {
    struct relay_options *options;
    struct relay_match match;
    struct relay_escape escape;
    pid_t child;
    int to_child;
    int from_child;
    int errors; /* the child's standard error */
    int signals;
    int signal; /* that ended the run */
    double deadline;
    char typed[CHUNK]; /* read from the terminal, not yet taken by the child */
    size_t typed_size;
    bool input_ended;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void become_child(const char *const *command, const int fds[3], pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(fds[0], 0) < 0 || dup2(fds[1], 1) < 0 || dup2(fds[2], 2) < 0) {
        _exit(126);
    }
    setpgid(0, 0); /* Ctrl-C in a cooked terminal is ours to handle */
    execvp(command[0], (char *const *)(uintptr_t)command);
    fprintf(stderr, "bulkhead: %s cannot be started (%s); install it, or run `make setup`\n", command[0],
            strerror(errno));
    _exit(127);
}

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

static bool start(struct relay *r, const char *const *command)
{
    int pipes[3][2]; /* the child's standard input, output, error */
    pid_t parent = getpid();

    for (unsigned i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0) {
            for (unsigned j = 0; j < i; j++) {
                close_pair(pipes[j]);
            }
            return false;
        }
    }
    fflush(NULL);
    r->child = fork();
    if (r->child == 0) {
        const int fds[] = {pipes[0][0], pipes[1][1], pipes[2][1]};
        become_child(command, fds, parent);
    }
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    r->to_child = pipes[0][1];
    r->from_child = pipes[1][0];
    r->errors = pipes[2][0];
    fcntl(r->to_child, F_SETFL, O_NONBLOCK);
    return r->child > 0;
}

/* False when nobody reads any more. */
static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return false;
        }
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return true;
}

static enum relay_found take_output(struct relay *r, bool *ended)
{
    char data[CHUNK];
    ssize_t n = read(r->from_child, data, sizeof(data));

    *ended = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
    if (n <= 0) {
        return RELAY_NOTHING;
    }
    if (r->options->use_output && !write_all(1, data, (size_t)n)) {
        r->signal = SIGPIPE;
    }
    if (r->options->log != NULL) {
        fwrite(data, 1, (size_t)n, r->options->log);
        fflush(r->options->log);
    }
    return relay_match_feed(&r->match, data, (size_t)n);
}

/* True when the person wants to leave. */
static bool take_input(struct relay *r)
{
    ssize_t n = read(0, r->typed, sizeof(r->typed));

    if (n <= 0) {
        r->input_ended = n == 0 || errno != EINTR;
        return false;
    }
    r->typed_size = (size_t)n;
    for (ssize_t i = 0; i < n && r->options->use_escape; i++) {
        if (relay_escape_feed(&r->escape, (unsigned char)r->typed[i])) {
            return true;
        }
    }
    return false;
}

static void give_input(struct relay *r)
{
    ssize_t n = write(r->to_child, r->typed, r->typed_size);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    size_t taken = n < 0 ? r->typed_size : (size_t)n;
    memmove(r->typed, r->typed + taken, r->typed_size - taken);
    r->typed_size -= taken;
}

/* Consume the signal, or it would strike when it is unblocked again. */
static bool take_signal(struct relay *r)
{
    struct signalfd_siginfo info;

    if (read(r->signals, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return false;
    }
    r->signal = (int)info.ssi_signo;
    return true;
}

static int poll_timeout(const struct relay *r)
{
    if (r->deadline == 0) {
        return -1;
    }
    double left = r->deadline - now();
    return left <= 0 ? 0 : left > 1e6 ? -1 : (int)(left * 1000) + 1;
}

/* QEMU's own messages; those about our ending it are never read. */
static void take_errors(struct relay *r)
{
    char data[CHUNK];
    ssize_t n = read(r->errors, data, sizeof(data));

    if (n > 0) {
        (void)write_all(2, data, (size_t)n);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        close(r->errors);
        r->errors = -1;
    }
}

/* Carry bytes until something ends it. */
static enum relay_end carry(struct relay *r)
{
    for (;;) {
        bool wants_input = r->options->use_input && !r->input_ended && r->typed_size == 0;
        struct pollfd fds[] = {
            {.fd = r->from_child, .events = POLLIN},
            {.fd = wants_input ? 0 : -1, .events = POLLIN},
            {.fd = r->typed_size > 0 ? r->to_child : -1, .events = POLLOUT},
            {.fd = r->signals, .events = POLLIN},
            {.fd = r->errors, .events = POLLIN},
        };
        bool ended = false;

        if (poll(fds, 5, poll_timeout(r)) < 0 && errno != EINTR) {
            return RELAY_ERROR;
        }
        if (fds[4].revents != 0) {
            take_errors(r);
        }
        if (fds[0].revents != 0) {
            enum relay_found found = take_output(r, &ended);
            if (found != RELAY_NOTHING || ended) {
                return found == RELAY_ALL_SEEN ? RELAY_SEEN : found == RELAY_FAIL_SEEN ? RELAY_FAILED : RELAY_EXITED;
            }
            if (r->signal != 0) {
                return RELAY_SIGNAL;
            }
        }
        if (fds[3].revents != 0 && take_signal(r)) {
            return RELAY_SIGNAL;
        }
        if (fds[1].revents != 0 && take_input(r)) {
            return RELAY_LEFT;
        }
        if (fds[2].revents != 0) {
            give_input(r);
        }
        if (r->deadline != 0 && now() >= r->deadline) {
            return RELAY_TIMEOUT;
        }
    }
}

/* Wait until the child is gone or the time is over; true when it is gone. */
static bool wait_for(struct relay *r, double seconds, int *status)
{
    double end = now() + seconds;
    struct timespec pause = {.tv_nsec = 5000000};

    for (;;) {
        pid_t got = waitpid(r->child, status, WNOHANG);
        if (got == r->child || (got < 0 && errno == ECHILD)) {
            return true;
        }
        if (now() >= end) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
}

static int end_child(struct relay *r, bool by_itself)
{
    int status = 0;

    close(r->to_child);
    if (!by_itself) {
        kill(r->child, SIGTERM);
    }
    if (!wait_for(r, GRACE_SECONDS, &status)) {
        kill(r->child, SIGKILL);
        waitpid(r->child, &status, 0);
    }
    while (by_itself && r->errors >= 0) {
        take_errors(r);
    }
    if (r->errors >= 0) {
        close(r->errors);
    }
    close(r->from_child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool make_raw(struct termios *saved)
{
    struct termios raw;

    if (!isatty(0) || tcgetattr(0, saved) != 0) {
        return false;
    }
    raw = *saved;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST; /* bare line feeds of our own messages stay readable */
    return tcsetattr(0, TCSANOW, &raw) == 0;
}

static int watch_signals(sigset_t *old)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, old);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum relay_end relay_run(const char *const *command, struct relay_options *options, int *status)
{
    struct relay r = {.options = options, .match = {.options = options}};
    struct termios saved;
    sigset_t old;

    r.signals = watch_signals(&old);
    r.deadline = options->timeout > 0 ? now() + options->timeout : 0;
    if (!start(&r, command)) {
        fprintf(stderr, "bulkhead: no process can be started (%s)\n", strerror(errno));
        return RELAY_ERROR;
    }
    bool is_raw = options->use_input && make_raw(&saved);
    enum relay_end end = carry(&r);
    *status = end_child(&r, end == RELAY_EXITED);
    *status = end == RELAY_SIGNAL ? 128 + r.signal : *status;
    if (is_raw) {
        tcsetattr(0, TCSANOW, &saved);
    }
    close(r.signals);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return end;
}
