/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs, time, vCPUs and interrupts of the modelled machine. */
#include "arch/contract/arch.h"
#include "arch/host/host.h"
#include "arch/host/memory.h"
#include "core/cpu.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/upcall.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/arch-arm.h>

_Thread_local struct cpu *host_this_cpu;

static struct cpu cpus[MAX_CPUS];
static struct board_table board;
static uint32_t kicks[MAX_CPUS]; /* atomic */
static void (*at_kick)(uint32_t id);
static ticks_t now; /* atomic */
static uint64_t wallclock;
static uint64_t broken;
static _Thread_local jmp_buf *leave;
static _Thread_local struct vcpu *entered;
static _Thread_local uint32_t idle_timers;

/* ---- the test's side ---- */

void host_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("host model: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void assert_failed(const char *what, const char *file, unsigned line)
{
    host_fail("%s:%u: ASSERT(%s)", file, line, what);
}

void host_reset(uint32_t ram_mib)
{
    host_memory_reset((uint64_t)ram_mib << 20);
    host_stage2_reset();
    memset(cpus, 0, sizeof(cpus));
    memset(cpu_inbox, 0, sizeof(cpu_inbox));
    memset(kicks, 0, sizeof(kicks));
    at_kick = NULL;
    board = (struct board_table){.magic = BOARD_MAGIC,
                                 .version = BOARD_VERSION,
                                 .size = sizeof(board),
                                 .name = "host",
                                 .cpu_count = HOST_CPUS,
                                 .ram_count = 1,
                                 .ram = {{.base = HOST_RAM_BASE, .size = (uint64_t)ram_mib << 20}},
                                 .gicd = {.base = HOST_GICD, .size = 0x10000},
                                 .uart = {.base = HOST_UART, .size = PAGE_SIZE},
                                 .uart_irq = HOST_UART_IRQ,
                                 .gic_spis = HOST_SPIS};
    for (uint32_t i = 0; i < MAX_CPUS; i++) {
        cpus[i].id = i;
    }
    now = 1000;
    wallclock = 0;
    broken = 0;
    host_console_clear();
    host_console_room(SIZE_MAX);
    host_become(0);
}

void host_become(uint32_t cpu)
{
    host_this_cpu = &cpus[cpu];
}

const struct board_table *host_board(void)
{
    return &board;
}

void host_set_ticks(ticks_t t)
{
    __atomic_store_n(&now, t, __ATOMIC_RELAXED);
}

void host_add_ticks(ticks_t n)
{
    (void)__atomic_fetch_add(&now, n, __ATOMIC_RELAXED);
}

void host_set_wallclock(uint64_t seconds)
{
    wallclock = seconds;
}

void host_break_cpu(uint32_t id)
{
    broken |= UINT64_C(1) << id;
}

uint32_t host_kicks(uint32_t id)
{
    return __atomic_load_n(&kicks[id], __ATOMIC_RELAXED);
}

struct vcpu *host_run(void (*fn)(void *), void *arg)
{
    jmp_buf here;
    jmp_buf *before = leave;

    entered = NULL;
    leave = &here;
    if (setjmp(here) == 0) {
        fn(arg);
    }
    leave = before;
    return entered;
}

void host_idle_timers(uint32_t n)
{
    idle_timers = n;
}

/* ---- CPUs ---- */

struct cpu *cpu_of(uint32_t id)
{
    return &cpus[id];
}

uint32_t cpu_count(void)
{
    return board.cpu_count;
}

err_t arch_cpu_start(uint32_t id)
{
    if (((broken >> id) & 1u) != 0u) {
        return ERR_NODEV;
    }
    cpus[id].online = true;
    return OK;
}

void arch_cpu_kick(uint32_t id)
{
    (void)__atomic_fetch_add(&kicks[id], 1u, __ATOMIC_RELAXED);
    if (at_kick != NULL) {
        at_kick(id);
    }
}

void host_at_kick(void (*fn)(uint32_t id))
{
    at_kick = fn;
}

void arch_cpu_idle(void)
{
    struct cpu *cpu = this_cpu();

    if (idle_timers > 0u && cpu->arch.deadline != UINT64_MAX) {
        idle_timers--;
        if (arch_ticks() < cpu->arch.deadline) {
            host_set_ticks(cpu->arch.deadline);
        }
        upcall_timer(cpu);
        return;
    }
    if (leave == NULL) {
        host_fail("CPU %u idles for ever", cpu->id);
    }
    entered = NULL;
    longjmp(*leave, 1);
}

uint32_t host_irq_every;

bool arch_irq_pending(void)
{
    static _Thread_local uint32_t looks;

    looks++;
    return host_irq_every != 0u && looks % host_irq_every == 0u;
}

void arch_cpu_wait(ticks_t until)
{
    if (arch_ticks() < until) {
        host_set_ticks(until);
    }
}

void arch_enter_guest(struct vcpu *v)
{
    if (v != this_cpu()->current || this_cpu()->arch.loaded != v || !v->running) {
        host_fail("entered a vCPU that is not current and loaded");
    }
    if (leave == NULL) {
        host_fail("a guest was entered outside host_run");
    }
    entered = v;
    longjmp(*leave, 1);
}

void arch_halt(void)
{
    if (leave == NULL) {
        host_fail("halted");
    }
    entered = NULL;
    longjmp(*leave, 2);
}

void arch_reset(void)
{
    arch_halt();
}

void arch_power_off(void)
{
    arch_halt();
}

/* ---- time ---- */

ticks_t arch_ticks(void)
{
    return __atomic_load_n(&now, __ATOMIC_RELAXED);
}

const uint8_t *arch_build_id(void)
{
    static const uint8_t id[BUILD_ID_BYTES] = "no image, so this";

    return id;
}

uint64_t arch_ticks_hz(void)
{
    return HOST_HZ;
}

void arch_timer_set(ticks_t deadline)
{
    this_cpu()->arch.deadline = deadline;
}

uint64_t arch_wallclock_seconds(void)
{
    return wallclock;
}

/* ---- vCPUs ---- */

err_t arch_vcpu_init(struct vcpu *v)
{
    return pool_alloc(v->domain, &v->arch.frame);
}

void arch_vcpu_renew(struct vcpu *v)
{
    v->arch = (struct arch_vcpu){.frame = v->arch.frame};
}

void arch_vcpu_reset(struct vcpu *v, uint64_t entry, uint64_t arg)
{
    if (v->running) {
        host_fail("reset of a vCPU that is in registers");
    }
    memset(v->arch.x, 0, sizeof(v->arch.x));
    v->arch.x[0] = arg;
    v->arch.pc = entry;
    v->arch.pstate = PSR_GUEST64_INIT;
    v->arch.pending = 0;
    v->arch.resets++;
}

/* Every frame of RAM that d has holds the same with caches off as with caches on. */
static void check_clean(struct domain *d)
{
    uint64_t limit = arch_stage2_gfn_limit();
    uint64_t at = 0;

    spin_lock(&d->physmap_lock);
    while (at < limit) {
        struct stage2_entry e = arch_stage2_get(d, GFN(at));
        uint64_t span = UINT64_C(1) << e.order;

        for (uint64_t i = 0; e.mapping == MAPPING_RAM && i < span; i++) {
            if (memcmp(arch_map_frame(MFN(e.mfn.v + i)), host_memory(MFN(e.mfn.v + i)), PAGE_SIZE) != 0) {
                host_fail("frame 0x%lx at gfn 0x%lx of domain %u was not cleaned", (unsigned long)(e.mfn.v + i),
                          (unsigned long)(at + i), d->id);
            }
        }
        at = (at & ~(span - 1u)) + span;
    }
    spin_unlock(&d->physmap_lock);
    host_check_stage2(d);
}

/* Its virtual timer goes on as a software timer. */
static void unload(struct vcpu *v)
{
    if (v->arch.deadline != 0u) {
        timer_arm(&v->timers[TIMER_VIRT], v->arch.deadline);
    }
    __atomic_store_n(&v->running, false, __ATOMIC_RELEASE);
}

void arch_vcpu_load(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();

    if (cpu->arch.loaded == v) {
        return;
    }
    if (cpu->arch.loaded != NULL) {
        unload(cpu->arch.loaded);
    }
    cpu->arch.loaded = v;
    if (v == NULL) {
        return;
    }
    if (v->home != cpu->id) {
        host_fail("vCPU %u loaded on CPU %u, its home is %u", v->id, cpu->id, v->home);
    }
    timer_cancel(&v->timers[TIMER_VIRT]);
    __atomic_store_n(&v->running, true, __ATOMIC_RELEASE);
    if (!v->domain->arch.entered) {
        v->domain->arch.entered = true;
        check_clean(v->domain);
    }
}

bool arch_vcpu_has_pending(struct vcpu *v)
{
    return v->arch.pending != 0u;
}

void arch_vcpu_take_posted(struct vcpu *v)
{
    v->arch.pending |= __atomic_exchange_n(&v->arch.posted, 0u, __ATOMIC_ACQ_REL);
}

void arch_vcpu_timer(struct vcpu *v, uint32_t kind)
{
    v->arch.fired[kind]++;
    v->arch.pending |= 1u;
}

void arch_vcpu_trap_wfi(struct vcpu *v, bool trap)
{
    v->arch.trap_wfi = trap;
}

err_t arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    if ((c->user_regs.cpsr & 0x1fu) != PSR_MODE_EL1h) {
        return ERR_INVAL;
    }
    arch_vcpu_reset(v, c->user_regs.pc64, c->user_regs.x0);
    v->arch.pstate = c->user_regs.cpsr;
    return OK;
}

