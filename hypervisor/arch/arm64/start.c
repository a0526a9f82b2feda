/* SPDX-License-Identifier: Apache-2.0 */
/* From the hypervisor's own translation to the core.
 * [impl->dsn~start~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/early.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/platform.h"
#include "arch/arm64/stage2_hw.h"
#include "arch/arm64/vgic.h"
#include "arch/arm64/vuart.h"
#include "lib/string.h"

#include <xen/xen.h>

#define FDT_MAGIC      0xd00dfeedu
#define FDT_SIZE_MIN   40u
#define FDT_SIZE_MAX   0x200000u
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

extern struct image_descriptor image_descriptor;
extern const char image_start[];

const struct board_table *board;
static struct boot_info boot_info;

void start_primary(void);
void start_secondary(uint32_t id);

struct cpu *cpu_of(uint32_t id)
{
    return (struct cpu *)(VA_CPU + (uint64_t)id * CPU_STRIDE + CPU_STRUCT);
}

uint32_t cpu_count(void)
{
    return board->cpu_count;
}

static struct cpu *enter_cpu(uint32_t id)
{
    struct cpu *cpu = cpu_of(id);

    write_sysreg(tpidr_el2, (uint64_t)cpu);
    cpu->id = id;
    cpu->arch.stack_top = VA_CPU + (uint64_t)id * CPU_STRIDE + CPU_STACK_TOP;
    cpu->arch.mpidr = read_sysreg(mpidr_el1) & MPIDR_AFFINITY;
    return cpu;
}

static void init_cpu(struct cpu *cpu)
{
    context_cpu_init();
    history_cpu_init(cpu);
    if (gic_cpu_init(cpu) != OK) {
        print_panic("bulkhead: no GIC redistributor for CPU %u (MPIDR 0x%lx); correct gicr in the board table\n",
                    cpu->id, cpu->arch.mpidr);
        arch_halt();
    }
    vgic_cpu_init();
    timer_cpu_init(cpu);
    gic_enable(cpu, board->maintenance_ppi);
    if (board->pmu_ppi != 0u) {
        gic_enable(cpu, board->pmu_ppi);
    }
    if (board->uart_irq != 0u && cpu->id == board->console_cpu) {
        gic_enable(cpu, board->uart_irq);
    }
    cpu->online = true;
}

static uint32_t boot_cpu_index(void)
{
    uint64_t mpidr = read_sysreg(mpidr_el1) & MPIDR_AFFINITY;

    for (uint32_t i = 0; i < board->cpu_count; i++) {
        if (board->mpidr[i] == mpidr) {
            return i;
        }
    }
    print_panic("bulkhead: CPU with MPIDR 0x%lx is not in the board table; correct cpus in the board file\n", mpidr);
    arch_halt();
}

static uint32_t be32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

/* Of the device tree, magic and total size are read, nothing more. */
static void find_dtb(struct boot_info *info)
{
    uint64_t at = early_info.dtb;
    const uint8_t *fdt = (const uint8_t *)(VA_DIRECT + at);

    if (at == 0u || !IS_ALIGNED(at, 8u) || !platform_is_ram(MADDR(at)) || be32(fdt) != FDT_MAGIC) {
        return;
    }
    if (be32(fdt + 4) < FDT_SIZE_MIN || be32(fdt + 4) > FDT_SIZE_MAX ||
        !platform_is_ram(MADDR(at + be32(fdt + 4) - 1u))) {
        print_panic("bulkhead: device tree at 0x%lx lies about its size (%u bytes); ignored\n", at, be32(fdt + 4));
        return;
    }
    info->dtb = MADDR(at);
    info->dtb_size = be32(fdt + 4);
}

static maddr_t part(const struct image_part *p)
{
    return MADDR(early_info.load + p->offset);
}

static void fill_boot_info(struct boot_info *info)
{
    const struct image_descriptor *d = &image_descriptor;

    info->board = board;
    info->descriptor = d;
    info->image = MADDR(early_info.load);
    info->image_size = d->runtime.offset + d->runtime.size;
    info->boot_domain = part(&d->boot_domain);
    info->boot_domain_size = d->boot_domain.size;
    info->archive = part(&d->archive);
    info->archive_size = d->archive.size;
    info->free = MADDR(early_info.areas + early_info.areas_size);
    info->free_size = d->runtime.size - early_info.areas_size;
    info->ticks_reset = early_info.ticks;
    find_dtb(info);
}

/* Continues in start_on_stack on the CPU's own stack, which has guard pages. */
static NORETURN void start_on_stack(void)
{
    struct cpu *cpu = this_cpu();

    uart_init(board);
    stage2_init();
    idregs_init();
    gic_init(board);
    init_cpu(cpu);
    fill_boot_info(&boot_info);
    boot_info.boot_cpu = cpu->id;
    upcall_start(&boot_info);
}

void start_primary(void)
{
    struct cpu *cpu;

    board = (const struct board_table *)(VA_DIRECT + early_info.load + early_info.board_offset);
    for (uint32_t i = 0; i < board->cpu_count; i++) {
        memset(cpu_of(i), 0, CPU_STRUCT_TOP - CPU_STRUCT);
    }
    cpu = cpu_of(0);
    write_sysreg(tpidr_el2, (uint64_t)cpu); /* so that a fault from here on is printed */
    uart_init(board);
    cpu = enter_cpu(boot_cpu_index());
    __asm__ volatile("mov sp, %0\n\tmov x29, xzr\n\tmov x30, xzr\n\tbr %1" ::"r"(cpu->arch.stack_top),
                     "r"(start_on_stack)
                     : "memory");
    __builtin_unreachable();
}

void start_secondary(uint32_t id)
{
    struct cpu *cpu = enter_cpu(id);

    init_cpu(cpu);
    upcall_cpu_started(cpu);
}

err_t arch_domain_init(struct domain *d, const struct arch_domain_config *c)
{
    err_t err = arch_stage2_init(d);

    if (err != OK) {
        return err;
    }
    d->arch.gicd = GUEST_GICV3_GICD_BASE;
    d->arch.gicr = GUEST_GICV3_GICR0_BASE;
    d->arch.uart = GUEST_PL011_BASE;
    return vgic_domain_init(d, c->nr_spis);
}

/* A direct-mapped domain finds its virtual devices where the board has the real ones: the same rule as in the Boot
 * Domain, which describes them. */
static void place_devices(struct domain *d)
{
    if ((d->flags & BULKHEAD_DOMAIN_DIRECT) != 0u) {
        d->arch.gicd = board->gicd.base;
        d->arch.gicr = board->gicr.base;
        d->arch.uart = (board->uart_kind == BOARD_UART_PL011) ? board->uart.base : d->arch.uart;
    }
}

void arch_domain_start(struct domain *d)
{
    place_devices(d);
    d->arch.cntvoff = arch_ticks();
}

err_t arch_domain_add_vuart(struct domain *d)
{
    vuart_init(d);
    d->arch.has_vuart = true;
    return OK;
}

void arch_domain_renew(struct domain *d)
{
    vgic_domain_renew(d);
    if (d->arch.has_vuart) {
        vuart_init(d);
    }
}

bool arch_vuart_receive(struct domain *d, char c)
{
    return d->arch.has_vuart && vuart_receive(d, c);
}

void arch_cpu_kick(uint32_t id)
{
    gic_kick(board->mpidr[id]);
}

/* PL031: seconds since 1970 in its data register. */
uint64_t arch_wallclock_seconds(void)
{
    return (board->rtc_present != 0u) ? *(volatile uint32_t *)(VA_DEVICE + board->rtc.base) : 0u;
}
