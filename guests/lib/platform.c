/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/fdt.h>
#include <guest/pl011.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/string.h>

#include <xen/xen.h>

struct platform platform = {
    .xen = true,
    .cpu_count = 1,
    .gicd = GUEST_GICV3_GICD_BASE,
    .gicr = GUEST_GICV3_GICR0_BASE,
    .gicr_size = GUEST_GICV3_GICR0_SIZE,
    .grant_base = GUEST_GNTTAB_BASE,
};

struct cells {
    uint32_t address;
    uint32_t size;
};

static struct cells cells_of(const struct dt *dt, uint32_t node)
{
    struct cells cells = {.address = 2, .size = 1};
    struct dt_property property;

    if (dt_property(dt, node, "#address-cells", &property)) {
        cells.address = (uint32_t)dt_cells(&property, 0, 1);
    }
    if (dt_property(dt, node, "#size-cells", &property)) {
        cells.size = (uint32_t)dt_cells(&property, 0, 1);
    }
    return cells;
}

static struct platform_range range_of(const struct dt_property *reg, struct cells cells, uint32_t index)
{
    uint32_t at = index * (cells.address + cells.size);

    return (struct platform_range){
        .base = dt_cells(reg, at, cells.address),
        .size = dt_cells(reg, at + cells.address, cells.size),
    };
}

static void read_cpus(const struct dt *dt, uint32_t root)
{
    uint32_t cpus = dt_find(dt, root, "cpus");
    struct cells cells = cells_of(dt, cpus);
    struct dt_property property;

    platform.cpu_count = 0;
    for (uint32_t node = dt_child(dt, cpus); node != DT_NONE; node = dt_next(dt, node)) {
        if (platform.cpu_count < GUEST_MAX_CPUS && strncmp(dt_name(dt, node), "cpu@", 4) == 0 &&
            dt_property(dt, node, "reg", &property)) {
            platform.mpidr[platform.cpu_count++] = dt_cells(&property, 0, cells.address);
        }
    }
    if (platform.cpu_count == 0) {
        platform.cpu_count = 1;
    }
}

static void read_memory(const struct dt *dt, uint32_t node, struct cells cells)
{
    struct dt_property reg;

    if (cells.address + cells.size == 0 || !dt_property(dt, node, "reg", &reg)) {
        return;
    }
    for (uint32_t i = 0; platform.ram_count < PLATFORM_MAX_RAM && i < reg.bytes / 4 / (cells.address + cells.size);
         i++) {
        platform.ram[platform.ram_count++] = range_of(&reg, cells, i);
    }
}

static void read_gic(const struct dt *dt, uint32_t node, struct cells cells)
{
    struct dt_property reg;

    if (dt_property(dt, node, "reg", &reg)) {
        platform.gicd = range_of(&reg, cells, 0).base;
        platform.gicr = range_of(&reg, cells, 1).base;
        platform.gicr_size = range_of(&reg, cells, 1).size;
    }
}

static void read_root_children(const struct dt *dt, uint32_t root)
{
    struct cells cells = cells_of(dt, root);
    struct dt_property property;

    for (uint32_t node = dt_child(dt, root); node != DT_NONE; node = dt_next(dt, node)) {
        if (strncmp(dt_name(dt, node), "memory", 6) == 0) {
            read_memory(dt, node, cells);
        } else if (dt_is_compatible(dt, node, "arm,gic-v3")) {
            read_gic(dt, node, cells);
        } else if ((dt_is_compatible(dt, node, "arm,pl011") || dt_is_compatible(dt, node, "arm,sbsa-uart")) &&
                   platform.uart == 0 && dt_property(dt, node, "reg", &property)) {
            platform.uart = range_of(&property, cells, 0).base;
            /* An SBSA UART has no control register and is on. */
            if (dt_is_compatible(dt, node, "arm,pl011")) {
                pl011_enable(platform.uart);
            }
        } else if (dt_is_compatible(dt, node, "arm,armv8-pmuv3")) {
            platform.has_pmu = true;
        } else if (dt_is_compatible(dt, node, "xen,xen")) {
            platform.xen = true;
            if (dt_property(dt, node, "reg", &property)) {
                platform.grant_base = range_of(&property, cells, 0).base;
            }
        }
    }
}

static void read_bootargs(const struct dt *dt, uint32_t root)
{
    struct dt_property property;

    if (dt_property(dt, dt_find(dt, root, "chosen"), "bootargs", &property)) {
        size_t length = strnlen((const char *)property.data, property.bytes);

        length = length < sizeof(platform.bootargs) ? length : sizeof(platform.bootargs) - 1;
        memcpy(platform.bootargs, property.data, length);
    }
}

void platform_init(uint64_t x0)
{
    struct dt dt;

    if (dt_open(&dt, (const void *)x0)) {
        uint32_t root = dt_root(&dt);

        platform.has_tree = true;
        platform.xen = false;
        read_cpus(&dt, root);
        read_root_children(&dt, root);
        read_bootargs(&dt, root);
    }
    console_set(platform.uart != 0 ? CONSOLE_UART : CONSOLE_XEN, platform.uart);
}

void platform_print_by_hypercall(void)
{
    if (platform.xen && platform_argument("uart", 0) == 0) {
        console_set(CONSOLE_XEN, platform.uart);
    }
}

uint64_t platform_argument(const char *name, uint64_t fallback)
{
    size_t length = strlen(name);
    const char *at = platform.bootargs;
    uint64_t value = 0;

    while (strncmp(at, name, length) != 0 || at[length] != '=') {
        at = strchr(at, ' ');
        if (at == NULL) {
            return fallback;
        }
        at++;
    }
    for (at += length + 1; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
    }
    return value;
}
