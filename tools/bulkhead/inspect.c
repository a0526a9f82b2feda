// SPDX-License-Identifier: Apache-2.0
#include "inspect.h"

#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "cpio.h"
#include "describe.h"
#include "modules.h"
#include "tree.h"

#define MEMBERS_MAX 4096u

struct inspection {
    struct arena *arena;
    struct diags *diags;
    const char *file;
    uint64_t offset; /* of the archive in the file */
    struct cpio_member *members;
    size_t count;
    bool *used;
};

static bool is_pad(const char *name)
{
    return strncmp(name, LAUNCH_PAD_PREFIX, strlen(LAUNCH_PAD_PREFIX)) == 0;
}

static const struct cpio_member *find_member(const struct inspection *in, const char *name)
{
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->members[i].name, name) == 0) {
            in->used[i] = true;
            return &in->members[i];
        }
    }
    return NULL;
}

static void check_new_name(const struct inspection *in, const struct cpio_member *m)
{
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->members[i].name, m->name) == 0) {
            diag_error(in->diags, place_offset(in->file, in->offset + m->offset), "archive-duplicate",
                       "the archive has two members `%s`; build the image again", m->name);
            return;
        }
    }
}

static bool read_members(struct inspection *in, struct bytes archive)
{
    struct cpio_reader reader = {.archive = archive};
    struct cpio_member m;

    in->members = arena_alloc(in->arena, MEMBERS_MAX, sizeof(m));
    in->used = arena_alloc(in->arena, MEMBERS_MAX, sizeof(bool));
    while (cpio_next(&reader, &m)) {
        if (in->count == MEMBERS_MAX) {
            reader.wrong = "the archive has more than 4096 members; build the image again";
            break;
        }
        check_new_name(in, &m);
        in->used[in->count] = is_pad(m.name);
        in->members[in->count++] = m;
    }
    if (reader.wrong != NULL) {
        diag_error(in->diags, place_offset(in->file, in->offset + reader.wrong_at), "archive-damaged", "%s",
                   reader.wrong);
        return false;
    }
    return true;
}

static void attach(const struct inspection *in, const struct tree *tree, struct module *m, unsigned kind)
{
    const struct cpio_member *member;
    uint32_t size;

    if (m->member == NULL) {
        return;
    }
    member = find_member(in, m->member);
    if (member == NULL) {
        diag_error(tree->diags, m->at, "archive-member",
                   "the launch description names the member `%s`, which the archive does "
                   "not have; build the image again",
                   m->member);
        m->path = NULL;
        return;
    }
    m->data = member->data;
    if (kind == MODULE_KERNEL) {
        kernel_probe(tree->diags, m->at, m->member, m->data, &m->kernel);
    } else if (kind == MODULE_DEVICE_TREE) {
        uint8_t *copy = arena_alloc(in->arena, m->data.size + 1, 1);
        memcpy(copy, m->data.data, m->data.size);
        m->data.data = copy; /* aligned */
        if (!modules_is_device_tree(m->data, &size)) {
            diag_error(tree->diags, m->at, "device-tree-file",
                       "`%s` is damaged or no device tree; build the image again", m->member);
        }
    }
}

/* The compiled label policy, if there is one. [impl->dsn~label-archive~1] */
static void attach_labels(const struct inspection *in, struct system *s)
{
    const struct cpio_member *member = find_member(in, BULKHEAD_LABELS_FILE);
    struct bulkhead_labels *m = arena_alloc(in->arena, 1, sizeof(*m));
    bool good = member != NULL && member->data.size == sizeof(*m);

    if (member == NULL) {
        return;
    }
    if (good) {
        memcpy(m, member->data.data, sizeof(*m));
        good = m->magic == BULKHEAD_LABELS_MAGIC && m->count >= 1 && m->count <= BULKHEAD_LABELS;
    }
    for (uint32_t i = 0; i < BULKHEAD_LABELS && good; i++) {
        good = memchr(m->label[i], '\0', BULKHEAD_LABEL_BYTES) != NULL;
    }
    for (size_t i = 0; i < s->domains.count && good; i++) {
        good = system_domain(s, i)->label < m->count;
    }
    if (!good) {
        diag_error(
            in->diags, place_offset(in->file, in->offset + member->offset), "archive-labels",
            "the compiled label policy is damaged, or a domain has a label that it does not; build the image again");
        return;
    }
    s->matrix = m;
}

