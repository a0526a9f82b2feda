/* SPDX-License-Identifier: Apache-2.0 */
#include "guest_fdt.h"

#include <string.h>

#include <libfdt.h>

#include "guest_layout.h"
#include "passthrough.h"
#include "range.h"
#include "text.h"

#define PHANDLE_GIC     65000u
#define SPI_CELL        0u
#define PPI_CELL        1u
#define SPI_FIRST       32u
#define PPI_FIRST       16u
#define LEVEL_HIGH      4u
#define LEVEL_LOW_ALL   0xf08u /* active low, all CPUs: as Xen describes timer and event channel */
#define UART_SPEED      115200u
#define HOLE_FIRST      UINT64_C(0x1000000)
#define HOLE_LAST       UINT64_C(0x8000000000)
#define NODE_NAME_BYTES 40u
#define MAGIC_BYTES     (2u * LAYOUT_PAGE) /* a direct-mapped domain has them behind its grants */

/* A tree under construction; the first error stays. */
struct writer {
    void *fdt;
    int error;
};

static void keep(struct writer *writer, int error)
{
    if (writer->error == 0) {
        writer->error = error;
    }
}

static void begin(struct writer *writer, const char *name)
{
    keep(writer, fdt_begin_node(writer->fdt, name));
}

/* NAME@ADDRESS */
static void begin_at(struct writer *writer, const char *name, uint64_t address)
{
    char text[NODE_NAME_BYTES];

    text_format(text, sizeof(text), "%s@%lx", name, (unsigned long)address);
    begin(writer, text);
}

static void end(struct writer *writer)
{
    keep(writer, fdt_end_node(writer->fdt));
}

static void put_u32(struct writer *writer, const char *name, uint32_t value)
{
    keep(writer, fdt_property_u32(writer->fdt, name, value));
}

static void put_u64(struct writer *writer, const char *name, uint64_t value)
{
    keep(writer, fdt_property_u64(writer->fdt, name, value));
}

static void put_text(struct writer *writer, const char *name, const char *text)
{
    keep(writer, fdt_property_string(writer->fdt, name, text));
}

/* bytes counts the NULs between and after the strings of a list. */
static void put_texts(struct writer *writer, const char *name, const char *texts, uint32_t bytes)
{
    keep(writer, fdt_property(writer->fdt, name, texts, (int)bytes));
}

static void put_mark(struct writer *writer, const char *name)
{
    keep(writer, fdt_property(writer->fdt, name, NULL, 0));
}

#define MAX_CELLS (4u * KERNEL_MAX_BANKS)

static void put_cells(struct writer *writer, const char *name, const uint32_t *cells, uint32_t count)
{
    fdt32_t raw[MAX_CELLS];

    for (uint32_t i = 0; i < count && i < MAX_CELLS; i++) {
        raw[i] = cpu_to_fdt32(cells[i]);
    }
    keep(writer, fdt_property(writer->fdt, name, raw, (int)(count * sizeof(raw[0]))));
}

static void put_ranges(struct writer *writer, const struct board_range *ranges, uint32_t count)
{
    uint32_t cells[MAX_CELLS];

    for (uint32_t i = 0; i < count && i < KERNEL_MAX_BANKS; i++) {
        cells[4 * i] = (uint32_t)(ranges[i].base >> 32);
        cells[4 * i + 1] = (uint32_t)ranges[i].base;
        cells[4 * i + 2] = (uint32_t)(ranges[i].size >> 32);
        cells[4 * i + 3] = (uint32_t)ranges[i].size;
    }
    put_cells(writer, "reg", cells, 4 * count);
}

static void put_interrupt(struct writer *writer, uint32_t kind, uint32_t number, uint32_t flags)
{
    const uint32_t cells[] = {kind, number, flags};

    put_cells(writer, "interrupts", cells, 3);
}

