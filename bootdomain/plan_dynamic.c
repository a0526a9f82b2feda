/* SPDX-License-Identifier: Apache-2.0 */
/* What domains that are created once the launch is over may have.
 * [impl->dsn~boot-dynamic~1] */
#include "plan_internal.h"
#include "text.h"

#define KIB          1024u
#define DYNAMIC_SIZE 16u /* bytes of the property */

static void read_cpus(struct bulkhead_dynamic *dynamic, const struct prop *prop)
{
    const char *text = prop_string(prop);

    if (text != NULL && !prop_parse_cpus(text, &dynamic->cpus)) {
        log_problem(NULL, "/chosen: " LAUNCH_PROP_DYN_CPUS " is '%s'; write CPUs like \"0,3-4\"", text);
    }
}

/* Their numbers are those behind the last domain of the launch. */
void plan_read_dynamic(struct plan *plan, const struct plan_context *context, int chosen)
{
    struct bulkhead_dynamic *dynamic = &plan->dynamic;
    struct prop prop;
    uint64_t domains = 0, vcpus = 0;

    if (prop_find(&prop, context->fdt, chosen, NULL, LAUNCH_PROP_DYNAMIC)) {
        bool whole = prop.size == DYNAMIC_SIZE && prop_cells(&prop, 0, 2, &dynamic->memory) &&
                     prop_cells(&prop, 8, 1, &domains) && prop_cells(&prop, 12, 1, &vcpus);
        if (!whole || dynamic->memory > UINT64_MAX / KIB || plan->count + domains > LAUNCH_MAX_DOMAINS) {
            log_problem(NULL,
                        "/chosen: " LAUNCH_PROP_DYNAMIC " is not <KiB domains vCPUs>, 64, 32 and 32 bits, with at most "
                        "%u domains in all; build the image again",
                        LAUNCH_MAX_DOMAINS);
            return;
        }
    }
    dynamic->memory *= KIB;
    dynamic->cpus = UINT64_MAX;
    dynamic->first = (uint16_t)(plan->count + 1);
    dynamic->domains = (uint16_t)domains;
    dynamic->vcpus = (uint32_t)vcpus;
    if (prop_find(&prop, context->fdt, chosen, NULL, LAUNCH_PROP_DYN_CPUS)) {
        read_cpus(dynamic, &prop);
    }
}
