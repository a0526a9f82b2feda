// SPDX-License-Identifier: Apache-2.0
#include "describe.h"

#include <inttypes.h>
#include <string.h>

#include "dynamic.h"
#include "utf8.h"

static const char plain_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@+";

/* Words that YAML takes for something else than text. */
static bool is_plain(const char *text)
{
    static const char *const special[] = {"true", "false", "null", "yes", "no", "on", "off", "~"};
    size_t length = strlen(text);

    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (strcmp(text, special[i]) == 0) {
            return false;
        }
    }
    return length > 0 && strspn(text, plain_characters) == length && strchr("-+.@0123456789", text[0]) == NULL;
}

static void put_text(struct buffer *out, const char *text)
{
    if (is_plain(text)) {
        buffer_printf(out, "%s", text);
        return;
    }
    buffer_printf(out, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        size_t length = *p < 0x80 ? 0 : utf8_printable(p, strlen((const char *)p));
        if (*p == '"' || *p == '\\') {
            buffer_printf(out, "\\%c", *p);
        } else if (length > 0) {
            buffer_add(out, p, length);
            p += length - 1;
        } else if (*p < 0x20 || *p >= 0x7f) {
            buffer_printf(out, "\\x%02x", *p);
        } else {
            buffer_printf(out, "%c", *p);
        }
    }
    buffer_printf(out, "\"");
}

static void put_size(struct buffer *out, uint64_t bytes)
{
    struct arena arena = {0};

    if (bytes % 1024 == 0 && bytes != 0) {
        buffer_printf(out, "%s", key_size_text(&arena, bytes));
    } else {
        buffer_printf(out, "0x%" PRIx64, bytes);
    }
    arena_release(&arena);
}

static void put_key_text(struct buffer *out, const char *key, const struct text *text)
{
    if (text->given) {
        buffer_printf(out, "    %s: ", key);
        put_text(out, text->value);
        buffer_printf(out, "\n");
    }
}

static void put_names(struct buffer *out, const char *key, const struct items *list)
{
    const struct text *text = list->item;

    if (list->count == 0) {
        return;
    }
    buffer_printf(out, "    %s: [", key);
    for (size_t i = 0; i < list->count; i++) {
        buffer_printf(out, i == 0 ? "" : ", ");
        put_text(out, text[i].value);
    }
    buffer_printf(out, "]\n");
}

static void put_numbers(struct buffer *out, const struct items *list, const char *format)
{
    const struct number *number = list->item;

    buffer_printf(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        buffer_printf(out, i == 0 ? "" : ", ");
        buffer_printf(out, strcmp(format, "hex") == 0 ? "0x%" PRIx64 : "%" PRIu64, number[i].value);
    }
    buffer_printf(out, "]");
}

static void put_memory(struct buffer *out, const struct domain *d)
{
    const struct range *range = d->static_memory.item;

    if (d->static_memory.count == 0) {
        buffer_printf(out, "    memory: ");
        put_size(out, d->memory.value);
        buffer_printf(out, "\n");
        return;
    }
    buffer_printf(out, "    static-memory:\n");
    for (size_t i = 0; i < d->static_memory.count; i++) {
        buffer_printf(out, "      - { base: 0x%" PRIx64 ", size: ", range[i].base.value);
        put_size(out, range[i].size.value);
        buffer_printf(out, " }\n");
    }
}

static void put_flags(struct buffer *out, const struct domain *d)
{
    if (d->role.given && d->role.value != ROLE_DOMU) {
        buffer_printf(out, "    role: %s\n", role_choices[d->role.value]);
    }
    if (d->safe.value) {
        buffer_printf(out, "    safe: true\n");
    }
    if (d->direct_map.value) {
        buffer_printf(out, "    direct-map: true\n");
    }
    if (d->argo.value != ARGO_NO) {
        buffer_printf(out, "    argo: %s\n", argo_choices[d->argo.value]);
    }
    if (d->restartable.value) {
        buffer_printf(out, "    restartable: true\n");
    }
    if (d->verify.value) {
        buffer_printf(out, "    verify: true\n");
    }
    if (d->console.value == CONSOLE_NONE) {
        buffer_printf(out, "    console: none\n");
    }
    if (d->force_dma.value) {
        buffer_printf(out, "    force-assign-without-iommu: true\n");
    }
}

