/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include "out.h"

#define PAGES_PER_MIB 256u
#define MILLION       UINT64_C(1000000)
#define PORTS         1024u /* of a domain, that are looked at */

static const char *const roles[] = {"domu", "hardware", "control"};

/* ---- one line for each domain ---- */

const char *show_state(const struct bhctl_domain *domain, char text[SHOW_STATE])
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {{XEN_DOMINF_running, 'r'},
                   {XEN_DOMINF_blocked, 'b'},
                   {XEN_DOMINF_paused, 'p'},
                   {XEN_DOMINF_shutdown, 's'},
                   {0, 'c'},
                   {XEN_DOMINF_dying, 'd'}};
    bool still = (domain->info.flags & (XEN_DOMINF_paused | XEN_DOMINF_shutdown | XEN_DOMINF_dying)) != 0;
    uint32_t flags = domain->info.flags & ~(still ? XEN_DOMINF_running | XEN_DOMINF_blocked : 0);
    uint32_t reason = (flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;

    for (uint32_t i = 0; i < 6; i++) {
        bool crashed = letters[i].flag == 0 && (flags & XEN_DOMINF_shutdown) != 0 && reason == 3;
        text[i] = (crashed || (flags & letters[i].flag) != 0) ? letters[i].letter : '-';
    }
    text[6] = '\0';
    return text;
}

static const char *role_of(const struct bhctl_domain *domain)
{
    return (domain->identity.role < 3) ? roles[domain->identity.role] : "?";
}

static const char *safety_of(const struct bhctl_domain *domain)
{
    return ((domain->identity.flags & BULKHEAD_DOMAIN_SAFE) != 0) ? "safe" : "-";
}

static int64_t list_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    char state[SHOW_STATE];

    (void)port;
    table_text(table, domain->identity.name);
    table_number(table, domain->info.domain);
    table_number(table, (domain->info.tot_pages + PAGES_PER_MIB / 2) / PAGES_PER_MIB);
    table_number(table, domain->info.max_vcpu_id + 1u);
    table_text(table, show_state(domain, state));
    table_thousandths(table, domain->info.cpu_time / MILLION);
    table_text(table, role_of(domain));
    table_text(table, safety_of(domain));
    return 0;
}

int64_t show_each(struct bhctl_port *port, const struct bhctl_domain *domain, struct table *table, show_step *one)
{
    struct bhctl_domain at;
    int64_t result = 0;

    if (domain != NULL) {
        return one(port, table, domain);
    }
    for (uint32_t domid = 1; result == 0; domid = at.info.domain + 1u) {
        result = call_domain_from(port, domid, &at);
        if (result == 0) {
            result = one(port, table, &at);
        } else if (result == -XEN_ESRCH) {
            return 0;
        }
    }
    return result;
}

int64_t show_list(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {{"Name", "name", 24},  {"ID", "id", 5},        {"Mem", "mib", 6},
                                            {"VCPUs", "vcpus", 6}, {"State", "state", 8},  {"Time(s)", "seconds", 11},
                                            {"Role", "role", 9},   {"Safety", "safety", 6}};
    struct table table;

    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    int64_t result = show_each(port, domain, &table, list_step);
    table_end(&table);
    return result;
}

int64_t show_info(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    int64_t result = show_list(port, domain);

    result = (result == 0) ? show_vcpus(port, domain) : result;
    result = (result == 0) ? show_memory(port, domain) : result;
    return (result == 0) ? show_privileges(port, domain) : result;
}

/* ---- vCPUs ---- */

static int64_t vcpus_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    int64_t result = 0;

    for (uint32_t i = 0; i <= domain->info.max_vcpu_id && result == 0; i++) {
        struct xen_domctl_getvcpuinfo vcpu;
        result = call_vcpu(port, (uint16_t)domain->info.domain, i, &vcpu);
        if (result == 0) {
            table_text(table, domain->identity.name);
            table_number(table, domain->info.domain);
            table_number(table, i);
            table_number(table, vcpu.cpu);
            table_text(table, (vcpu.online == 0)    ? "off"
                              : (vcpu.running != 0) ? "running"
                              : (vcpu.blocked != 0) ? "idle"
                                                    : "ready");
            table_thousandths(table, vcpu.cpu_time / MILLION);
        }
    }
    return result;
}

int64_t show_vcpus(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {{"Name", "name", 24}, {"ID", "id", 5},       {"VCPU", "vcpu", 5},
                                            {"CPU", "cpu", 4},    {"State", "state", 8}, {"Time(s)", "seconds", 8}};
    struct table table;

    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    int64_t result = show_each(port, domain, &table, vcpus_step);
    table_end(&table);
    return result;
}

/* ---- memory ---- */

static int64_t memory_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    uint64_t pool = 0;
    int64_t result = call_pool(port, (uint16_t)domain->info.domain, &pool);

    if (result == 0) {
        table_text(table, domain->identity.name);
        table_number(table, domain->info.domain);
        table_number(table, domain->info.tot_pages * 4);
        table_number(table, domain->info.max_pages * 4);
        table_number(table, pool / 1024);
    }
    return result;
}

int64_t show_memory(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {
        {"Name", "name", 24}, {"ID", "id", 5}, {"KiB", "kib", 9}, {"Limit", "limit_kib", 9}, {"Pool", "pool_kib", 8}};
    struct xen_sysctl_physinfo info = {0};
    struct table table;
    int64_t result = 0;

    if (domain == NULL && !port->json) {
        result = call_physinfo(port, &info);
        if (result != 0) {
            return result;
        }
        out_number(port, info.nr_cpus);
        out_text(port, " CPUs, ");
        out_number(port, info.total_pages / PAGES_PER_MIB);
        out_text(port, " MiB of RAM, ");
        out_number(port, info.free_pages / PAGES_PER_MIB);
        out_text(port, " MiB free\n");
    }
    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    result = show_each(port, domain, &table, memory_step);
    table_end(&table);
    return result;
}

/* ---- event channels ---- */

static int64_t ports_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    static const char *const kinds[] = {"closed", "unbound", "interdomain", "pirq", "virq", "ipi"};

    for (uint32_t i = 1; i < PORTS; i++) {
        struct evtchn_status status = {.dom = (uint16_t)domain->info.domain, .port = i};
        int64_t result = call_port(port, &status);
        if (result == -XEN_EINVAL) {
            return 0; /* no further port */
        }
        if (result != 0) {
            return result;
        }
        if (status.status != EVTCHNSTAT_closed) {
            table_text(table, domain->identity.name);
            table_number(table, i);
            table_text(table, (status.status < 6) ? kinds[status.status] : "?");
            table_number(table, status.vcpu);
            table_number(table,
                         (status.status == EVTCHNSTAT_interdomain) ? status.u.interdomain.dom : domain->info.domain);
        }
    }
    return 0;
}

int64_t show_ports(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {
        {"Name", "name", 24}, {"Port", "port", 6}, {"Kind", "kind", 12}, {"VCPU", "vcpu", 5}, {"Peer", "peer", 5}};
    struct table table;

    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    int64_t result = show_each(port, domain, &table, ports_step);
    table_end(&table);
    return result;
}
