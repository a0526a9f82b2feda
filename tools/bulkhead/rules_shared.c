// SPDX-License-Identifier: Apache-2.0
/* The rules of what domains have in common: channels and shared memory. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "system.h"

#define PAGE UINT64_C(0x1000)

static const struct channel *channel_at(const struct system *s, size_t i)
{
    return (const struct channel *)s->channels.item + i;
}

static const struct share *share_at(const struct system *s, size_t i)
{
    return (const struct share *)s->shared_memory.item + i;
}

/* The domain that the text names; NULL, and said once, when there is none. */
static const struct domain *named(struct diags *d, const struct system *s, const struct text *name)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (name->given && strcmp(system_domain(s, i)->name.value, name->value) == 0) {
            return system_domain(s, i);
        }
    }
    if (name->given && d != NULL) {
        diag_error(d, name->at, "shared-with-unknown", "there is no domain `%s`; write a name from `domains`",
                   name->value);
    }
    return NULL;
}

static void check_name(struct diags *d, const struct text *name, unsigned most)
{
    size_t length = strlen(name->value);

    if (length == 0 || length > most || !isalpha((unsigned char)name->value[0]) ||
        strspn(name->value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != length) {
        diag_error(d, name->at, "shared-name",
                   "`%s` is no name here; write a letter, then at most %u letters, digits, `_`, `.` or `-`",
                   name->value, most - 1);
    }
}

/* ---- channels ---- */

/* Where a port was used before. */
static void check_port(struct diags *d, const struct system *s, size_t index, size_t which)
{
    const struct channel_end *end = (const struct channel_end *)channel_at(s, index)->ends.item + which;

    for (size_t i = 0; i <= index; i++) {
        const struct channel *other = channel_at(s, i);
        const struct channel_end *ends = other->ends.item;
        for (size_t j = 0; j < (i == index ? which : other->ends.count); j++) {
            if (end->port.given && ends[j].port.given && ends[j].port.value == end->port.value && end->domain.given &&
                ends[j].domain.given && strcmp(ends[j].domain.value, end->domain.value) == 0) {
                diag_error(d, end->port.at, "channel-port",
                           "port %" PRIu64 " of `%s` belongs to channel `%s` already; write another number",
                           end->port.value, end->domain.value, other->name.value);
                return;
            }
        }
    }
}

static void check_interval(struct diags *d, const struct system *s, const struct channel_end *to,
                           const struct channel_end *from)
{
    const struct domain *receiver = named(NULL, s, &to->domain);
    const struct domain *sender = named(NULL, s, &from->domain);

    if (receiver != NULL && sender != NULL && receiver->safe.value && !sender->safe.value &&
        to->min_interval.at.file == NULL) {
        diag_error(
            d, to->at, "channel-min-interval",
            "`%s` is safe and `%s` is not, so events from there must have a limit; write `min-interval: 1 ms`, or "
            "`min-interval: 0 ns` for no limit on purpose",
            to->domain.value, from->domain.value);
    }
}

static void check_channel(struct diags *d, const struct system *s, size_t index)
{
    const struct channel *channel = channel_at(s, index);
    const struct channel_end *ends = channel->ends.item;

    check_name(d, &channel->name, DOMAIN_NAME_MAX);
    if (channel->ends.given && channel->ends.count != 2) {
        diag_error(d, channel->ends.at, "channel-ends", "a channel has two ends, `%s` has %zu; write two",
                   channel->name.value, channel->ends.count);
        return;
    }
    for (size_t i = 0; i < channel->ends.count; i++) {
        named(d, s, &ends[i].domain);
        check_port(d, s, index, i);
        check_interval(d, s, &ends[i], &ends[1 - i]);
    }
}

static void check_channels(struct diags *d, const struct system *s)
{
    if (s->channels.count > LAUNCH_MAX_CHANNEL_ENDS / 2) {
        diag_error(d, s->channels.at, "too-many-channels", "there are %zu channels; write at most %u",
                   s->channels.count, LAUNCH_MAX_CHANNEL_ENDS / 2);
        return;
    }
    for (size_t i = 0; i < s->channels.count; i++) {
        check_channel(d, s, i);
    }
}

/* ---- shared memory: who ---- */

static const struct share_use *use_at(const struct share *share, size_t i)
{
    return (const struct share_use *)share->domains.item + i;
}

static void check_owner(struct diags *d, const struct system *s, const struct share *share)
{
    if (named(d, s, &share->owner) == NULL) {
        return;
    }
    for (size_t i = 0; i < share->domains.count; i++) {
        if (use_at(share, i)->domain.given && strcmp(use_at(share, i)->domain.value, share->owner.value) == 0) {
            return;
        }
    }
    diag_error(d, share->owner.at, "shared-memory-owner",
               "`%s` owns `%s` but does not see it; add it to `domains`, or leave `owner` out", share->owner.value,
               share->name.value);
}

static void check_who(struct diags *d, const struct system *s, const struct share *share)
{
    check_name(d, &share->name, LAUNCH_SHARE_ID_BYTES - 1);
    if (share->domains.given && share->domains.count == 0) {
        diag_error(d, share->domains.at, "shared-memory-domains",
                   "nobody sees `%s`; write the domains that do, and at which address", share->name.value);
    }
    for (size_t i = 0; i < share->domains.count; i++) {
        named(d, s, &use_at(share, i)->domain);
    }
    check_owner(d, s, share);
}

void rules_check_shared(struct diags *d, const struct system *s)
{
    size_t uses = 0;

    check_channels(d, s);
    for (size_t i = 0; i < s->shared_memory.count; i++) {
        check_who(d, s, share_at(s, i));
        uses += share_at(s, i)->domains.count;
    }
    if (s->shared_memory.count > LAUNCH_MAX_SHARES || uses > LAUNCH_MAX_SHARE_USES) {
        diag_error(d, s->shared_memory.at, "too-much-shared-memory",
                   "there are %zu regions seen %zu times; write at most %u, seen at most %u times",
                   s->shared_memory.count, uses, LAUNCH_MAX_SHARES, LAUNCH_MAX_SHARE_USES);
    }
}

/* ---- shared memory: where ---- */

/* Bases and sizes are below 2^52: sums cannot wrap. */
static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a_size > 0 && b_size > 0 && a < b + b_size && b < a + a_size;
}

