/* SPDX-License-Identifier: Apache-2.0 */
#include "bhctl.h"

#include <string.h>

#include "dump.h"
#include "out.h"
#include "show.h"

static const char *const right_names[BULKHEAD_RIGHT_COUNT] = BULKHEAD_RIGHT_NAMES;

enum argument {
    NONE,
    DOMAIN, /* a domain must be named */
    MAYBE,  /* a domain, or all */
    ABSENT, /* what there is not; meaning says why, and by which rule */
    OTHER,  /* words that `run` looks at */
};

struct verb {
    const char *name;
    enum argument argument;
    enum bulkhead_right right;                               /* what is asked for */
    show_fn *show;                                           /* either this, */
    uint32_t domctl;                                         /* or this domctl, */
    int64_t (*act)(struct bhctl_port *port, uint16_t domid); /* or this, */
    const char *ask;                                         /* or this request to its kernel, */
    enum bhctl_exit (*run)(struct bhctl_port *port, const struct verb *verb, const char *const *words, uint32_t count);
    const char *meaning;
};

static enum bhctl_exit run_dmesg(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                 uint32_t count);
static enum bhctl_exit run_power(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                 uint32_t count);
static enum bhctl_exit run_switch(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                  uint32_t count);
static enum bhctl_exit run_dump(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                uint32_t count);
static enum bhctl_exit run_reserve(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                   uint32_t count);
static enum bhctl_exit run_trace(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                 uint32_t count);
static enum bhctl_exit run_help(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                uint32_t count);
static enum bhctl_exit run_create(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                  uint32_t count);