static void put_health(struct buffer *out, const struct domain *d)
{
    if (d->health.at.file == NULL) {
        return;
    }
    buffer_printf(out, "    health:\n");
    for (unsigned i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        buffer_printf(out, "      %s: %s\n", event_names[i], action_choices[health_action(d, i)]);
    }
    buffer_printf(out,
                  "      max-restarts: %" PRIu64 "\n      within: %" PRIu64
                  "\n      fallback: %s\n      storm-limit: %" PRIu64 "\n",
                  d->health.max_restarts.value, d->health.within.value,
                  d->health.fallback.value != 0 ? "platform" : "halt", d->health.storm_limit.value);
}

static void put_domain(struct buffer *out, const struct domain *d)
{
    buffer_printf(out, "  ");
    put_text(out, d->name.value);
    buffer_printf(out, ":\n");
    put_flags(out, d);
    put_health(out, d);
    put_memory(out, d);
    if (d->vcpus.given) {
        buffer_printf(out, "    vcpus: %" PRIu64 "\n", d->vcpus.value);
    }
    if (d->cpus.given) {
        buffer_printf(out, "    cpus: ");
        put_numbers(out, &d->cpus, "decimal");
        buffer_printf(out, "\n");
    }
    if (d->nr_spis.given) {
        buffer_printf(out, "    nr-spis: %" PRIu64 "\n", d->nr_spis.value);
    }
    describe_domain_time(out, d);
    put_key_text(out, "kernel", &d->file[MODULE_KERNEL]);
    put_key_text(out, "ramdisk", &d->file[MODULE_RAMDISK]);
    put_key_text(out, "device-tree", &d->file[MODULE_DEVICE_TREE]);
    put_key_text(out, "bootargs", &d->bootargs);
    put_names(out, "after", &d->after);
    put_names(out, "passthrough", &d->passthrough);
}

static void put_channel(struct buffer *out, const struct channel *channel)
{
    const struct channel_end *end = channel->ends.item;
    struct arena arena = {0};

    buffer_printf(out, "  ");
    put_text(out, channel->name.value);
    buffer_printf(out, ":\n    ends:\n");
    for (size_t i = 0; i < channel->ends.count; i++) {
        buffer_printf(out, "      - { domain: ");
        put_text(out, end[i].domain.value);
        buffer_printf(out, ", port: %" PRIu64, end[i].port.value);
        if (end[i].min_interval.given) {
            buffer_printf(out, ", min-interval: %s", key_time_text(&arena, end[i].min_interval.value));
        }
        buffer_printf(out, " }\n");
    }
    arena_release(&arena);
}

static void put_share(struct buffer *out, const struct share *share)
{
    const struct share_use *use = share->domains.item;

    buffer_printf(out, "  ");
    put_text(out, share->name.value);
    buffer_printf(out, ":\n    size: ");
    put_size(out, share->size.value);
    buffer_printf(out, "\n");
    if (share->base.given) {
        buffer_printf(out, "    base: 0x%" PRIx64 "\n", share->base.value);
    }
    put_key_text(out, "owner", &share->owner);
    buffer_printf(out, "    domains:\n");
    for (size_t i = 0; i < share->domains.count; i++) {
        buffer_printf(out, "      - { domain: ");
        put_text(out, use[i].domain.value);
        buffer_printf(out, ", address: 0x%" PRIx64 "%s }\n", use[i].address.value,
                      use[i].read_only.value ? ", read-only: true" : "");
    }
}

void describe_shared(struct buffer *out, const struct system *s)
{
    const struct channel *channel = s->channels.item;
    const struct share *share = s->shared_memory.item;

    buffer_printf(out, "%s", s->channels.count > 0 ? "channels:\n" : "");
    for (size_t i = 0; i < s->channels.count; i++) {
        put_channel(out, &channel[i]);
    }
    buffer_printf(out, "%s", s->shared_memory.count > 0 ? "shared-memory:\n" : "");
    for (size_t i = 0; i < s->shared_memory.count; i++) {
        put_share(out, &share[i]);
    }
}

