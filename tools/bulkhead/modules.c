// SPDX-License-Identifier: Apache-2.0
#include "modules.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "build.h"
#include "cpio.h"
#include "file.h"
#include "launch.h"
#include "passthrough.h"

static const char *const kind_names[MODULE_KINDS] = {
    [MODULE_KERNEL] = "kernel",
    [MODULE_RAMDISK] = "ramdisk",
    [MODULE_DEVICE_TREE] = "device-tree",
};

/* What `prefix:NAME` stands for; %s is NAME. */
static const struct {
    const char *prefix;
    enum module_kind kind;
    const char *path;
    const char *remedy;
} stores[] = {
    {"guest:", MODULE_KERNEL, "build/arm64/guests/%s/%s.elf", "run `make`, or write the name of a guest below guests/"},
    {"debian:", MODULE_KERNEL, "build/deps/%s/vmlinuz",
     "run `make setup`, or write debian:linux-6.1 or debian:linux-6.12"},
    {"initramfs:", MODULE_RAMDISK, "build/deps/initramfs/%s.cpio.gz",
     "run `make setup`, or write the name of an initramfs below guests/linux/"},
};

static const char *expand(struct arena *arena, const char *pattern, const char *name)
{
    struct buffer path = {0};

    for (const char *p = pattern; *p != '\0'; p++) {
        if (p[0] == '%' && p[1] == 's') {
            buffer_printf(&path, "%s", name);
            p++;
        } else {
            buffer_add(&path, p, 1);
        }
    }
    const char *text = file_in_root(arena, arena_text(arena, (const char *)path.data, path.size));
    buffer_release(&path);
    return text;
}

static const char *find_path(struct arena *arena, const struct system *s, enum module_kind kind, const char *reference,
                             const char **remedy)
{
    *remedy = "write the path of an existing file, relative to this one";
    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        size_t length = strlen(stores[i].prefix);
        if (stores[i].kind == kind && strncmp(reference, stores[i].prefix, length) == 0) {
            *remedy = stores[i].remedy;
            return expand(arena, stores[i].path, reference + length);
        }
    }
    return file_beside(arena, s->file, reference);
}

/* Devices are handed over by a partial device tree that nobody has to write. */
static void add_devices(struct arena *arena, const struct system *s, struct domain *domain)
{
    struct module *m = &domain->module[MODULE_DEVICE_TREE];

    if (domain->passthrough.count > 0 && !domain->file[MODULE_DEVICE_TREE].given) {
        m->path = arena_printf(arena, "%s (made from passthrough)", domain->name.value);
        m->at = domain->passthrough.at;
        m->data = passthrough_tree(arena, &s->board, domain);
    }
}

bool modules_is_device_tree(struct bytes data, uint32_t *size)
{
    const void *tree = data.data;

    /* Versions before 17, which no tool writes any more, take libfdt's own check by surprise. */
    if (data.size < sizeof(struct fdt_header) || fdt_check_header(tree) != 0 || fdt_version(tree) < 17) {
        return false;
    }
    *size = fdt_totalsize(tree);
    return *size <= data.size && fdt_check_full(tree, *size) == 0;
}

static void judge(struct diags *d, struct module *m, enum module_kind kind)
{
    uint32_t size;

    if (kind == MODULE_KERNEL) {
        kernel_probe(d, m->at, m->path, m->data, &m->kernel);
    } else if (kind == MODULE_DEVICE_TREE && !modules_is_device_tree(m->data, &size)) {
        diag_error(d, m->at, "device-tree-file",
                   "`%s` is damaged or no device tree; compile it with dtc and name the .dtb file", m->path);
    } else if (m->data.size == 0) {
        diag_error(d, m->at, "file-empty", "`%s` is empty; make it again, or leave the key out", m->path);
    }
}

static void check_force(struct diags *d, const struct system *s, const struct module *m, enum module_kind kind)
{
    uint32_t size;

    if (kind == MODULE_DEVICE_TREE && rules_has_safe(s) && modules_is_device_tree(m->data, &size) &&
        passthrough_is_forced(m->data)) {
        diag_error(d, m->at, "force-with-safe",
                   "there are safe domains, and a device of `%s` that nothing confines could change their memory; take "
                   "`xen,force-assign-without-iommu` out of it",
                   m->path);
    }
}

#define ARCHIVE "archive:"
#define PLUS    " + "

/* What another description's domains are created from, made on the way.  [impl->dsn~tool-archive-ramdisk~1] */
static int make_archive(struct arena *arena, struct diags *d, const char *path, struct bytes *out)
{
    struct build_options options = {0};
    struct system *s = arena_alloc(arena, 1, sizeof(*s));
    struct buffer archive = {0};
    struct bytes text;
    int error = file_read(arena, path, &text);

    if (error != 0) {
        return error;
    }
    bool good = build_read_system(arena, d, path, text, &options, s);
    s->is_later = true;
    if (good && build_check(arena, d, &options, s)) {
        launch_archive(arena, s, &archive);
        out->data = (const uint8_t *)arena_text(arena, (const char *)archive.data, archive.size);
        out->size = archive.size;
        buffer_release(&archive);
    }
    return 0;
}

