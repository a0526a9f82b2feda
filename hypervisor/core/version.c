/* SPDX-License-Identifier: Apache-2.0 */
/* xen_version: what a guest may know about the hypervisor.
 * [impl->dsn~xen-version~1] */
#include "core/domain.h"
#include "core/hypercall.h"
#include "lib/string.h"

#include <xen/version.h>

#define ABI_MAJOR 4
#define ABI_MINOR 17

static const xen_extraversion_t extraversion = ".bulkhead";
static const xen_changeset_info_t changeset = "unavailable";
static const struct xen_compile_info compile_info = {.compiler = __VERSION__, .compile_by = "bulkhead"};
static const char capabilities[] = "xen-3.0-aarch64 ";

static uint32_t features(const struct domain *d)
{
    uint32_t bits = (1u << XENFEAT_writable_page_tables) | (1u << XENFEAT_auto_translated_physmap) |
                    (1u << XENFEAT_ARM_SMCCC_supported);
    bool direct = (d->flags & BULKHEAD_DOMAIN_DIRECT) != 0u;

    return bits | (1u << (direct ? XENFEAT_direct_mapped : XENFEAT_not_direct_mapped));
}

static int64_t get_features(const struct vcpu *v, gva_t arg)
{
    struct xen_feature_info info;
    err_t err = copy_in(&info, arg, sizeof(info));

    if (err != OK) {
        return err;
    }
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS) {
        return ERR_INVAL;
    }
    info.submap = features(v->domain);
    return copy_out(arg, &info, sizeof(info));
}

static int64_t get_capabilities(gva_t arg)
{
    xen_capabilities_info_t text = {0};

    memcpy(text, capabilities, sizeof(capabilities));
    return copy_out(arg, text, sizeof(text));
}

/* Its length; it is copied behind the length of the caller's buffer, if there is one. */
static int64_t get_build_id(gva_t arg)
{
    uint32_t room;
    err_t err;

    if (arg.v == 0u) {
        return BUILD_ID_BYTES;
    }
    err = copy_in(&room, arg, sizeof(room));
    if (err == OK && room < BUILD_ID_BYTES) {
        err = (room == 0u) ? ERR_INVAL : ERR_NOBUFS;
    }
    if (err == OK) {
        err = copy_out(GVA(arg.v + offsetof(struct xen_build_id, buf)), arch_build_id(), BUILD_ID_BYTES);
    }
    return (err == OK) ? BUILD_ID_BYTES : err;
}

static int64_t slow(const struct vcpu *v, uint32_t cmd, gva_t arg)
{
    struct xen_platform_parameters none = {0};

    switch (cmd) {
    case XENVER_extraversion:
        return copy_out(arg, extraversion, sizeof(extraversion));
    case XENVER_compile_info:
        return copy_out(arg, &compile_info, sizeof(compile_info));
    case XENVER_capabilities:
        return get_capabilities(arg);
    case XENVER_changeset:
        return copy_out(arg, changeset, sizeof(changeset));
    case XENVER_platform_parameters:
        return copy_out(arg, &none, sizeof(none));
    case XENVER_get_features:
        return get_features(v, arg);
    case XENVER_pagesize:
        return (int64_t)PAGE_SIZE;
    case XENVER_guest_handle:
        return copy_out(arg, v->domain->handle, sizeof(v->domain->handle));
    case XENVER_commandline:
        return copy_out(arg, "", 1); /* there is none */
    case XENVER_build_id:
        return get_build_id(arg);
    default:
        return ERR_NOSYS;
    }
}

int64_t version_op(struct vcpu *v, uint64_t *args)
{
    uint32_t cmd = (uint32_t)args[0];

    if (LIKELY(cmd == XENVER_version)) {
        return (ABI_MAJOR << 16) | ABI_MINOR;
    }
    return slow(v, cmd, GVA(args[1]));
}
