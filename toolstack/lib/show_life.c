/* SPDX-License-Identifier: Apache-2.0 */
/* Time and failures: health, sched, top, dmesg. */
#include "show.h"

#define MILLION  UINT64_C(1000000)
#define HUNDREDS UINT64_C(100000) /* thousandths of a per cent */

/* ---- health ---- */

static const char *const events[BULKHEAD_EVENT_COUNT] = {"poweroff", "reboot",       "crash",   "watchdog",   "access",
                                                         "illegal",  "double-fault", "overrun", "peripheral", "storm"};

static const char *event_name(uint32_t event)
{
    return (event < BULKHEAD_EVENT_COUNT) ? events[event] : "?";
}

/* What the present life began after. */
static const char *cause(const struct bulkhead_life *life)
{
    if (life->restarts == 0) {
        return "-";
    }
    return (life->cause == 0) ? "call" : event_name(life->cause - 1u);
}

static int64_t health_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    struct bulkhead_life life = {.domid = (uint16_t)domain->info.domain};
    int64_t result = call_life(port, &life);

    if (result != 0) {
        return result;
    }
    table_text(table, domain->identity.name);
    table_number(table, life.restarts);
    table_thousandths(table, life.took / 1000);
    for (uint32_t i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        table_number(table, life.events[i]);
    }
    table_text(table, cause(&life));
    table_text(table, (life.crashes == 0) ? "-" : event_name(life.crash.event));
    return 0;
}

static void show_register(struct bhctl_port *port, const char *name, uint64_t value)
{
    out_texts(port, (const char *const[]){"  ", name, " ", NULL});
    out_hex(port, value);
}

/* [impl->dsn~bhctl-health~2] */
static void show_crash(struct bhctl_port *port, const struct bulkhead_life *life)
{
    const struct bulkhead_crash *crash = &life->crash;

    out_texts(port, (const char *const[]){"last crash: ", event_name(crash->event), " on vCPU ", NULL});
    out_number(port, crash->vcpu);
    out_text(port, " after ");
    out_number(port, crash->time / MILLION);
    out_text(port, " ms of its life\n");
    show_register(port, "pc      ", crash->pc);
    show_register(port, "pstate  ", crash->pstate);
    show_register(port, "sp_el1  ", crash->sp_el1);
    out_text(port, "\n");
    show_register(port, "esr_el1 ", crash->esr_el1);
    show_register(port, "far_el1 ", crash->far_el1);
    show_register(port, "elr_el1 ", crash->elr_el1);
    for (uint32_t i = 0; i < 31; i++) {
        out_text(port, (i % 3 == 0) ? "\n  x" : "  x");
        out_number(port, i);
        out_text(port, (i < 10) ? "       " : "      ");
        out_hex(port, crash->x[i]);
    }
    out_texts(port, (const char *const[]){"\nits last lines:\n", crash->console, "\n", NULL});
}

int64_t show_health(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {
        {"Name", "name", 24},          {"Restarts", "restarts", 9}, {"Took(ms)", "took_ms", 10},
        {"Off", "poweroff", 4},        {"Reboot", "reboot", 7},     {"Crash", "crash", 6},
        {"Watchdog", "watchdog", 9},   {"Access", "access", 7},     {"Illegal", "illegal", 8},
        {"Double", "double_fault", 7}, {"Overrun", "overrun", 8},   {"Periph", "peripheral", 7},
        {"Storm", "storm", 6},         {"Cause", "cause", 13},      {"Last", "last", 12}};
    struct bulkhead_life life = {0};
    struct table table;

    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    int64_t result = show_each(port, domain, &table, health_step);
    table_end(&table);
    if (result == 0 && domain != NULL && !port->json) {
        life.domid = (uint16_t)domain->info.domain;
        result = call_life(port, &life);
        if (result == 0 && life.crashes > 0) {
            show_crash(port, &life);
        }
    }
    return result;
}

/* ---- sched ---- */

static int64_t schedule_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    struct xen_domctl_sched_rtds rtds;
    int64_t result = call_schedule(port, (uint16_t)domain->info.domain, &rtds);

    if (result == 0) {
        table_text(table, domain->identity.name);
        table_number(table, rtds.period);
        table_number(table, rtds.budget);
        table_text(table, ((rtds.flags & 1) != 0) ? "yes" : "no");
    }
    return result;
}

/* Of all: without those that are not to be asked about. */
static int64_t schedule_if_held(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    int64_t result = schedule_step(port, table, domain);

    return (result == -XEN_EPERM) ? 0 : result;
}

int64_t show_schedule(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {
        {"Name", "name", 24}, {"Period(us)", "period_us", 11}, {"Budget(us)", "budget_us", 11}, {"Extra", "extra", 6}};
    struct table table;

    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    int64_t result = show_each(port, domain, &table, (domain == NULL) ? schedule_if_held : schedule_step);
    table_end(&table);
    return result;
}

/* ---- top ---- */

static int64_t top_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    uint64_t *before = &port->seen[domain->info.domain % BHCTL_DOMAINS];
    uint64_t used = domain->info.cpu_time - ((domain->info.cpu_time < *before) ? 0 : *before);
    char state[SHOW_STATE];

    *before = domain->info.cpu_time;
    table_text(table, domain->identity.name);
    table_text(table, show_state(domain, state));
    table_thousandths(table, domain->info.cpu_time / MILLION);
    table_thousandths(table, (port->interval == 0) ? 0 : used / 1000 * HUNDREDS / (port->interval / 1000 + 1));
    return 0;
}

int64_t show_top(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {
        {"Name", "name", 24}, {"State", "state", 8}, {"Time(s)", "seconds", 11}, {"CPU(%)", "percent", 8}};
    uint64_t now = port->now(port);
    struct table table;

    port->interval = now - port->shown;
    port->shown = now;
    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    int64_t result = show_each(port, domain, &table, top_step);
    table_end(&table);
    return result;
}

/* ---- dmesg ---- */

int64_t show_console(struct bhctl_port *port, uint32_t lines)
{
    uint32_t at, bytes;
    int64_t result = call_console(port, &at, &bytes);
    uint32_t end = at + bytes;
    uint32_t from = end;

    for (uint32_t seen = 0; from > at; from--) {
        seen += (port->buffer[from - 1] == '\n') ? 1 : 0;
        if (lines != 0 && seen > lines) {
            break;
        }
    }
    for (uint32_t i = from; i < end; i++) {
        if (port->buffer[i] != '\r') {
            port->write(port, &port->buffer[i], 1);
        }
    }
    return result;
}