static void write_root(struct writer *writer)
{
    static const char compatible[] = "xen,xenvm-4.17\0xen,xenvm";

    put_u32(writer, "#address-cells", 2);
    put_u32(writer, "#size-cells", 2);
    put_text(writer, "model", "XENVM-4.17");
    put_texts(writer, "compatible", compatible, sizeof(compatible));
    put_u32(writer, "interrupt-parent", PHANDLE_GIC);
}

static void write_chosen(struct writer *writer, const struct guest_fdt_input *input)
{
    char path[NODE_NAME_BYTES];

    begin(writer, "chosen");
    if (input->domain->bootargs != NULL) {
        put_text(writer, "bootargs", input->domain->bootargs);
    }
    if (input->ramdisk != 0) {
        put_u64(writer, "linux,initrd-start", input->ramdisk);
        put_u64(writer, "linux,initrd-end", input->ramdisk + input->ramdisk_size);
    }
    if (input->devices->uart.size != 0) {
        text_format(path, sizeof(path), "/sbsa-uart@%lx", (unsigned long)input->devices->uart.base);
        put_text(writer, "stdout-path", path);
    }
    end(writer);
}

static void write_cpus(struct writer *writer, uint32_t count)
{
    begin(writer, "cpus");
    put_u32(writer, "#address-cells", 1);
    put_u32(writer, "#size-cells", 0);
    for (uint32_t i = 0; i < count; i++) {
        begin_at(writer, "cpu", guest_cpu_affinity(i));
        put_text(writer, "device_type", "cpu");
        put_text(writer, "compatible", "arm,armv8");
        put_text(writer, "enable-method", "psci");
        put_u32(writer, "reg", (uint32_t)guest_cpu_affinity(i));
        end(writer);
    }
    end(writer);
}

static void write_psci(struct writer *writer)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

    begin(writer, "psci");
    put_texts(writer, "compatible", compatible, sizeof(compatible));
    put_text(writer, "method", "hvc");
    end(writer);
}

static void write_memory(struct writer *writer, const struct kernel_banks *banks)
{
    begin_at(writer, "memory", banks->bank[0].base);
    put_text(writer, "device_type", "memory");
    put_ranges(writer, banks->bank, banks->count);
    end(writer);
}

static void write_gic(struct writer *writer, const struct guest_devices *devices)
{
    const struct board_range reg[] = {devices->gicd, devices->gicr};

    begin_at(writer, "interrupt-controller", devices->gicd.base);
    put_text(writer, "compatible", "arm,gic-v3");
    put_u32(writer, "#interrupt-cells", 3);
    put_u32(writer, "#address-cells", 0);
    put_mark(writer, "interrupt-controller");
    put_u64(writer, "redistributor-stride", LAUNCH_GICR_STRIDE);
    put_u32(writer, "#redistributor-regions", 1);
    put_ranges(writer, reg, 2);
    put_u32(writer, "phandle", PHANDLE_GIC);
    end(writer);
}

static void write_timer(struct writer *writer)
{
    static const uint32_t interrupts[] = {
        PPI_CELL, LAYOUT_TIMER_PHYS_S_PPI - PPI_FIRST,  LEVEL_LOW_ALL,
        PPI_CELL, LAYOUT_TIMER_PHYS_NS_PPI - PPI_FIRST, LEVEL_LOW_ALL,
        PPI_CELL, LAYOUT_TIMER_VIRT_PPI - PPI_FIRST,    LEVEL_LOW_ALL,
    };

    begin(writer, "timer");
    put_text(writer, "compatible", "arm,armv8-timer");
    put_cells(writer, "interrupts", interrupts, sizeof(interrupts) / sizeof(interrupts[0]));
    end(writer);
}

static void write_pmu(struct writer *writer)
{
    begin(writer, "pmu");
    put_text(writer, "compatible", "arm,armv8-pmuv3");
    put_interrupt(writer, PPI_CELL, LAUNCH_PMU_PPI - PPI_FIRST, LEVEL_HIGH);
    end(writer);
}

