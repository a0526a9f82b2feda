// SPDX-License-Identifier: Apache-2.0
#include "imagebuilder.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bulkhead/launch.h>

#define MIB              (UINT64_C(1) << 20)
#define DEFAULT_DOMU_MIB 512u
#define DEFAULT_DOM0_MIB 1024u
#define STATIC_MAX       8u

struct scanner {
    const char *at;
    const char *end;
    uint32_t line;
    const char *line_start;
};

struct assignment {
    struct place at;
    const char *name;
    const char *label; /* the name with its index, for messages */
    bool is_indexed;
    unsigned index;
    const char *value;
};

struct import {
    struct arena *arena;
    struct diags *diags;
    const char *file;
    struct system *system;
    struct domain *dom0; /* outside the list until it is known to be there */
    struct domain *domus;
    uint64_t domu_count;
};

static struct place scanner_place(const struct scanner *s, const char *file)
{
    return (struct place){.file = file, .line = s->line, .column = (uint64_t)(s->at - s->line_start) + 1};
}

static void advance(struct scanner *s)
{
    if (*s->at == '\n') {
        s->line++;
        s->line_start = s->at + 1;
    }
    s->at++;
}

static void skip_line(struct scanner *s)
{
    while (s->at < s->end && *s->at != '\n') {
        advance(s);
    }
}

static void skip_blank(struct scanner *s)
{
    while (s->at < s->end && (isspace((unsigned char)*s->at) || *s->at == ';' || *s->at == '#')) {
        if (*s->at == '#') {
            skip_line(s);
        } else {
            advance(s);
        }
    }
}

static bool is_name_byte(char c, bool first)
{
    return isalpha((unsigned char)c) || c == '_' || (!first && isdigit((unsigned char)c));
}

/* NAME= or NAME[N]=; false when something else stands here. */
static bool scan_target(struct import *im, struct scanner *s, struct assignment *a)
{
    const char *start = s->at;

    while (s->at < s->end && is_name_byte(*s->at, s->at == start)) {
        advance(s);
    }
    a->name = arena_text(im->arena, start, (size_t)(s->at - start));
    if (s->at < s->end && *s->at == '[') {
        unsigned digits = 0;
        a->is_indexed = true;
        for (advance(s); s->at < s->end && isdigit((unsigned char)*s->at) && digits < 6; advance(s), digits++) {
            a->index = a->index * 10 + (unsigned)(*s->at - '0');
        }
        if (digits == 0 || s->at == s->end || *s->at != ']') {
            return false;
        }
        advance(s);
    }
    a->label = a->is_indexed ? arena_printf(im->arena, "%s[%u]", a->name, a->index) : a->name;
    if (s->at == start || s->at == s->end || *s->at != '=') {
        return false;
    }
    advance(s);
    return true;
}

/* One character of a value into text; false when only a shell could say what it stands for. */
static bool scan_byte(struct scanner *s, char quote, struct buffer *text)
{
    if (quote != '\'' && (*s->at == '$' || *s->at == '`')) {
        return false;
    }
    if (quote == '\0' && strchr("(){}<>|&", *s->at) != NULL) {
        return false;
    }
    if (quote != '\'' && *s->at == '\\' && s->at + 1 < s->end) {
        advance(s);
        if (*s->at == '\n') {
            advance(s);
            return true;
        }
    }
    buffer_add(text, s->at, 1);
    advance(s);
    return true;
}

static bool scan_value(struct scanner *s, struct buffer *text)
{
    char quote = '\0';

    while (s->at < s->end) {
        if (quote == '\0' && (isspace((unsigned char)*s->at) || *s->at == ';')) {
            return true;
        }
        if (quote != '\0' ? *s->at == quote : (*s->at == '"' || *s->at == '\'')) {
            quote = quote == '\0' ? *s->at : '\0';
            advance(s);
        } else if (!scan_byte(s, quote, text)) {
            return false;
        }
    }
    return quote == '\0';
}

