/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/fdt.h>
#include <guest/string.h>

#define FDT_MAGIC      0xd00dfeedu
#define FDT_BEGIN_NODE 1u
#define FDT_END_NODE   2u
#define FDT_PROP       3u
#define FDT_NOP        4u

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool part_fits(const struct dt *dt, uint32_t start, uint32_t bytes)
{
    return start <= dt->size && bytes <= dt->size - start;
}

bool dt_open(struct dt *dt, const void *blob)
{
    const uint8_t *base = blob;
    uint32_t structure_bytes, strings_bytes;

    if (base == NULL || ((uintptr_t)base & 7) != 0 || be32(base) != FDT_MAGIC || be32(base + 20) < 17) {
        return false;
    }
    dt->base = base;
    dt->size = be32(base + 4);
    dt->structure = be32(base + 8);
    dt->strings = be32(base + 12);
    strings_bytes = be32(base + 32);
    structure_bytes = be32(base + 36);
    if (!part_fits(dt, dt->structure, structure_bytes) || !part_fits(dt, dt->strings, strings_bytes) ||
        (dt->structure & 3) != 0) {
        return false;
    }
    dt->structure_end = dt->structure + (structure_bytes & ~3u);
    dt->strings_end = dt->strings + strings_bytes;
    return true;
}

/* The token at *at, and the offset behind it and its payload in *next; false at the end or when malformed. */
static bool token(const struct dt *dt, uint32_t at, uint32_t *kind, uint32_t *next)
{
    uint32_t left, payload = 0;

    if (at >= dt->structure_end) {
        return false;
    }
    left = dt->structure_end - at - 4;
    *kind = be32(dt->base + at);
    if (*kind == FDT_BEGIN_NODE) {
        size_t length = strnlen((const char *)dt->base + at + 4, left);

        payload = (uint32_t)length + 1;
    } else if (*kind == FDT_PROP) {
        if (left < 8 || be32(dt->base + at + 4) > left - 8) {
            return false;
        }
        payload = 8 + be32(dt->base + at + 4);
    } else if (*kind != FDT_END_NODE && *kind != FDT_NOP) {
        return false;
    }
    payload = (payload + 3) & ~3u;
    if (payload > left) {
        return false;
    }
    *next = at + 4 + payload;
    return true;
}

uint32_t dt_root(const struct dt *dt)
{
    uint32_t at = dt->structure, kind, next;

    while (token(dt, at, &kind, &next)) {
        if (kind == FDT_BEGIN_NODE) {
            return at;
        }
        at = next;
    }
    return DT_NONE;
}

uint32_t dt_child(const struct dt *dt, uint32_t node)
{
    uint32_t kind, next;

    if (node == DT_NONE || !token(dt, node, &kind, &next)) {
        return DT_NONE;
    }
    for (uint32_t at = next; token(dt, at, &kind, &next); at = next) {
        if (kind == FDT_BEGIN_NODE) {
            return at;
        }
        if (kind == FDT_END_NODE) {
            return DT_NONE;
        }
    }
    return DT_NONE;
}

uint32_t dt_next(const struct dt *dt, uint32_t node)
{
    uint32_t kind, next, depth = 0;

    if (node == DT_NONE) {
        return DT_NONE;
    }
    for (uint32_t at = node; token(dt, at, &kind, &next); at = next) {
        if (kind == FDT_BEGIN_NODE) {
            if (depth == 0 && at != node) {
                return at;
            }
            depth++;
        } else if (kind == FDT_END_NODE) {
            if (depth == 0) {
                return DT_NONE;
            }
            depth--;
        }
    }
    return DT_NONE;
}

const char *dt_name(const struct dt *dt, uint32_t node)
{
    return node == DT_NONE ? "" : (const char *)dt->base + node + 4;
}

uint32_t dt_find(const struct dt *dt, uint32_t node, const char *name)
{
    size_t length = strlen(name);

    for (uint32_t child = dt_child(dt, node); child != DT_NONE; child = dt_next(dt, child)) {
        const char *candidate = dt_name(dt, child);

        if (strncmp(candidate, name, length) == 0 && (candidate[length] == '\0' || candidate[length] == '@')) {
            return child;
        }
    }
    return DT_NONE;
}

bool dt_property(const struct dt *dt, uint32_t node, const char *name, struct dt_property *out)
{
    uint32_t kind, next;

    if (node == DT_NONE || !token(dt, node, &kind, &next)) {
        return false;
    }
    for (uint32_t at = next; token(dt, at, &kind, &next); at = next) {
        uint32_t offset;

        if (kind == FDT_NOP) {
            continue;
        }
        if (kind != FDT_PROP) {
            return false;
        }
        offset = be32(dt->base + at + 8);
        if (offset >= dt->strings_end - dt->strings) {
            return false;
        }
        out->name = (const char *)dt->base + dt->strings + offset;
        if (strncmp(out->name, name, dt->strings_end - dt->strings - offset) == 0) {
            out->data = dt->base + at + 12;
            out->bytes = be32(dt->base + at + 4);
            return true;
        }
    }
    return false;
}

bool dt_is_compatible(const struct dt *dt, uint32_t node, const char *what)
{
    struct dt_property list;
    uint32_t at = 0;

    if (!dt_property(dt, node, "compatible", &list)) {
        return false;
    }
    while (at < list.bytes) {
        size_t length = strnlen((const char *)list.data + at, list.bytes - at);

        if (length == strlen(what) && memcmp(list.data + at, what, length) == 0) {
            return true;
        }
        at += (uint32_t)length + 1;
    }
    return false;
}

uint64_t dt_cells(const struct dt_property *property, uint32_t index, uint32_t cells)
{
    uint64_t value = 0;

    if (cells == 0 || cells > 2 || index > property->bytes / 4 || cells > property->bytes / 4 - index) {
        return 0;
    }
    for (uint32_t i = 0; i < cells; i++) {
        value = value << 32 | be32(property->data + 4 * (index + i));
    }
    return value;
}

bool dt_ramdisk(const void *blob, const uint8_t **data, uint64_t *size)
{
    struct dt dt;
    struct dt_property start, end;
    uint32_t chosen = dt_open(&dt, blob) ? dt_find(&dt, dt_root(&dt), "chosen") : DT_NONE;

    if (chosen == DT_NONE || !dt_property(&dt, chosen, "linux,initrd-start", &start) ||
        !dt_property(&dt, chosen, "linux,initrd-end", &end)) {
        return false;
    }
    *data = (const uint8_t *)dt_cells(&start, 0, start.bytes / 4u);
    *size = dt_cells(&end, 0, end.bytes / 4u) - (uint64_t)*data;
    return true;
}
