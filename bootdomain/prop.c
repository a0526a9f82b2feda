/* SPDX-License-Identifier: Apache-2.0 */
#include "prop.h"

#include <string.h>

#include <libfdt.h>

#include "text.h"

#define CELL_BYTES 4u
#define CPUS_MAX   64u

static bool wrong_length(const struct prop *prop, const char *expected)
{
    log_problem(prop->domain, "property '%s' has %u bytes; write %s", prop->name, prop->size, expected);
    return false;
}

bool prop_u32(const struct prop *prop, uint32_t *value)
{
    if (prop->size != sizeof(uint32_t)) {
        return wrong_length(prop, "one 32-bit number");
    }
    *value = fdt32_ld((const fdt32_t *)(const void *)prop->data);
    return true;
}

bool prop_u64(const struct prop *prop, uint64_t *value)
{
    if (prop->size != sizeof(uint64_t)) {
        return wrong_length(prop, "one 64-bit number, <high low>");
    }
    return prop_cells(prop, 0, 2, value);
}

const char *prop_string(const struct prop *prop)
{
    if (prop->size == 0 || memchr(prop->data, '\0', prop->size) != &prop->data[prop->size - 1]) {
        wrong_length(prop, "one string");
        return NULL;
    }
    return (const char *)prop->data;
}

const char *prop_next_string(const struct prop *prop, uint32_t *at)
{
    if (*at >= prop->size) {
        return NULL;
    }
    const uint8_t *from = &prop->data[*at];
    const uint8_t *end = memchr(from, '\0', prop->size - *at);
    if (end == NULL) {
        wrong_length(prop, "a list of strings");
        *at = prop->size;
        return NULL;
    }
    *at += (uint32_t)(end - from) + 1;
    return (const char *)from;
}

bool prop_cells(const struct prop *prop, uint32_t at, uint32_t cells, uint64_t *value)
{
    uint64_t result = 0;

    if (at > prop->size || prop->size - at < cells * CELL_BYTES) {
        return false;
    }
    for (uint32_t i = 0; i < cells; i++) {
        result = (result << 32) | fdt32_ld((const fdt32_t *)(const void *)&prop->data[at + i * CELL_BYTES]);
    }
    *value = result;
    return true;
}

static bool cell_count(const void *fdt, int node, const char *domain, const char *name, uint32_t *cells)
{
    struct prop prop;

    if (!prop_find(&prop, fdt, node, domain, name)) {
        return true;
    }
    if (!prop_u32(&prop, cells)) {
        return false;
    }
    if (*cells < 1 || *cells > 2) {
        log_problem(domain, "%s is %u; write <1> or <2>", name, *cells);
        return false;
    }
    return true;
}

bool prop_cell_sizes(const void *fdt, int node, const char *domain, uint32_t *address, uint32_t *size)
{
    *address = 2;
    *size = 1;
    return cell_count(fdt, node, domain, "#address-cells", address) &&
           cell_count(fdt, node, domain, "#size-cells", size);
}

bool prop_find(struct prop *prop, const void *fdt, int node, const char *domain, const char *name)
{
    int size = 0;
    const void *data = fdt_getprop(fdt, node, name, &size);

    if (data == NULL || size < 0) {
        return false;
    }
    *prop =
        (struct prop){.fdt = fdt, .node = node, .domain = domain, .name = name, .data = data, .size = (uint32_t)size};
    return true;
}

/* A decimal number below CPUS_MAX at text[*at]. */
static bool parse_cpu(const char *text, uint32_t *at, uint32_t *cpu)
{
    uint32_t value = 0;
    uint32_t start = *at;

    while (text[*at] >= '0' && text[*at] <= '9' && value < CPUS_MAX) {
        value = value * 10 + (uint32_t)(text[*at] - '0');
        (*at)++;
    }
    *cpu = value;
    return *at != start && value < CPUS_MAX;
}

bool prop_parse_cpus(const char *text, uint64_t *cpus)
{
    uint64_t result = 0;
    uint32_t at = 0;

    for (;;) {
        uint32_t first;
        uint32_t last;
        if (!parse_cpu(text, &at, &first)) {
            return false;
        }
        last = first;
        if (text[at] == '-') {
            at++;
            if (!parse_cpu(text, &at, &last) || last < first) {
                return false;
            }
        }
        for (uint32_t cpu = first; cpu <= last; cpu++) {
            result |= UINT64_C(1) << cpu;
        }
        if (text[at] == '\0') {
            *cpus = result;
            return true;
        }
        if (text[at] != ',') {
            return false;
        }
        at++;
    }
}