/* [impl->dsn~bhctl-verbs~1] */
static const struct verb verbs[] = {
    {"list", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_list, .meaning = "[DOMAIN]  the domains that may be seen"},
    {"info", DOMAIN, BULKHEAD_RIGHT_INFO, .show = show_info, .meaning = "DOMAIN  everything about one"},
    {"vcpu-list", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_vcpus, .meaning = "[DOMAIN]  vCPUs and where they run"},
    {"top", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_top, .meaning = "[DOMAIN]  CPU time used since the last `top`"},
    {"mem", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_memory,
     .meaning = "[DOMAIN]  memory in use, limits, page-table pools"},
    {"ports", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_ports, .meaning = "[DOMAIN]  event channels"},
    {"privileges", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_privileges, .meaning = "[DOMAIN]  who holds which right"},
    {"health", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_health,
     .meaning = "[DOMAIN]  restarts, failures; of one domain its last crash"},
    {"labels", MAYBE, BULKHEAD_RIGHT_INFO, .show = show_labels, .meaning = "[DOMAIN]  labels, for the label policy"},
    {"sched", MAYBE, BULKHEAD_RIGHT_SCHEDULE, .show = show_schedule, .meaning = "[DOMAIN]  budgets in rtds pools"},
    {"reserve", OTHER, BULKHEAD_RIGHT_SCHEDULE, .run = run_reserve,
     .meaning = "DOMAIN PERIOD BUDGET [extra]  microseconds for each of its vCPUs in an rtds pool"},
    {"switch", OTHER, BULKHEAD_RIGHT_SCHEDULE, .run = run_switch,
     .meaning = "POOL N  pool's Nth schedule from its next major frame on"},
    {"pause", DOMAIN, BULKHEAD_RIGHT_PAUSE, .domctl = XEN_DOMCTL_pausedomain,
     .meaning = "DOMAIN  it stops where it is"},
    {"unpause", DOMAIN, BULKHEAD_RIGHT_PAUSE, .domctl = XEN_DOMCTL_unpausedomain, .meaning = "DOMAIN  it goes on"},
    {"resume", DOMAIN, BULKHEAD_RIGHT_SUSPEND, .domctl = XEN_DOMCTL_resumedomain,
     .meaning = "DOMAIN  it had suspended itself and goes on"},
    {"restart", DOMAIN, BULKHEAD_RIGHT_RESTART, .act = call_restart, .meaning = "DOMAIN  it starts as it was launched"},
    {"shutdown", DOMAIN, BULKHEAD_RIGHT_DESTROY, .ask = "poweroff",
     .meaning = "DOMAIN  its kernel is asked to power off"},
    {"reboot", DOMAIN, BULKHEAD_RIGHT_DESTROY, .ask = "reboot",
     .meaning = "DOMAIN  its kernel is asked to reboot; `restart` does not ask"},
    {"create", OTHER, BULKHEAD_RIGHT_CREATE, .run = run_create,
     .meaning = BHCTL_CREATE " [--paused]  it is built from its archive, and started"},
    {"destroy", DOMAIN, BULKHEAD_RIGHT_DESTROY, .act = call_destroy, .meaning = "DOMAIN  it ends, its memory is free"},
    {"console", DOMAIN, BULKHEAD_RIGHT_CONSOLE, .act = call_focus,
     .meaning = "DOMAIN  what is typed goes there (CTRL-a three times: on)"},
    {"dump", OTHER, BULKHEAD_RIGHT_MAP_FOREIGN, .run = run_dump,
     .meaning = "DOMAIN FILE  its registers and memory, as an ELF core file"},
    {"dmesg", OTHER, BULKHEAD_RIGHT_CONSOLE, .run = run_dmesg,
     .meaning = "[LINES]  what the console showed last (20; 0 = all)"},
    {"trace", OTHER, BULKHEAD_RIGHT_INFO, .run = run_trace,
     .meaning = "[MS]  what all CPUs do for so long (20): lines for `bulkhead trace`"},
    {"power", OTHER, BULKHEAD_RIGHT_PLATFORM, .run = run_power,
     .meaning = "off|reset [SECONDS]  the machine, when each safe domain has agreed within that time (10)"},
    {"help", OTHER, BULKHEAD_RIGHT_INFO, .run = run_help,
     .meaning = "this list; `--json` behind a verb: tables as JSON"},
    {"suspend", ABSENT, BULKHEAD_RIGHT_SUSPEND,
     .meaning = "a domain suspends only itself; pause stops it [no-request-to-domains]"},
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void say(struct bhctl_port *port, const char *const *texts)
{
    out_text(port, "bhctl: ");
    out_texts(port, texts);
    out_text(port, "\n");
}
#define SAY(port, ...) say(port, (const char *const[]){__VA_ARGS__, NULL})

static enum bhctl_exit run_help(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                uint32_t count)
{
    (void)verb;
    (void)words;
    (void)count;
    for (uint32_t i = 0; i < VERBS; i++) {
        if (verbs[i].argument == ABSENT) {
            continue;
        }
        out_texts(port, (const char *const[]){"  ", verbs[i].name, NULL});
        for (size_t n = strlen(verbs[i].name); n < 12; n++) {
            out_text(port, " ");
        }
        out_texts(port, (const char *const[]){verbs[i].meaning, "\n", NULL});
    }
    return BHCTL_GOOD;
}

/* What was refused and by which rule.
 * [impl->dsn~bhctl-errors~1] */
static enum bhctl_exit refuse(struct bhctl_port *port, const struct verb *verb, const struct bhctl_domain *domain)
{
    const char *right = right_names[verb->right];

    if (domain == NULL) {
        SAY(port, verb->name, " is refused: this domain does not hold the right '", right,
            "' that it needs [right-over-platform]");
    } else if ((domain->identity.flags & BULKHEAD_DOMAIN_SAFE) != 0 &&
               (BULKHEAD_RIGHTS_HARMLESS >> verb->right & 1) == 0) {
        SAY(port, verb->name, " of ", domain->identity.name,
            " is refused: it is a safe domain, and its description gives nobody here the right '", right,
            "' [safe-domain-protected]");
    } else {
        SAY(port, verb->name, " of ", domain->identity.name, " is refused: this domain does not hold the right '",
            right, "' over it [right-over-domain]");
    }
    return BHCTL_REFUSED;
}

static const char *reason_of(const struct verb *verb, int64_t error)
{
    static const struct {
        int64_t error;
        const char *why;
    } reasons[] = {
        {-XEN_EINVAL, "not in the state that it is in, or no such number"},
        {-XEN_EBUSY, "it is busy; try again"},
        {-XEN_ENOSPC, "the shares of a CPU would sum up to more than one [admission]"},
        {-XEN_ENOSYS, "the hypervisor does not know this"},
        {-XEN_EACCES, "the hypervisor has another interface version"},
        {-XEN_EFAULT, "the hypervisor cannot read this program's memory"},
        {-XEN_ESRCH, "it is gone"},
        {-XEN_ENODEV,
         "this domain is not connected to xenstore; its description does not say `enhanced: yes` [no-store]"},
        {-XEN_ENOENT,
         "it is not connected to xenstore, so nobody can ask it; `destroy` ends it, `restart` starts it anew "
         "[no-request-to-domains]"},
        {-XEN_ETIMEDOUT, "its kernel has not taken the request; `destroy` ends it, `restart` starts it anew"},
    };

    if (verb->run == run_dump && error != -XEN_ESRCH) {
        return (error == -XEN_ENODEV)
                   ? "there are no files here; `health` shows the registers of the last crash [no-files]"
                   : NULL;
    }

    if (error == -XEN_ENOSYS && verb->right == BULKHEAD_RIGHT_RESTART) {
        return "its description does not say `restartable: true` [not-restartable]";
    }
    if (error == -XEN_ENOSYS && verb->show == show_labels) {
        return "the description of the system says no `labels:` [no-labels]";
    }
    for (uint32_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].error == error) {
            return reasons[i].why;
        }
    }
    return NULL;
}

