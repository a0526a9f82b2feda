/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <string.h>

#define RIGHTS_BYTES 160u /* the names of all rights, with blanks */

static const char *const right_names[BULKHEAD_RIGHT_COUNT] = BULKHEAD_RIGHT_NAMES;

static const char *name_holder(struct bhctl_port *port, uint16_t domid, struct bulkhead_domain *identity)
{
    *identity = (struct bulkhead_domain){.domid = domid};
    return (call_identity(port, identity) == 0) ? identity->name : "(not to be seen)";
}

/* Is the holder of right i named by a lower one? */
static bool is_repeated(const struct bulkhead_rights *rights, uint32_t i)
{
    uint32_t first = 0;

    while (rights->holder[first] != rights->holder[i]) {
        first++;
    }
    return first != i;
}

/* The rights that the holder of right i has, from that one on. */
static void list_rights(const struct bulkhead_rights *rights, uint32_t i, char text[RIGHTS_BYTES])
{
    size_t used = 0;

    for (uint32_t j = i; j < BULKHEAD_RIGHT_COUNT; j++) {
        if (rights->holder[j] == rights->holder[i]) {
            size_t length = strlen(right_names[j]);
            text[used] = ' ';
            memcpy(&text[used + 1], right_names[j], length);
            used += length + 1;
        }
    }
    text[used] = '\0';
}

static void show_holder(struct bhctl_port *port, struct table *table, const char *target, const char *holder,
                        const char *rights)
{
    if (port->json) {
        table_text(table, target);
        table_text(table, holder);
        table_text(table, rights + 1);
    } else {
        out_texts(port, (const char *const[]){"rights over ", target, ": ", holder, ":", rights, "\n", NULL});
    }
}

static int64_t privileges_of(struct bhctl_port *port, struct table *table, const char *name, uint16_t target)
{
    struct bulkhead_rights rights = {.target = target};
    int64_t result = call_rights(port, &rights);
    bool somebody = false;

    for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT && result == 0; i++) {
        struct bulkhead_domain identity;
        char text[RIGHTS_BYTES];
        if (rights.holder[i] != DOMID_INVALID && !is_repeated(&rights, i)) {
            list_rights(&rights, i, text);
            show_holder(port, table, name, name_holder(port, rights.holder[i], &identity), text);
            somebody = true;
        }
    }
    if (result == 0 && !somebody && !port->json) {
        out_texts(port, (const char *const[]){"rights over ", name, ": nobody\n", NULL});
    }
    return result;
}

static int64_t privileges_step(struct bhctl_port *port, struct table *table, const struct bhctl_domain *domain)
{
    return privileges_of(port, table, domain->identity.name, (uint16_t)domain->info.domain);
}

int64_t show_privileges(struct bhctl_port *port, const struct bhctl_domain *domain)
{
    static const struct column columns[] = {{"Over", "over", 1}, {"Holder", "holder", 1}, {"Rights", "rights", 1}};
    struct table table;
    int64_t result = 0;

    if (port->json) {
        table_begin(&table, port, columns, sizeof(columns) / sizeof(columns[0]));
    }
    result = show_each(port, domain, &table, privileges_step);
    if (result == 0 && domain == NULL) {
        result = privileges_of(port, &table, "the platform", DOMID_SELF);
    }
    if (port->json) {
        table_end(&table);
    }
    return result;
}