/* The next assignment; false at the end. Everything else is reported and skipped to the end of its line. */
static bool scan_assignment(struct import *im, struct scanner *s, struct assignment *a)
{
    for (;;) {
        struct buffer value = {0};
        skip_blank(s);
        if (s->at == s->end) {
            return false;
        }
        *a = (struct assignment){.at = scanner_place(s, im->file)};
        if (!scan_target(im, s, a)) {
            diag_error(im->diags, a->at, "import-shell",
                       "this is no assignment, and nothing is executed; write NAME=\"value\" or NAME[N]=\"value\"");
            skip_line(s);
            continue;
        }
        if (!scan_value(s, &value)) {
            diag_error(im->diags, a->at, "import-shell",
                       "the value of %s needs a shell or lacks its closing quote, and nothing is executed; write the "
                       "value itself",
                       a->label);
            buffer_release(&value);
            skip_line(s);
            continue;
        }
        a->value = arena_text(im->arena, (const char *)value.data, value.size);
        buffer_release(&value);
        return true;
    }
}

static void note(const struct import *im, const struct assignment *a, const char *why)
{
    diag_note(im->diags, a->at, "import-unexpressed", "%s: %s", a->label, why);
}

static struct text text_of(const struct assignment *a)
{
    return (struct text){.value = a->value, .at = a->at, .given = a->value[0] != '\0'};
}

static bool number_of(const struct import *im, const struct assignment *a, uint64_t max, struct number *out)
{
    uint64_t value;

    if (!key_parse_number(a->value, &value) || value > max) {
        diag_error(im->diags, a->at, "import-value", "%s is `%s`; write a number up to %" PRIu64, a->label, a->value,
                   max);
        return false;
    }
    *out = (struct number){.value = value, .at = a->at, .given = true};
    return true;
}

static void take_memory(const struct import *im, struct domain *d, const struct assignment *a)
{
    if (number_of(im, a, UINT64_C(1) << 20, &d->memory)) {
        d->memory.value *= MIB;
    }
}

static void take_vcpus(const struct import *im, struct domain *d, const struct assignment *a)
{
    number_of(im, a, DOMAIN_VCPUS_MAX, &d->vcpus);
}

static void take_kernel(const struct import *im, struct domain *d, const struct assignment *a)
{
    (void)im;
    d->file[MODULE_KERNEL] = text_of(a);
}

static void take_ramdisk(const struct import *im, struct domain *d, const struct assignment *a)
{
    (void)im;
    d->file[MODULE_RAMDISK] = text_of(a);
}

static void take_tree(const struct import *im, struct domain *d, const struct assignment *a)
{
    (void)im;
    d->file[MODULE_DEVICE_TREE] = text_of(a);
}

static void take_command(const struct import *im, struct domain *d, const struct assignment *a)
{
    (void)im;
    d->bootargs = text_of(a);
}

static void take_console(const struct import *im, struct domain *d, const struct assignment *a)
{
    struct number on;

    if (number_of(im, a, 1, &on)) {
        d->console =
            (struct number){.value = on.value == 1 ? CONSOLE_VPL011 : CONSOLE_NONE, .at = a->at, .given = true};
    }
}

static void take_enhanced(const struct import *im, struct domain *d, const struct assignment *a)
{
    (void)d;
    if (strcmp(a->value, "1") != 0) {
        note(im, a, "the domain will see the Xen interface all the same");
    }
}

static void take_direct_map(const struct import *im, struct domain *d, const struct assignment *a)
{
    struct number on;

    if (number_of(im, a, 1, &on)) {
        d->direct_map = (struct flag){.value = on.value == 1, .at = a->at, .given = true};
    }
}

/* "0x50000000 0x8000000 0x80000000 0x10000000" */
static void take_static_memory(const struct import *im, struct domain *d, const struct assignment *a)
{
    struct range *ranges = arena_alloc(im->arena, STATIC_MAX, sizeof(*ranges));
    char *copy = arena_text(im->arena, a->value, strlen(a->value));
    char *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(copy, " \t\n,", &rest); word != NULL; word = strtok_r(NULL, " \t\n,", &rest)) {
        uint64_t value;
        if (count / 2 == STATIC_MAX || !key_parse_number(word, &value) || value >> 52 != 0) {
            diag_error(im->diags, a->at, "import-value", "%s is `%s`; write up to 8 pairs of base and size", a->name,
                       a->value);
            return;
        }
        struct number number = {.value = value, .at = a->at, .given = true};
        ranges[count / 2].at = a->at;
        *(count % 2 == 0 ? &ranges[count / 2].base : &ranges[count / 2].size) = number;
        count++;
    }
    if (count == 0 || count % 2 != 0) {
        diag_error(im->diags, a->at, "import-value", "%s is `%s`; write pairs of base and size", a->label, a->value);
        return;
    }
    d->static_memory = (struct items){.item = ranges, .count = count / 2, .at = a->at, .given = true};
}