static enum bhctl_exit finish(struct bhctl_port *port, const struct verb *verb, const struct bhctl_domain *domain,
                              int64_t result)
{
    const char *why = reason_of(verb, result);

    if (result >= 0) {
        return BHCTL_GOOD;
    }
    if (result == -XEN_EPERM) {
        return refuse(port, verb, domain);
    }
    if (result == -XEN_EACCES && call_enforcing(port) == 1) {
        SAY(port, verb->name, (domain != NULL) ? " of " : "", (domain != NULL) ? domain->identity.name : "",
            " is refused: the label policy does not allow it [label-policy]");
        return BHCTL_REFUSED;
    }
    if (why != NULL) {
        SAY(port, verb->name, " failed: ", why);
        return BHCTL_FAILED;
    }
    out_texts(port, (const char *const[]){"bhctl: ", verb->name, " failed: error ", NULL});
    out_number(port, (uint64_t)-result);
    out_text(port, "\n");
    return BHCTL_FAILED;
}

static const struct verb *find_verb(const char *name)
{
    for (uint32_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static enum bhctl_exit usage(struct bhctl_port *port, const struct verb *verb)
{
    SAY(port, "usage: ", verb->name, " ", verb->meaning);
    return BHCTL_USAGE;
}

/* A decimal number below 1,000,000. */
static bool get_number(const char *word, uint32_t *value)
{
    *value = 0;
    for (; *word >= '0' && *word <= '9' && *value < 100000; word++) {
        *value = *value * 10 + (uint32_t)(*word - '0');
    }
    return *word == '\0';
}

static enum bhctl_exit run_dmesg(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                 uint32_t count)
{
    uint32_t lines = 20;

    if (count > 2 || (count == 2 && !get_number(words[1], &lines))) {
        return usage(port, verb);
    }
    return finish(port, verb, NULL, show_console(port, lines));
}

static enum bhctl_exit run_trace(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                 uint32_t count)
{
    uint32_t milliseconds = 20;

    if (count > 2 || (count == 2 && !get_number(words[1], &milliseconds))) {
        return usage(port, verb);
    }
    return finish(port, verb, NULL, show_trace(port, milliseconds));
}

/* [impl->dsn~bhctl-create~1] */
static enum bhctl_exit run_create(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                  uint32_t count)
{
    const char *names[2] = {NULL, NULL};
    bool paused = false;
    uint32_t used = 0;

    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(words[i], "--paused") == 0) {
            paused = true;
        } else if (words[i][0] == '-' || used == 2) {
            return usage(port, verb);
        } else {
            names[used] = words[i];
            used++;
        }
    }
    if (used == 0) {
        return usage(port, verb);
    }
    if (port->create == NULL) {
        SAY(port, "create is refused: this program has no archives [no-archive]");
        return BHCTL_REFUSED;
    }
    return port->create(port, names[0], names[1], paused);
}

static enum bhctl_exit run_power(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                 uint32_t count)
{
    uint32_t seconds = 10;
    uint32_t action = (count < 2)                        ? 0
                      : (strcmp(words[1], "off") == 0)   ? BULKHEAD_POWER_OFF
                      : (strcmp(words[1], "reset") == 0) ? BULKHEAD_POWER_RESET
                                                         : 0;

    if (action == 0 || count > 3 || (count == 3 && !get_number(words[2], &seconds))) {
        return usage(port, verb);
    }
    return finish(port, verb, NULL, call_power(port, action, seconds));
}

static enum bhctl_exit run_switch(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                  uint32_t count)
{
    uint32_t pool = 0, schedule = 0;

    if (count != 3 || !get_number(words[1], &pool) || !get_number(words[2], &schedule)) {
        return usage(port, verb);
    }
    return finish(port, verb, NULL, call_switch(port, pool, schedule));
}

/* A domain by name; BHCTL_GOOD, or what was said. */
static enum bhctl_exit find_domain(struct bhctl_port *port, const struct verb *verb, const char *name,
                                   struct bhctl_domain *domain)
{
    int64_t result = call_find(port, name, domain);

