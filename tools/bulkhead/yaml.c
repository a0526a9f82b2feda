// SPDX-License-Identifier: Apache-2.0
#include "yaml.h"

#include <libfyaml.h>
#include <string.h>

#include "utf8.h"

struct builder {
    struct arena *arena;
    struct diags *diags;
    const char *file;
    struct yaml_node *root;
    struct yaml_node *stack[YAML_MAX_DEPTH];   /* open lists and maps */
    struct yaml_node *last[YAML_MAX_DEPTH];    /* last child of each */
    struct yaml_node *pending[YAML_MAX_DEPTH]; /* key of a map that waits for its value */
    unsigned depth;
    unsigned documents;
    unsigned nodes;
    bool failed;
};

static struct place token_place(const struct builder *b, struct fy_token *token)
{
    const struct fy_mark *mark = token == NULL ? NULL : fy_token_start_mark(token);

    if (mark == NULL) {
        return (struct place){.file = b->file, .line = 1, .column = 1};
    }
    return (struct place){.file = b->file, .line = (uint32_t)mark->line + 1, .column = (uint64_t)mark->column + 1};
}

static void refuse(struct builder *b, struct place at, const char *rule, const char *text)
{
    diag_error(b->diags, at, rule, "%s", text);
    b->failed = true;
}

static void add_to_map(struct builder *b, unsigned level, struct yaml_node *node)
{
    struct yaml_node *key = b->pending[level];

    if (key != NULL) {
        key->value = node;
        b->pending[level] = NULL;
        return;
    }
    if (node->kind != YAML_SCALAR) {
        refuse(b, node->at, "yaml-key", "a list or mapping stands where a key is expected; write a name and a colon");
        return;
    }
    if (b->last[level] == NULL) {
        b->stack[level]->first = node;
    } else {
        b->last[level]->next = node;
    }
    b->last[level] = node;
    b->pending[level] = node;
}

static void add_node(struct builder *b, struct yaml_node *node)
{
    if (b->depth == 0) {
        b->root = b->root == NULL ? node : b->root;
        return;
    }
    unsigned level = b->depth - 1;
    if (b->stack[level]->kind == YAML_MAP) {
        add_to_map(b, level, node);
    } else if (b->last[level] == NULL) {
        b->stack[level]->first = node;
        b->last[level] = node;
    } else {
        b->last[level]->next = node;
        b->last[level] = node;
    }
}

static struct yaml_node *new_node(struct builder *b, enum yaml_kind kind, struct fy_token *token)
{
    struct yaml_node *node = arena_alloc(b->arena, 1, sizeof(*node));

    node->kind = kind;
    node->at = token_place(b, token);
    if (++b->nodes == YAML_MAX_NODES) {
        refuse(b, node->at, "yaml-size", "the file has more than 16384 keys and values; split the system");
    }
    return node;
}

static void open_node(struct builder *b, enum yaml_kind kind, struct fy_token *token)
{
    struct yaml_node *node = new_node(b, kind, token);

    if (!b->failed) {
        add_node(b, node);
    }
    if (b->failed) {
        return;
    }
    if (b->depth == YAML_MAX_DEPTH) {
        refuse(b, node->at, "yaml-depth", "lists and mappings are nested deeper than 16 levels; write it flatter");
        return;
    }
    b->stack[b->depth] = node;
    b->last[b->depth] = NULL;
    b->pending[b->depth] = NULL;
    b->depth++;
}

static void add_scalar(struct builder *b, struct fy_token *token)
{
    struct yaml_node *node = new_node(b, YAML_SCALAR, token);
    size_t length = 0;
    const char *text = token == NULL ? "" : fy_token_get_text(token, &length);

    if (text == NULL || memchr(text, '\0', length) != NULL) {
        refuse(b, node->at, "yaml-text", "the value holds a NUL character; write printable text");
        return;
    }
    node->quoted = token != NULL && fy_token_scalar_style(token) != FYSS_PLAIN;
    node->text = arena_text(b->arena, text, length);
    add_node(b, node);
}

static void refuse_anchors(struct builder *b, struct fy_token *anchor, struct fy_token *tag)
{
    if (anchor != NULL) {
        refuse(b, token_place(b, anchor), "yaml-alias",
               "anchors are not used here; write the value where it is needed");
    }
    if (tag != NULL) {
        refuse(b, token_place(b, tag), "yaml-tag", "tags are not used here; leave the tag out");
    }
}