static void check_version(const struct tree *tree)
{
    uint64_t version = 0;
    int chosen = fdt_path_offset(tree->fdt, "/chosen");

    if (chosen < 0 || !tree_number(tree, chosen, LAUNCH_PROP_VERSION, 0, 1, &version) || version != LAUNCH_VERSION) {
        diag_error(tree->diags, tree_place(tree, chosen), "archive-version",
                   "the launch description has version %" PRIu64
                   ", this tool knows %u; use the tool that made the image",
                   version, LAUNCH_VERSION);
    }
}

static void print_members(const struct inspection *in, struct buffer *out)
{
    buffer_printf(out, "archive      %zu members\n", in->count);
    for (size_t i = 0; i < in->count; i++) {
        const struct cpio_member *m = &in->members[i];
        if (!is_pad(m->name)) {
            buffer_printf(out, "  %-28s at 0x%08" PRIx64 "  %10zu bytes%s\n", m->name, in->offset + m->data_offset,
                          m->data.size, in->used[i] || i == 0 ? "" : "  (nobody uses it)");
        }
    }
}

bool inspect_archive(struct arena *arena, struct diags *d, struct place start, struct bytes archive, struct system *s,
                     struct buffer *out)
{
    struct inspection in = {.arena = arena, .diags = d, .file = start.file, .offset = start.column};
    struct tree tree;
    size_t before = d->errors;

    if (!read_members(&in, archive)) {
        return false;
    }
    if (in.count == 0 || strcmp(in.members[0].name, LAUNCH_DTB_MEMBER) != 0) {
        diag_error(d, start, "archive-first", "the first member is not " LAUNCH_DTB_MEMBER "; build the image again");
        return false;
    }
    if (!tree_open(&tree, arena, d, place_offset(start.file, start.column + in.members[0].data_offset),
                   in.members[0].data)) {
        return false;
    }
    check_version(&tree);
    tree_read_domains(&tree, s);
    for (size_t i = 0; i < s->domains.count; i++) {
        for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
            attach(&in, &tree, &system_domain(s, i)->module[kind], kind);
        }
    }
    attach_labels(&in, s);
    print_members(&in, out);
    return d->errors == before;
}

static void print_board(const struct board_table *t, struct buffer *out)
{
    static const char *const uarts[] = {"no UART", "PL011", "i.MX UART"};

    buffer_printf(out,
                  "board        %s: %" PRIu32 " CPUs, GICv3 at 0x%" PRIx64 " and 0x%" PRIx64 ", %" PRIu32
                  " SPIs, %s at 0x%" PRIx64 "\n",
                  t->name, t->cpu_count, t->gicd.base, t->gicr.base, t->gic_spis,
                  uarts[t->uart_kind < 3 ? t->uart_kind : 0], t->uart.base);
    for (uint32_t i = 0; i < t->ram_count; i++) {
        buffer_printf(out, "  RAM        0x%" PRIx64 " to 0x%" PRIx64 ", %" PRIu64 " MiB\n", t->ram[i].base,
                      t->ram[i].base + t->ram[i].size, t->ram[i].size >> 20);
    }
}

static void print_parts(const struct image_view *v, struct buffer *out)
{
    const struct image_descriptor *d = &v->descriptor;
    const struct {
        const char *name;
        struct image_part part;
    } parts[] = {{"hypervisor", d->hypervisor},
                 {"board table", d->board},
                 {"Boot Domain", d->boot_domain},
                 {"launch archive", d->archive},
                 {"runtime memory", d->runtime}};

    buffer_printf(out, "image        version %" PRIu32 ", %" PRIu64 " KiB of memory from its load address on\n",
                  d->version, v->image_size / 1024);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].part.size > 0) {
            buffer_printf(out, "  %-16s at 0x%08" PRIx64 "  %10" PRIu64 " bytes\n", parts[i].name, parts[i].part.offset,
                          parts[i].part.size);
        }
    }
    buffer_printf(out, "Boot Domain  on CPU %" PRIu32 " with %" PRIu64 " MiB\n", d->boot_domain_cpu,
                  d->boot_domain_memory >> 20);
}