void describe_system(struct buffer *out, const struct system *s)
{
    buffer_printf(out, "system: ");
    put_text(out, s->name.value);
    buffer_printf(out, "\nboard: ");
    put_text(out, s->board_choice.name.value);
    buffer_printf(out, "\n%s%s", s->on_failure.value == ON_FAILURE_HALT ? "on-failure: halt\n" : "",
                  s->reboot.value == REBOOT_IMMEDIATE ? "reboot: immediate\n" : "");
    dynamic_describe(out, s);
    describe_pools(out, s);
    buffer_printf(out, "domains:\n");
    for (size_t i = 0; i < s->domains.count; i++) {
        put_domain(out, system_domain(s, i));
    }
    describe_shared(out, s);
}

static void put_range(struct buffer *out, const char *key, const struct number *base, const struct number *size)
{
    if (base->given) {
        buffer_printf(out, "%s: { base: 0x%" PRIx64 ", size: ", key, base->value);
        put_size(out, size->value);
        buffer_printf(out, " }\n");
    }
}

static void put_serial(struct buffer *out, const struct board *b)
{
    static const char *const kinds[] = {"none", "pl011", "imx"};

    buffer_printf(out, "uart: { kind: %s", kinds[b->uart.kind.value < 3 ? b->uart.kind.value : 0]);
    if (b->uart.base.given) {
        buffer_printf(out, ", base: 0x%" PRIx64 ", size: ", b->uart.base.value);
        put_size(out, b->uart.size.value);
        buffer_printf(out, ", interrupt: %" PRIu64, b->uart.interrupt.value);
    }
    buffer_printf(out, " }\n");
}

static void put_interrupts(struct buffer *out, const struct board *b)
{
    buffer_printf(out, "gic:\n  ");
    put_range(out, "distributor", &b->gic.distributor.base, &b->gic.distributor.size);
    buffer_printf(out, "  ");
    put_range(out, "redistributors", &b->gic.redistributors.base, &b->gic.redistributors.size);
    buffer_printf(out, "  stride: ");
    put_size(out, b->gic.stride.value);
    buffer_printf(out, "\n  spis: %" PRIu64 "\n  maintenance: %" PRIu64 "\n", b->gic.spis.value,
                  b->gic.maintenance.value);
    buffer_printf(out,
                  "timer: { hypervisor: %" PRIu64 ", virtual: %" PRIu64 ", physical: %" PRIu64 " }\npmu: %" PRIu64 "\n",
                  b->timer.hypervisor.value, b->timer.virtual.value, b->timer.physical.value, b->pmu.value);
}

void describe_board(struct buffer *out, const struct board *b)
{
    static const char *const conduits[] = {"none", "smc", "hvc"};
    const struct range *ram = b->memory.item;

    buffer_printf(out, "board: ");
    put_text(out, b->name.value);
    if (b->description.given) {
        buffer_printf(out, "\ndescription: ");
        put_text(out, b->description.value);
    }
    buffer_printf(out, "\nmpidrs: ");
    put_numbers(out, &b->mpidrs, "hex");
    buffer_printf(out, "\nmemory:\n");
    for (size_t i = 0; i < b->memory.count; i++) {
        buffer_printf(out, "  - { base: 0x%" PRIx64 ", size: ", ram[i].base.value);
        put_size(out, ram[i].size.value);
        buffer_printf(out, " }\n");
    }
    buffer_printf(out, "load-address: 0x%" PRIx64 "\npsci: %s\n", b->load_address.value,
                  conduits[b->psci.value < 3 ? b->psci.value : 0]);
    put_interrupts(out, b);
    put_serial(out, b);
    put_range(out, "rtc", &b->rtc.base, &b->rtc.size);
    if (b->watchdog.base.given) {
        buffer_printf(out, "watchdog: { kind: imx, base: 0x%" PRIx64 ", size: ", b->watchdog.base.value);
        put_size(out, b->watchdog.size.value);
        buffer_printf(out, " }\n");
    }
    put_range(out, "smmu", &b->smmu.base, &b->smmu.size);
}