/* The initramfs `base` with one file more: FILE.cpio, the archive of FILE.yaml. */
static void append_archive(struct arena *arena, const char *path, struct bytes archive, struct bytes *base)
{
    struct buffer all = {0};
    struct cpio_writer writer = {.out = &all};
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(name, '.');

    buffer_add(&all, base->data, base->size);
    buffer_add(&all, "\0\0\0", (4 - base->size % 4) % 4);
    cpio_add(&writer, arena_printf(arena, "%.*s.cpio", dot == NULL ? (int)strlen(name) : (int)(dot - name), name),
             archive, 4, false);
    cpio_finish(&writer);
    base->data = (const uint8_t *)arena_text(arena, (const char *)all.data, all.size);
    base->size = all.size;
    buffer_release(&all);
}

/* "archive:FILE.yaml" */
static int read_archive(struct arena *arena, struct diags *d, const struct system *s, const struct text *reference,
                        const char *name, const char **path, struct bytes *data)
{
    if (s->is_later) {
        diag_error(d, reference->at, "archive-in-archive",
                   "a domain of an archive cannot have an archive itself; leave `ramdisk` out, or name a file");
        return 0;
    }
    *path = file_beside(arena, s->file, name + strlen(ARCHIVE));
    return make_archive(arena, d, *path, data);
}

/* A file, an archive, or "RAMDISK + archive:FILE.yaml". */
static int read_reference(struct arena *arena, struct diags *d, const struct system *s, const struct text *reference,
                          enum module_kind kind, struct module *m, const char **remedy)
{
    const char *plus = kind == MODULE_RAMDISK ? strstr(reference->value, PLUS ARCHIVE) : NULL;
    const char *first = reference->value;
    struct bytes archive = {0};
    const char *path = NULL;

    if (kind == MODULE_RAMDISK && strncmp(first, ARCHIVE, strlen(ARCHIVE)) == 0) {
        return read_archive(arena, d, s, reference, first, &m->path, &m->data);
    }
    first = plus == NULL ? first : arena_text(arena, first, (size_t)(plus - first));
    m->path = find_path(arena, s, kind, first, remedy);
    int error = file_read(arena, m->path, &m->data);
    if (error != 0 || plus == NULL) {
        return error;
    }
    error = read_archive(arena, d, s, reference, plus + strlen(PLUS), &path, &archive);
    if (error == 0 && path != NULL) {
        append_archive(arena, path, archive, &m->data);
        path = arena_printf(arena, "%s%s%s", m->path, PLUS, path);
    }
    m->path = path;
    return error;
}

static void read_one(struct arena *arena, struct diags *d, const struct system *s, struct domain *domain,
                     enum module_kind kind)
{
    const struct text *reference = &domain->file[kind];
    struct module *m = &domain->module[kind];
    const char *remedy = "write the path of an existing description, relative to this one";
    size_t before = d->errors;

    if (!reference->given) {
        return;
    }
    int error = read_reference(arena, d, s, reference, kind, m, &remedy);
    if (error != 0) {
        diag_error(d, reference->at, "file-exists", "the %s `%s` cannot be read (%s: %s); %s", kind_names[kind],
                   reference->value, m->path, strerror(error), remedy);
    }
    if (d->errors > before) {
        m->path = NULL;
        return;
    }
    m->at = reference->at;
    judge(d, m, kind);
    check_force(d, s, m, kind);
}

static bool same_file(const struct module *a, const struct module *b)
{
    return a->path != NULL && b->path != NULL && !a->has_address && !b->has_address && strcmp(a->path, b->path) == 0;
}

/* The first module before (domain, kind) that is the same file; NULL when this one is the first. */
static struct module *find_first(const struct system *s, size_t domain, unsigned kind)
{
    for (size_t i = 0; i <= domain; i++) {
        for (unsigned j = 0; j < (i == domain ? kind : MODULE_KINDS); j++) {
            struct module *other = &system_domain(s, i)->module[j];
            if (same_file(other, &system_domain(s, domain)->module[kind])) {
                return other;
            }
        }
    }
    return NULL;
}

void modules_read(struct arena *arena, struct diags *d, struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        struct domain *domain = system_domain(s, i);
        add_devices(arena, s, domain);
        for (unsigned j = 0; j < MODULE_KINDS; j++) {
            read_one(arena, d, s, domain, j);
            const struct module *first = find_first(s, i, j);
            domain->module[j].member =
                first != NULL ? first->member : arena_printf(arena, "%s.%s", domain->name.value, kind_names[j]);
        }
    }
}

static bool is_taken_as_it_is(const struct module *m, unsigned kind)
{
    if (m->path == NULL || m->has_address || kind == MODULE_DEVICE_TREE) {
        return false;
    }
    return kind == MODULE_RAMDISK || m->kernel.format == KERNEL_IMAGE || m->kernel.format == KERNEL_FLAT;
}

static unsigned count_users(const struct system *s, const struct module *m)
{
    unsigned users = 0;

    for (size_t i = 0; i < s->domains.count; i++) {
        for (unsigned j = 0; j < MODULE_KINDS; j++) {
            users += same_file(&system_domain(s, i)->module[j], m);
        }
    }
    return users;
}

void modules_plan(struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        struct domain *domain = system_domain(s, i);
        for (unsigned j = 0; j < MODULE_KINDS; j++) {
            struct module *m = &domain->module[j];
            m->is_moved = is_taken_as_it_is(m, j) && !domain->restartable.value && domain->static_memory.count == 0 &&
                          count_users(s, m) == 1;
        }
    }
}
