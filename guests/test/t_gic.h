/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of t_gic. */
#ifndef T_GIC_H
#define T_GIC_H

#include <stdbool.h>
#include <stdint.h>
#include <guest/cpu.h>

#define GIC_LOG         64u
#define GIC_SPI         36u /* not the UART's, on Xen's layout and on QEMU's virt board */
#define GIC_HIGH_SPI    (GIC_SPI + 1)
#define GIC_MANY        20u /* SPIs from GIC_SPI on; more than the 16 list registers there can be */
#define GIC_PPI         20u
#define GIC_PEER_SGI    5u
#define GIC_PATIENCE_NS UINT64_C(1000000000)

/* What a CPU's handler took since gic_start_over(). */
struct gic_log {
    volatile uint32_t count;
    volatile uint32_t spurious;
    volatile uint32_t intid[GIC_LOG];
    volatile uint8_t priority[GIC_LOG]; /* running priority in the handler */
    volatile bool ready;
    uint64_t redistributor;
};

extern struct gic_log gic_logs[GUEST_MAX_CPUS];

/* The handler of GIC_SPI sets GIC_HIGH_SPI pending and opens interrupts before it ends its own. */
extern volatile bool gic_nest;

/* Interrupts masked, logs empty. */
void gic_start_over(void);

/* Until CPU cpu has taken count interrupts; false when it takes too long. */
bool gic_wait(uint32_t cpu, uint32_t count);

/* Take what is pending for this CPU. */
void gic_take(void);

void gic_distributor_identity(void);
void gic_redistributor_identity(void);
void gic_enable_registers(void);
void gic_priority_registers(void);
void gic_configuration_registers(void);
void gic_routing_registers(void);
void gic_pending_and_active_registers(void);
void gic_reserved_registers(void);
void gic_cpu_interface_registers(void);
void gic_timer_pending_and_active(void);
void gic_timer_level(void);
void gic_active_blocks_delivery(void);

void gic_higher_priority_goes_first(void);
void gic_higher_priority_preempts(void);
void gic_equal_priority_waits(void);
void gic_priority_mask_holds_back(void);
void gic_group_enable_holds_back(void);
void gic_distributor_enable_holds_back(void);
void gic_end_and_deactivate_apart(void);
void gic_pending_again_while_active(void);
void gic_more_pending_than_list_registers(void);
void gic_more_active_than_list_registers(void);

#endif