static bool is_aligned(const struct share *share)
{
    uint64_t all = share->size.value | share->base.value;

    for (size_t i = 0; i < share->domains.count; i++) {
        all |= use_at(share, i)->address.value;
    }
    return all % PAGE == 0;
}

static bool overlaps_static(const struct system *s, const struct share *share)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        const struct range *range = domain->static_memory.item;
        for (size_t j = 0; j < domain->static_memory.count; j++) {
            if (overlap(share->base.value, share->size.value, range[j].base.value, range[j].size.value)) {
                return true;
            }
        }
    }
    return false;
}

static bool overlaps_earlier(const struct system *s, size_t index)
{
    const struct share *share = share_at(s, index);

    for (size_t i = 0; i < index; i++) {
        const struct share *other = share_at(s, i);
        if (other->base.given && overlap(share->base.value, share->size.value, other->base.value, other->size.value)) {
            return true;
        }
    }
    return false;
}

static void check_machine(struct diags *d, const struct system *s, size_t index, struct image_span span)
{
    const struct share *share = share_at(s, index);
    uint64_t base = share->base.value;
    uint64_t size = share->size.value;

    if (!is_aligned(share)) {
        diag_error(d, share->at, "shared-memory-aligned",
                   "the place of `%s` is not 4 KiB aligned; write multiples of 0x1000", share->name.value);
    }
    if (!share->base.given) {
        return;
    }
    if (!board_has_ram(&s->board, base, size)) {
        diag_error(d, share->base.at, "shared-memory-ram",
                   "0x%" PRIx64 " to 0x%" PRIx64 " is not in the RAM of board `%s`; leave `base` out, or write another",
                   base, base + size, s->board.name.value);
    }
    if (overlap(base, size, span.base, span.size) || overlaps_static(s, share) || overlaps_earlier(s, index)) {
        diag_error(d, share->base.at, "shared-memory-overlap",
                   "0x%" PRIx64 " to 0x%" PRIx64
                   " is the image's, a domain's or another region's; leave `base` out, or write another",
                   base, base + size);
    }
}

/* Guest-physical ranges that a domain which is not direct-mapped has besides its RAM. */
static const struct {
    uint64_t base, size;
} guest_devices[] = {
    {LAUNCH_GICD_BASE, LAUNCH_GICR_BASE + DOMAIN_VCPUS_MAX *LAUNCH_GICR_STRIDE - LAUNCH_GICD_BASE},
    {LAUNCH_PL011_BASE, LAUNCH_PL011_SIZE},
    {LAUNCH_GNTTAB_BASE, LAUNCH_GNTTAB_SIZE},
    {LAUNCH_MAGIC_BASE, LAUNCH_MAGIC_SIZE},
};

