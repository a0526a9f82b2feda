// SPDX-License-Identifier: Apache-2.0
/* The rules of devices that are given to domains. */
#include "system.h"

#include <inttypes.h>

#include "passthrough.h"

static void check_force(struct diags *d, const struct system *s, const struct domain *domain)
{
    if (domain->force_dma.value && rules_has_safe(s)) {
        diag_error(d, domain->force_dma.at, "force-with-safe",
                   "there are safe domains, and a device that nothing confines could change their memory; leave "
                   "`force-assign-without-iommu` out");
    } else if (domain->force_dma.value && !domain->direct_map.value) {
        diag_error(d, domain->force_dma.at, "force-direct-map",
                   "a device that reads and writes memory by itself does so at machine addresses; write `direct-map: "
                   "true` too");
    }
}

/* Its interrupts have a virtual one of the same number. */
static void check_device_interrupts(struct diags *d, const struct domain *domain, const struct text *path,
                                    const struct board_device *device)
{
    const struct number *intid = device->interrupts.item;

    for (size_t i = 0; i < device->interrupts.count; i++) {
        if (domain->nr_spis.given && intid[i].value >= 32 + domain->nr_spis.value) {
            diag_error(d, path->at, "passthrough-spis",
                       "interrupt %" PRIu64 " of `%s` needs `nr-spis: %" PRIu64 "` at least; write that, or leave the "
                       "key out",
                       intid[i].value, path->value, intid[i].value - 31);
        }
    }
}

static void check_device(struct diags *d, const struct system *s, const struct domain *domain, const struct text *path)
{
    const struct board_device *device = passthrough_find(&s->board, path->value);

    if (device == NULL) {
        diag_error(d, path->at, "passthrough-device",
                   "board `%s` has no device `%s`; write a path or an alias that its description lists below `devices`",
                   s->board.name.value, path->value);
    } else if (device->dma.value && !domain->force_dma.value) {
        diag_error(
            d, path->at, "passthrough-dma",
            "`%s` reads and writes memory by itself, and nothing confines it yet; leave it out until the SMMU driver "
            "exists",
            path->value);
    } else {
        check_device_interrupts(d, domain, path, device);
    }
}

static bool shares_interrupt(const struct board_device *a, const struct board_device *b, uint64_t *intid)
{
    const struct number *x = a->interrupts.item;
    const struct number *y = b->interrupts.item;

    for (size_t i = 0; i < a->interrupts.count; i++) {
        for (size_t j = 0; j < b->interrupts.count; j++) {
            if (x[i].value == y[j].value) {
                *intid = x[i].value;
                return true;
            }
        }
    }
    return false;
}

static void check_two_devices(struct diags *d, const struct system *s, const struct domain *owner,
                              const struct text *first, const struct text *second)
{
    const struct board_device *a = passthrough_find(&s->board, first->value);
    const struct board_device *b = passthrough_find(&s->board, second->value);
    uint64_t intid;

    if (a == NULL || b == NULL) {
        return;
    }
    if (a == b) {
        diag_error(d, second->at, "passthrough-shared",
                   "`%s` belongs to domain `%s` already; give it to one domain only", second->value, owner->name.value);
    } else if (a->base.value < b->base.value + b->size.value && b->base.value < a->base.value + a->size.value) {
        diag_error(d, second->at, "passthrough-shared",
                   "the registers of `%s` overlap those of `%s`, which `%s` has; give both to one domain",
                   second->value, first->value, owner->name.value);
    } else if (shares_interrupt(a, b, &intid)) {
        diag_error(d, second->at, "interrupt-shared",
                   "interrupt %" PRIu64 " of `%s` is also that of `%s`, which `%s` has; give both to one domain", intid,
                   second->value, first->value, owner->name.value);
    }
}

void rules_check_devices(struct diags *d, const struct system *s, size_t index)
{
    const struct domain *domain = system_domain(s, index);
    const struct text *path = domain->passthrough.item;

    check_force(d, s, domain);
    for (size_t i = 0; i < domain->passthrough.count; i++) {
        if (!path[i].given) {
            continue;
        }
        check_device(d, s, domain, &path[i]);
        if (i == 0 && domain->file[MODULE_DEVICE_TREE].given) {
            diag_error(
                d, path[i].at, "passthrough-tree",
                "`%s` has a partial device tree of its own; describe the device there, or leave `device-tree` out",
                domain->name.value);
        }
        for (size_t j = 0; j < index; j++) {
            const struct domain *other = system_domain(s, j);
            const struct text *theirs = other->passthrough.item;
            for (size_t k = 0; k < other->passthrough.count; k++) {
                check_two_devices(d, s, other, &theirs[k], &path[i]);
            }
        }
    }
}
