/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_ARM64_WATCHDOG_H
#define ARCH_ARM64_WATCHDOG_H

struct cpu;

/* Start the board's watchdog when cpu is the one that serves it: 4 s until it resets the machine. */
void watchdog_cpu_init(struct cpu *cpu);
/* The hypervisor timer fired: feed the watchdog when a second has passed. */
void watchdog_serve(struct cpu *cpu);

#endif