static bool is_ram_of(const struct domain *domain, uint64_t address, uint64_t size)
{
    uint64_t low = domain->memory.value < LAUNCH_RAM0_SIZE ? domain->memory.value : LAUNCH_RAM0_SIZE;
    const struct range *range = domain->static_memory.item;

    if (!domain->direct_map.value) {
        return overlap(address, size, LAUNCH_RAM0_BASE, low) ||
               overlap(address, size, LAUNCH_RAM1_BASE, domain->memory.value - low);
    }
    for (size_t i = 0; i < domain->static_memory.count; i++) {
        if (overlap(address, size, range[i].base.value, range[i].size.value)) {
            return true;
        }
    }
    return false;
}

static bool is_device_of(const struct domain *domain, uint64_t address, uint64_t size)
{
    for (size_t i = 0; !domain->direct_map.value && i < sizeof(guest_devices) / sizeof(guest_devices[0]); i++) {
        if (overlap(address, size, guest_devices[i].base, guest_devices[i].size)) {
            return true;
        }
    }
    return false;
}

/* The name of what the domain sees there already, NULL = nothing. */
static const char *earlier_use(const struct system *s, size_t index, size_t which)
{
    const struct share *share = share_at(s, index);
    const struct share_use *use = use_at(share, which);

    for (size_t i = 0; i <= index; i++) {
        const struct share *other = share_at(s, i);
        for (size_t j = 0; j < (i == index ? which : other->domains.count); j++) {
            const struct share_use *theirs = use_at(other, j);
            if (theirs->domain.given && strcmp(theirs->domain.value, use->domain.value) == 0 &&
                overlap(use->address.value, share->size.value, theirs->address.value, other->size.value)) {
                return other->name.value;
            }
        }
    }
    return NULL;
}

static void check_guest(struct diags *d, const struct system *s, size_t index, size_t which)
{
    const struct share *share = share_at(s, index);
    const struct share_use *use = use_at(share, which);
    const struct domain *domain = named(NULL, s, &use->domain);
    uint64_t address = use->address.value;

    if (domain == NULL || !use->address.given) {
        return;
    }
    const char *other = earlier_use(s, index, which);
    if (domain->direct_map.value && (!share->base.given || address != share->base.value)) {
        diag_error(d, use->address.at, "shared-memory-direct",
                   "`%s` is direct-mapped and sees `%s` at its machine address; write `base` and the same `address`",
                   domain->name.value, share->name.value);
    } else if (address + share->size.value > LAUNCH_GUEST_SPACE) {
        diag_error(d, use->address.at, "shared-memory-guest",
                   "`%s` at 0x%" PRIx64 " ends beyond the addresses of `%s`; write a lower one", share->name.value,
                   address, domain->name.value);
    } else if (is_ram_of(domain, address, share->size.value)) {
        diag_error(d, use->address.at, "shared-memory-guest",
                   "`%s` has RAM of its own at 0x%" PRIx64 "; write an address outside, as 0x20000000",
                   domain->name.value, address);
    } else if (is_device_of(domain, address, share->size.value)) {
        diag_error(d, use->address.at, "shared-memory-guest",
                   "`%s` has a device at 0x%" PRIx64 "; write an address outside, as 0x28000000", domain->name.value,
                   address);
    } else if (other != NULL) {
        diag_error(d, use->address.at, "shared-memory-guest", "`%s` sees `%s` there; write an address behind it",
                   domain->name.value, other);
    }
}

void rules_check_shared_memory(struct diags *d, const struct system *s, struct image_span span)
{
    for (size_t i = 0; i < s->shared_memory.count; i++) {
        check_machine(d, s, i, span);
        for (size_t j = 0; j < share_at(s, i)->domains.count; j++) {
            check_guest(d, s, i, j);
        }
    }
}

uint64_t rules_shared_bytes(const struct system *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->shared_memory.count; i++) {
        const struct share *share = share_at(s, i);
        sum += share->size.value;
        sum += share->domains.count * (LAUNCH_POOL_SHARE_PAGES * PAGE + share->size.value / 512);
    }
    return sum;
}
