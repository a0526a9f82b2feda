/* SPDX-License-Identifier: Apache-2.0 */
/* Two vCPUs on a CPU each (and a third that shares the first one's CPU), for the tests of single cases. */
#ifndef TESTS_UNIT_VGIC_FIXTURE_H
#define TESTS_UNIT_VGIC_FIXTURE_H

#include "model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define SPI       40u
#define SPI_BIT   BIT(8) /* in word 1 */
#define TIMER     27u
#define TIMER_BIT BIT(27)

extern struct vcpu *v0, *v1;

/* Everything enabled, priorities 0x80. */
void begin(uint32_t lrs, bool no_tds);
/* What v acknowledges once nothing moves any more. */
uint32_t take(struct vcpu *v);
struct model_cpu *cpu0(void);
/* SPIs 40.. with priorities 0x70, 0x68 ..: each preempts the one before. */
void nest(uint32_t depth);
/* Teardown. */
int stop(void **state);

#endif