static void take_event(struct builder *b, struct fy_event *event)
{
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++b->documents == 2) {
            refuse(b, token_place(b, event->document_start.document_start), "yaml-documents",
                   "a second document starts; write one file per system");
        }
        break;
    case FYET_SCALAR:
        refuse_anchors(b, event->scalar.anchor, event->scalar.tag);
        add_scalar(b, event->scalar.value);
        break;
    case FYET_ALIAS:
        refuse(b, token_place(b, event->alias.anchor), "yaml-alias",
               "aliases are not used here; write the value where it is needed");
        break;
    case FYET_MAPPING_START:
        refuse_anchors(b, event->mapping_start.anchor, event->mapping_start.tag);
        open_node(b, YAML_MAP, event->mapping_start.mapping_start);
        break;
    case FYET_SEQUENCE_START:
        refuse_anchors(b, event->sequence_start.anchor, event->sequence_start.tag);
        open_node(b, YAML_LIST, event->sequence_start.sequence_start);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        b->depth -= b->depth > 0;
        break;
    default:
        break;
    }
}

static void report_syntax(struct builder *b, struct fy_diag *diag)
{
    void *iterator = NULL;
    struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);

    if (error == NULL) {
        refuse(b, (struct place){.file = b->file, .line = 1, .column = 1}, "yaml-syntax",
               "the text is no YAML; see docs/manual/configuration.md for the form");
        return;
    }
    struct place at = {.file = b->file,
                       .line = (uint32_t)(error->line < 0 ? 0 : error->line) + 1,
                       .column = (uint64_t)(error->column < 0 ? 0 : error->column) + 1};
    diag_error(b->diags, at, "yaml-syntax", "the text is no YAML here (%s); check indentation, colons and quotes",
               error->msg);
    b->failed = true;
    fy_diag_reset_error(diag); /* frees what was collected */
}

static void run_parser(struct builder *b, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *event = NULL;

    while (!b->failed && (event = fy_parser_parse(parser)) != NULL) {
        take_event(b, event);
        fy_parser_event_free(parser, event);
    }
    if (!b->failed && (fy_parser_get_stream_error(parser) || fy_diag_got_error(diag))) {
        report_syntax(b, diag);
    }
}

/* The YAML library is shown nothing but printable UTF-8 without directives: it does not stand everything else. */
static bool text_is_acceptable(struct builder *b, struct bytes text)
{
    struct place at = {.file = b->file, .line = 1, .column = 1};

    if (text.size > YAML_MAX_BYTES) {
        refuse(b, at, "yaml-size", "the file is larger than 1 MiB; a system description is a short text");
        return false;
    }
    for (size_t i = 0; i < text.size; at.column++) {
        unsigned char byte = text.data[i];
        size_t length = byte >= 0x80 ? utf8_printable(text.data + i, text.size - i) : 1;
        bool is_control = byte == 0x7f || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r');
        if (length == 0 || is_control) {
            refuse(b, at, "yaml-text", "this character is not printable, or the file no UTF-8 text; write plain text");
            return false;
        }
        if (byte == '%' && at.column == 1) {
            refuse(b, at, "yaml-directive", "directives are not used here; leave the line out");
            return false;
        }
        if (byte == '\n') {
            at.line++;
            at.column = 0;
        }
        i += length;
    }
    return true;
}

struct yaml_node *yaml_parse(struct arena *arena, struct diags *d, const char *file, struct bytes text)
{
    struct builder b = {.arena = arena, .diags = d, .file = file};

    if (!text_is_acceptable(&b, text)) {
        return NULL;
    }
    struct fy_diag *diag = fy_diag_create(NULL);
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 |
                                                 FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_JSON_NONE,
                                        .diag = diag};
    struct fy_parser *parser = fy_parser_create(&config);
    if (parser == NULL || fy_parser_set_string(parser, (const char *)text.data, text.size) != 0) {
        refuse(&b, (struct place){.file = file, .line = 1, .column = 1}, "yaml-syntax",
               "the text cannot be read as YAML");
    } else {
        run_parser(&b, parser, diag);
    }
    fy_parser_destroy(parser);
    fy_diag_unref(diag);
    if (!b.failed && b.root == NULL) {
        refuse(&b, (struct place){.file = file, .line = 1, .column = 1}, "yaml-empty",
               "the file says nothing; see examples/hello.yaml for the smallest system");
    }
    return b.failed ? NULL : b.root;
}