/* Device-tree paths, separated by blanks. */
static void take_paths(const struct import *im, struct domain *d, const struct assignment *a)
{
    struct text *paths = arena_alloc(im->arena, KEY_MAX_ITEMS, sizeof(*paths));
    char *copy = arena_text(im->arena, a->value, strlen(a->value));
    char *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(copy, " \t\n", &rest); word != NULL && count < KEY_MAX_ITEMS;
         word = strtok_r(NULL, " \t\n", &rest)) {
        paths[count++] = (struct text){.value = word, .at = a->at, .given = true};
    }
    d->passthrough = (struct items){.item = paths, .count = count, .at = a->at, .given = count > 0};
}

static const struct {
    const char *name; /* without DOMU_ or DOM0_ */
    bool dom0, domu;
    void (*take)(const struct import *im, struct domain *d, const struct assignment *a);
} domain_variables[] = {
    {"KERNEL", true, true, take_kernel},
    {"MEM", true, true, take_memory},
    {"VCPUS", true, true, take_vcpus},
    {"CMD", true, true, take_command},
    {"RAMDISK", true, true, take_ramdisk},
    {"PASSTHROUGH_DTB", false, true, take_tree},
    {"PASSTHROUGH_PATHS", false, true, take_paths},
    {"STATIC_MEM", false, true, take_static_memory},
    {"DIRECT_MAP", false, true, take_direct_map},
    {"VPL011", false, true, take_console},
    {"ENHANCED", false, true, take_enhanced},
};

/* Variables that say how a boot loader loads the pieces, which one image makes unnecessary. */
static const char *const loading[] = {
    "MEMORY_START", "MEMORY_END",        "DEVICE_TREE",   "XEN",      "UBOOT_DIR",
    "UBOOT_SOURCE", "UBOOT_SCRIPT",      "LOAD_CMD",      "BOOT_CMD", "FDTEDIT",
    "BITSTREAM",    "NUM_BOOT_AUX_FILE", "BOOT_AUX_FILE", "FIT",      "PASSTHROUGH_DTS_REPO",
};

static bool take_domain_variable(const struct import *im, struct domain *d, const struct assignment *a, bool is_dom0)
{
    for (size_t i = 0; i < sizeof(domain_variables) / sizeof(domain_variables[0]); i++) {
        if (strcmp(a->name + strlen("DOMU_"), domain_variables[i].name) == 0 &&
            (is_dom0 ? domain_variables[i].dom0 : domain_variables[i].domu)) {
            domain_variables[i].take(im, d, a);
            return true;
        }
    }
    return false;
}