/* Devices of the board in a good partial tree. */
static void print_devices(const void *fdt, struct buffer *out)
{
    int node = 0;
    int root = fdt_path_offset(fdt, "/passthrough");

    fdt_for_each_subnode(node, fdt, root)
    {
        if (fdt_getprop(fdt, node, "xen,reg", NULL) != NULL) {
            buffer_printf(out, "    device      %s\n", fdt_get_name(fdt, node, NULL));
        }
    }
}

static void print_domain(const struct system *s, const struct domain *d, struct buffer *out)
{
    static const char *const kinds[] = {"kernel", "ramdisk", "device tree"};

    buffer_printf(out, "  %-12s %s, %s, %" PRIu64 " KiB, %" PRIu64 " vCPU%s on CPU", d->name.value,
                  role_choices[d->role.value], d->safe.value ? "safe" : "not safe", d->memory.value / 1024,
                  d->vcpus.value, d->vcpus.value == 1 ? "" : "s");
    for (uint64_t v = 0; v < d->vcpus.value; v++) {
        buffer_printf(out, "%s%u", v == 0 ? " " : ", ", d->vcpu_cpu[v]);
    }
    buffer_printf(out, "\n");
    for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
        const struct module *m = &d->module[kind];
        if (m->path != NULL) {
            buffer_printf(out, "    %-11s %s%s%s\n", kinds[kind], m->path, kind == MODULE_KERNEL ? ", " : "",
                          kind == MODULE_KERNEL ? kernel_format_text(m->kernel.format) : "");
        }
        uint32_t size;
        if (kind == MODULE_DEVICE_TREE && m->path != NULL && modules_is_device_tree(m->data, &size)) {
            print_devices(m->data.data, out);
        }
    }
    if (s->matrix != NULL) {
        buffer_printf(out, "    label       %s\n", s->matrix->label[d->label]);
    }
    if (d->bootargs.given) {
        buffer_printf(out, "    bootargs    %s\n", d->bootargs.value);
    }
}

static void print_domains(const struct system *s, struct buffer *out)
{
    buffer_printf(out, "domains      %zu, on failure: %s\n", s->domains.count,
                  s->on_failure.value == ON_FAILURE_HALT ? "halt" : "continue");
    for (size_t i = 0; i < s->domains.count; i++) {
        print_domain(s, system_domain(s, i), out);
    }
    describe_shared(out, s);
}

bool inspect_image(struct arena *arena, struct diags *d, const char *file, struct bytes data, struct buffer *out)
{
    struct image_view view;
    struct system s = {.file = file};
    size_t before = d->errors;

    if (!image_open(d, file, data, &view)) {
        return false;
    }
    print_parts(&view, out);
    print_board(&view.board, out);
    board_from_table(arena, &view.board, &s.board);
    s.boot_domain.cpu = (struct number){.value = view.descriptor.boot_domain_cpu, .given = true};
    s.boot_domain.memory = (struct number){.value = view.descriptor.boot_domain_memory, .given = true};
    s.boot_domain.cpu.at = s.boot_domain.memory.at = place_offset(file, IMAGE_DESCRIPTOR_OFFSET);
    if (view.parts.archive.size == 0) {
        buffer_printf(out, "archive      none: the domains come from the boot loader's device tree\n");
        return d->errors == before;
    }
    bool readable =
        inspect_archive(arena, d, place_offset(file, view.descriptor.archive.offset), view.parts.archive, &s, out);
    system_fill(&s);
    print_domains(&s, out);
    if (readable) {
        rules_check(d, &s);
        rules_check_memory(d, &s, (struct image_span){.base = s.board.load_address.value, .size = view.image_size});
    }
    return d->errors == before;
}
