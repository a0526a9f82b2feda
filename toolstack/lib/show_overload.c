/* SPDX-License-Identifier: Apache-2.0 */
/* Why a reservation does not fit: the arithmetic of the hypervisor's admission test.
 * [impl->dsn~bhctl-reserve~1] */
#include "show.h"

#define WHOLE_CPU UINT64_C(1000000)

/* Of a reservation that is asked for. */
struct asked {
    const struct bhctl_domain *domain;
    const struct xen_domctl_sched_rtds *wanted;
};

/* Rounded up, as the hypervisor does. */
static uint64_t share(const struct xen_domctl_sched_rtds *r)
{
    return (r->period == 0) ? 0 : ((uint64_t)r->budget * WHOLE_CPU + r->period - 1) / r->period;
}

static uint32_t vcpus_on(struct bhctl_port *port, const struct bhctl_domain *domain, uint32_t cpu)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i <= domain->info.max_vcpu_id; i++) {
        struct xen_domctl_getvcpuinfo vcpu = {0};

        count += (call_vcpu(port, (uint16_t)domain->info.domain, i, &vcpu) == 0 && vcpu.cpu == cpu) ? 1 : 0;
    }
    return count;
}

/* The sum of a CPU, of those that may be asked; written as a sum when `write`. */
static uint64_t promised(struct bhctl_port *port, const struct asked *asked, uint32_t cpu, bool write)
{
    struct bhctl_domain domain = {0};
    uint64_t sum = 0;

    while (call_domain_from(port, domain.info.domain + 1u, &domain) == 0) {
        bool own = domain.info.domain == asked->domain->info.domain;
        struct xen_domctl_sched_rtds rtds = *asked->wanted;
        uint32_t vcpus = vcpus_on(port, &domain, cpu);

        if (vcpus == 0 || (!own && call_schedule(port, (uint16_t)domain.info.domain, &rtds) != 0) || rtds.budget == 0) {
            continue;
        }
        if (write) {
            out_text(port, (sum != 0) ? " + " : "");
            if (vcpus > 1) {
                out_number(port, vcpus);
                out_text(port, " * ");
            }
            out_number(port, rtds.budget);
            out_text(port, "/");
            out_number(port, rtds.period);
            out_texts(port, (const char *const[]){" (", domain.identity.name, ")", NULL});
        }
        sum += share(&rtds) * vcpus;
    }
    return sum;
}

void show_overload(struct bhctl_port *port, const struct bhctl_domain *domain,
                   const struct xen_domctl_sched_rtds *wanted)
{
    const struct asked asked = {.domain = domain, .wanted = wanted};
    uint32_t fullest = 0;
    uint64_t most = 0;

    for (uint32_t i = 0; i <= domain->info.max_vcpu_id; i++) {
        struct xen_domctl_getvcpuinfo vcpu = {0};
        uint64_t sum = (call_vcpu(port, (uint16_t)domain->info.domain, i, &vcpu) == 0)
                           ? promised(port, &asked, vcpu.cpu, false)
                           : 0;

        if (sum > most) {
            most = sum;
            fullest = vcpu.cpu;
        }
    }
    out_text(port, "bhctl: CPU ");
    out_number(port, fullest);
    out_text(port, " would be promised ");
    (void)promised(port, &asked, fullest, true);
    out_text(port, " = ");
    out_number(port, most);
    out_texts(port, (const char *const[]){" millionths of its time",
                                          (most <= WHOLE_CPU) ? ", and more to domains that may not be asked" : "",
                                          "\n", NULL});
}