void arch_vcpu_dump(const struct vcpu *v, struct bulkhead_crash *out)
{
    ASSERT(!v->running); /* in registers */
    memcpy(out->x, v->arch.x, sizeof(out->x));
    out->pc = v->arch.pc;
    out->pstate = v->arch.pstate;
}

void arch_vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    memset(c, 0, sizeof(*c));
    c->user_regs.pc64 = v->arch.pc;
    c->user_regs.x0 = v->arch.x[0];
    c->user_regs.cpsr = v->arch.pstate;
    c->flags = (v->power == VCPU_POWER_ON) ? VGCF_online : 0u;
}

/* ---- domains ---- */

err_t arch_domain_init(struct domain *d, const struct arch_domain_config *c)
{
    err_t err = arch_stage2_init(d);

    if (err != OK) {
        return err;
    }
    d->arch.nr_spis = c->nr_spis;
    d->arch.has_vuart = false;
    return pool_alloc(d, &d->arch.frame);
}

void arch_domain_start(struct domain *d)
{
    (void)d;
}

err_t arch_domain_add_vuart(struct domain *d)
{
    d->arch.has_vuart = true;
    return OK;
}

void arch_domain_renew(struct domain *d)
{
    d->arch.entered = false;
    d->arch.rx_used = 0;
}