static void write_uart(struct writer *writer, const struct board_range *uart)
{
    begin_at(writer, "sbsa-uart", uart->base);
    put_text(writer, "compatible", "arm,sbsa-uart");
    put_ranges(writer, uart, 1);
    put_interrupt(writer, SPI_CELL, LAYOUT_PL011_SPI - SPI_FIRST, LEVEL_HIGH);
    put_u32(writer, "current-speed", UART_SPEED);
    end(writer);
}

/* Nothing of the domain is there. */
static bool is_unused(const struct guest_fdt_input *input, const struct board_range *range)
{
    const struct plan *plan = input->plan;
    bool is_used = input->partial != NULL; /* devices can be anywhere */

    for (uint32_t i = 0; i < input->banks->count; i++) {
        is_used = is_used || range_overlaps(&input->banks->bank[i], range);
    }
    for (uint32_t i = 0; plan != NULL && i < plan->use_count; i++) {
        struct board_range share = {.base = plan->uses[i].guest,
                                    .size = plan->shares[plan->uses[i].share].machine.size};
        is_used = is_used || (input->domain == &plan->domains[plan->uses[i].domain] && range_overlaps(&share, range));
    }
    return !is_used && (input->domain->flags & BULKHEAD_DOMAIN_DIRECT) == 0;
}

/* Behind the space for grant frames: that for what others grant, where there is some.
 * [impl->dsn~boot-extended-region~1] */
static void write_hypervisor(struct writer *writer, const struct guest_fdt_input *input)
{
    static const char compatible[] = "xen,xen-4.17\0xen,xen";
    const struct board_range reg[] = {input->devices->grants,
                                      {.base = LAYOUT_EXTENDED_BASE, .size = LAYOUT_EXTENDED_SIZE}};

    begin(writer, "hypervisor");
    put_texts(writer, "compatible", compatible, sizeof(compatible));
    put_ranges(writer, reg, is_unused(input, &reg[1]) ? 2 : 1);
    put_interrupt(writer, PPI_CELL, LAYOUT_EVTCHN_PPI - PPI_FIRST, LEVEL_LOW_ALL);
    end(writer);
}

/* A region of shared memory, as Xen describes it to a guest. */
static void write_share(struct writer *writer, const struct plan_share *share, uint64_t guest)
{
    struct board_range range = {.base = guest, .size = share->machine.size};

    begin_at(writer, "xen-shmem", guest);
    put_text(writer, "compatible", "xen,shared-memory-v1");
    put_ranges(writer, &range, 1);
    put_text(writer, "xen,id", share->id);
    put_u64(writer, "xen,offset", 0);
    end(writer);
}

/* [impl->dsn~boot-shared-memory~1] */
static void write_shares(struct writer *writer, const struct plan *plan, uint32_t index)
{
    bool is_open = false;

    for (uint32_t i = 0; i < plan->use_count; i++) {
        if (plan->uses[i].domain != index) {
            continue;
        }
        if (!is_open) {
            begin(writer, "reserved-memory");
            put_u32(writer, "#address-cells", 2);
            put_u32(writer, "#size-cells", 2);
            put_mark(writer, "ranges");
            is_open = true;
        }
        write_share(writer, &plan->shares[plan->uses[i].share], plan->uses[i].guest);
    }
    if (is_open) {
        end(writer);
    }
}

static void write_nodes(struct writer *writer, const struct guest_fdt_input *input)
{
    const struct guest_devices *devices = input->devices;

    begin(writer, "");
    write_root(writer);
    write_chosen(writer, input);
    write_cpus(writer, input->domain->vcpus);
    write_psci(writer);
    write_memory(writer, input->banks);
    if (input->plan != NULL) {
        write_shares(writer, input->plan, (uint32_t)(input->domain - input->plan->domains));
    }
    write_gic(writer, devices);
    write_timer(writer);
    write_pmu(writer);
    if (devices->uart.size != 0) {
        write_uart(writer, &devices->uart);
    }
    if (input->domain->xen_node) {
        write_hypervisor(writer, input);
    }
    if (input->partial != NULL) {
        keep(writer, passthrough_copy(writer->fdt, input->partial));
    }
    end(writer);
}

