/* SPDX-License-Identifier: Apache-2.0 */
/* [impl->dsn~bhctl-labels~1] */
#include "show.h"

static int64_t labels_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    char context[BHCTL_LABEL] = "";
    int64_t result = call_label(port, domain->info.ssidref, context);

    if (result == 0) {
        table_text(table, domain->identity.name);
        table_number(table, domain->info.domain);
        table_text(table, context);
    }
    return result;
}

int64_t show_labels(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {{"Name", "name", 24}, {"ID", "id", 5}, {"Label", "label", 1}};
    int64_t enforcing = call_enforcing(port);
    struct table table;
    int64_t result;

    if (enforcing < 0) {
        return enforcing;
    }
    if (!port->json) {
        out_text(port, (enforcing != 0) ? "the label policy is enforced\n"
                                        : "the label policy is permissive: it refuses nothing\n");
    }
    table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    result = show_each(port, domain, &table, labels_step);
    table_end(&table);
    return result;
}