void arch_domain_destroy(struct domain *d)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i] != NULL) {
            pool_free(d, d->vcpus[i]->arch.frame);
        }
    }
    pool_free(d, d->arch.frame);
}

bool arch_vuart_receive(struct domain *d, char c)
{
    if (!d->arch.has_vuart || d->arch.rx_used == sizeof(d->arch.rx)) {
        return false;
    }
    d->arch.rx[d->arch.rx_used] = c;
    d->arch.rx_used++;
    return true;
}

static uint32_t muted; /* the SPI that was muted last */

err_t arch_spi_bind(struct domain *d, uint32_t intid)
{
    if (intid - 32u >= d->arch.nr_spis) {
        return ERR_INVAL;
    }
    d->arch.bound[intid / 32u - 1u] |= 1u << (intid % 32u);
    return OK;
}

err_t arch_spi_unbind(struct domain *d, uint32_t intid)
{
    if (d->arch.in_hand == intid) {
        return ERR_BUSY;
    }
    d->arch.bound[intid / 32u - 1u] &= ~(1u << (intid % 32u));
    return OK;
}

void arch_spi_raise(struct domain *d, uint32_t intid)
{
    d->arch.raised[intid / 32u - 1u] |= d->arch.bound[intid / 32u - 1u] & (1u << (intid % 32u));
}

void arch_spi_mute(uint32_t intid)
{
    muted = intid;
}

uint32_t host_muted(void)
{
    return muted;
}

void arch_inject(struct vcpu *v, uint32_t intid)
{
    (void)__atomic_fetch_or(&v->arch.posted, 1u << (intid % 32u), __ATOMIC_RELEASE);
    vcpu_notify(v, VCPU_NOTIFY_IRQ);
}