bool guest_fdt_build(const struct guest_fdt_input *input, uint8_t *to, uint64_t *size)
{
    struct writer writer = {.fdt = to, .error = 0};

    keep(&writer, fdt_create_with_flags(to, GUEST_FDT_BYTES, FDT_CREATE_FLAG_NO_NAME_DEDUP));
    keep(&writer, fdt_finish_reservemap(to));
    write_nodes(&writer, input);
    keep(&writer, fdt_finish(to));
    if (writer.error != 0) {
        log_problem(input->domain->name,
                    "the guest's device tree: %s; at most %u bytes: shorten bootargs or the partial tree",
                    fdt_strerror(writer.error), GUEST_FDT_BYTES);
        return false;
    }
    *size = fdt_totalsize((const void *)to);
    return true;
}

static bool is_free(const struct plan_domain *domain, const struct guest_devices *devices,
                    const struct board_range *range)
{
    for (uint32_t i = 0; i < domain->fixed_count; i++) {
        if (range_overlaps(range, &domain->fixed[i])) {
            return false;
        }
    }
    return !range_overlaps(range, &devices->gicd) && !range_overlaps(range, &devices->gicr) &&
           !range_overlaps(range, &devices->uart);
}

/* A direct-mapped domain has its RAM where the board has it: look for space that nothing of it uses.
 * Bound: HOLE_LAST / LAYOUT_GNTTAB_SIZE steps; a hole is among the first few. */
static struct board_range find_grant_space(const struct plan_domain *domain, const struct guest_devices *devices)
{
    struct board_range range = {.base = LAYOUT_GNTTAB_BASE, .size = LAYOUT_GNTTAB_SIZE};

    for (uint64_t base = HOLE_FIRST; base < HOLE_LAST && !is_free(domain, devices, &range);
         base += LAYOUT_GNTTAB_SIZE) {
        range.base = base;
    }
    return range;
}

void guest_devices_of(const struct plan_domain *domain, const struct board_table *board, struct guest_devices *devices)
{
    bool has_uart = (domain->flags & BULKHEAD_DOMAIN_VPL011) != 0;
    uint64_t gicr_size = domain->vcpus * LAUNCH_GICR_STRIDE;

    memset(devices, 0, sizeof(*devices));
    if ((domain->flags & BULKHEAD_DOMAIN_DIRECT) == 0) {
        devices->gicd = (struct board_range){.base = LAYOUT_GICD_BASE, .size = LAYOUT_GICD_SIZE};
        devices->gicr = (struct board_range){.base = LAYOUT_GICR_BASE, .size = gicr_size};
        devices->uart = (struct board_range){.base = LAYOUT_PL011_BASE, .size = has_uart ? LAYOUT_PL011_SIZE : 0};
        devices->grants = (struct board_range){.base = LAYOUT_GNTTAB_BASE, .size = LAYOUT_GNTTAB_SIZE};
        devices->magic = LAYOUT_MAGIC_BASE;
        return;
    }
    devices->gicd = (struct board_range){.base = board->gicd.base, .size = LAYOUT_GICD_SIZE};
    devices->gicr = (struct board_range){.base = board->gicr.base, .size = gicr_size};
    devices->uart = (struct board_range){.base = LAYOUT_PL011_BASE, .size = has_uart ? LAYOUT_PL011_SIZE : 0};
    if (has_uart && board->uart_kind == BOARD_UART_PL011) {
        devices->uart.base = board->uart.base;
    }
    devices->grants = find_grant_space(domain, devices);
    devices->grants.size -= MAGIC_BYTES;
    devices->magic = devices->grants.base + devices->grants.size;
}