    if (result == -XEN_ESRCH) {
        SAY(port, "there is no domain '", name, "' that may be seen; 'list' shows them");
        return BHCTL_NOBODY;
    }
    return finish(port, verb, NULL, result);
}

static enum bhctl_exit run_dump(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                uint32_t count)
{
    struct bhctl_domain domain;

    if (count != 3) {
        return usage(port, verb);
    }
    enum bhctl_exit found = find_domain(port, verb, words[1], &domain);
    return (found == BHCTL_GOOD) ? finish(port, verb, &domain, dump_domain(port, &domain, words[2])) : found;
}

static int64_t act(struct bhctl_port *port, const struct verb *verb, const struct bhctl_domain *domain)
{
    if (verb->show != NULL) {
        return verb->show(port, domain);
    }
    if (verb->ask != NULL) {
        return request_end(port, domain, verb->ask);
    }
    if (verb->act != NULL) {
        return verb->act(port, (uint16_t)domain->info.domain);
    }
    return call_domctl(port, verb->domctl, (uint16_t)domain->info.domain);
}

/* [impl->dsn~bhctl-reserve~1] */
static enum bhctl_exit run_reserve(struct bhctl_port *port, const struct verb *verb, const char *const *words,
                                   uint32_t count)
{
    struct xen_domctl_sched_rtds wanted = {.flags = (count == 5) ? XEN_DOMCTL_SCHEDRT_extra : 0};
    struct bhctl_domain domain;

    if (count < 4 || count > 5 || !get_number(words[2], &wanted.period) || !get_number(words[3], &wanted.budget) ||
        (count == 5 && strcmp(words[4], "extra") != 0)) {
        return usage(port, verb);
    }
    enum bhctl_exit found = find_domain(port, verb, words[1], &domain);
    if (found != BHCTL_GOOD) {
        return found;
    }
    int64_t result = call_reserve(port, (uint16_t)domain.info.domain, &wanted);
    if (result == -XEN_ENOSPC) {
        show_overload(port, &domain, &wanted);
    }
    return finish(port, verb, &domain, result);
}

/* A verb about one domain, or all. */
static enum bhctl_exit run_on(struct bhctl_port *port, const struct verb *verb, const char *name)
{
    struct bhctl_domain domain;

    if (name == NULL) {
        return finish(port, verb, NULL, verb->show(port, NULL)); /* MAYBE is for verbs that show */
    }
    enum bhctl_exit found = find_domain(port, verb, name, &domain);
    return (found == BHCTL_GOOD) ? finish(port, verb, &domain, act(port, verb, &domain)) : found;
}

static enum bhctl_exit run_words(struct bhctl_port *port, const char *const *words, uint32_t count)
{
    const struct verb *verb = (count > 0) ? find_verb(words[0]) : NULL;

    if (verb == NULL) {
        SAY(port, (count > 0) ? "there is no verb '" : "a verb is missing", (count > 0) ? words[0] : "",
            (count > 0) ? "'; 'help' lists them" : "; 'help' lists them");
        return BHCTL_USAGE;
    }
    if (verb->argument == ABSENT) {
        SAY(port, verb->name, " is refused: ", verb->meaning);
        return BHCTL_REFUSED;
    }
    if (verb->argument == OTHER) {
        return verb->run(port, verb, words, count);
    }
    if (count > 2 || (verb->argument == DOMAIN && count < 2)) {
        return usage(port, verb);
    }
    return run_on(port, verb, (count > 1) ? words[1] : NULL);
}

/* [impl->dsn~bhctl-json~1] */
enum bhctl_exit bhctl_run(struct bhctl_port *port, uint32_t count, const char *const *words)
{
    const char *kept[BHCTL_WORDS];
    uint32_t used = 0;

    port->json = false;
    for (uint32_t i = 0; i < count && used < BHCTL_WORDS; i++) {
        bool json = strcmp(words[i], "--json") == 0;
        kept[used] = words[i];
        used += json ? 0 : 1;
        port->json = port->json || json;
    }
    return run_words(port, kept, used);
}

enum bhctl_exit bhctl_run_line(struct bhctl_port *port, char *line)
{
    const char *words[BHCTL_WORDS];
    uint32_t count = 0;

    for (char *at = line; *at != '\0' && count < BHCTL_WORDS; at++) {
        if (*at == ' ' || *at == '\t') {
            *at = '\0';
        } else if (at == line || at[-1] == '\0') {
            words[count] = at;
            count++;
        }
    }
    return (count > 0) ? bhctl_run(port, count, words) : BHCTL_GOOD;
}