static bool is_loading(const char *name)
{
    for (size_t i = 0; i < sizeof(loading) / sizeof(loading[0]); i++) {
        if (strcmp(loading[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_domu(struct import *im, const struct assignment *a)
{
    if (!a->is_indexed || a->index >= LAUNCH_MAX_DOMAINS) {
        diag_error(im->diags, a->at, "import-value", "%s has no index below %u; write %s[0]", a->name,
                   LAUNCH_MAX_DOMAINS, a->name);
    } else if (!take_domain_variable(im, &im->domus[a->index], a, false)) {
        note(im, a, "has no counterpart and is left out");
    }
}

static void take(struct import *im, const struct assignment *a)
{
    struct number count;

    if (strcmp(a->name, "NUM_DOMUS") == 0) {
        if (number_of(im, a, LAUNCH_MAX_DOMAINS - 1, &count)) {
            im->domu_count = count.value;
        }
    } else if (strncmp(a->name, "DOMU_", 5) == 0) {
        take_domu(im, a);
    } else if (strncmp(a->name, "DOM0_", 5) == 0 && take_domain_variable(im, im->dom0, a, true)) {
        return;
    } else if (is_loading(a->name)) {
        note(im, a, "is not needed, one image holds everything");
    } else {
        note(im, a, "has no counterpart and is left out");
    }
}

static void finish_domain(struct import *im, struct domain *d, const char *name, unsigned default_mib)
{
    d->name = (struct text){.value = name, .at = d->file[MODULE_KERNEL].at, .given = true};
    d->at = d->name.at;
    if (!d->memory.given && !d->static_memory.given) {
        d->memory = (struct number){.value = default_mib * MIB, .at = d->at, .given = true};
    }
    if (d->static_memory.given) {
        d->memory = (struct number){0};
        d->direct_map.value = d->direct_map.given ? d->direct_map.value : true; /* ImageBuilder's default */
    } else if (d->direct_map.value) {
        d->direct_map.value = false; /* without static memory it has no effect there */
    }
    struct domain *list = im->system->domains.item;
    list[im->system->domains.count++] = *d;
}

static void finish(struct import *im)
{
    struct system *s = im->system;

    s->domains =
        (struct items){.item = arena_alloc(im->arena, LAUNCH_MAX_DOMAINS + 1, sizeof(struct domain)), .given = true};
    if (im->dom0->file[MODULE_KERNEL].given) {
        diag_note(im->diags, im->dom0->file[MODULE_KERNEL].at, "import-unexpressed",
                  "dom0 becomes the Hardware Domain, which has no privilege over others");
        im->dom0->role = (struct number){.value = ROLE_HARDWARE, .given = true};
        finish_domain(im, im->dom0, "dom0", DEFAULT_DOM0_MIB);
    }
    for (unsigned i = 0; i < LAUNCH_MAX_DOMAINS; i++) {
        struct domain *d = &im->domus[i];
        if (i < im->domu_count && !d->file[MODULE_KERNEL].given) {
            diag_error(im->diags, (struct place){.file = im->file, .line = 1, .column = 1}, "import-domain",
                       "NUM_DOMUS is %" PRIu64 ", yet domain %u has no kernel; write DOMU_KERNEL[%u]=\"...\"",
                       im->domu_count, i, i);
        } else if (i < im->domu_count) {
            finish_domain(im, d, arena_printf(im->arena, "domU%u", i), DEFAULT_DOMU_MIB);
        } else if (d->file[MODULE_KERNEL].given) {
            diag_note(im->diags, d->file[MODULE_KERNEL].at, "import-unexpressed",
                      "domain %u is beyond NUM_DOMUS and is left out", i);
        }
    }
}

bool imagebuilder_is_config(struct bytes text)
{
    static const char *const marks[] = {"NUM_DOMUS=", "DOM0_KERNEL=", "DOMU_KERNEL["};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (text.size > 0 && memmem(text.data, text.size, marks[i], strlen(marks[i])) != NULL) {
            return true;
        }
    }
    return false;
}

void imagebuilder_read(struct arena *arena, struct diags *d, const char *file, struct bytes text, struct system *s)
{
    struct import im = {.arena = arena, .diags = d, .file = file, .system = s};
    const char *start = (const char *)text.data;
    struct scanner scanner = {.at = start, .end = start + text.size, .line = 1, .line_start = start};
    struct assignment a;

    if (text.size > 0 && memchr(start, '\0', text.size) != NULL) {
        diag_error(d, (struct place){.file = file, .line = 1, .column = 1}, "import-shell",
                   "the file holds NUL bytes; give the text that uboot-script-gen reads");
        return;
    }
    im.dom0 = arena_alloc(arena, 1, sizeof(*im.dom0));
    im.domus = arena_alloc(arena, LAUNCH_MAX_DOMAINS, sizeof(*im.domus));
    while (scan_assignment(&im, &scanner, &a)) {
        take(&im, &a);
    }
    finish(&im);
    if (s->domains.count == 0 && d->errors == 0) {
        diag_error(d, (struct place){.file = file, .line = 1, .column = 1}, "import-domain",
                   "the configuration describes no domain; write NUM_DOMUS=1 and DOMU_KERNEL[0]=\"...\"");
    }
}
