/* SPDX-License-Identifier: Apache-2.0 */
/* Events between two domains that share a CPU; the channel is static, boot argument port=N at both ends. */
#ifndef BENCH_CROSS_H
#define BENCH_CROSS_H

#include <stdbool.h>
#include <stdint.h>

/* false: there are no event channels. */
bool cross_prepare(void);
/* The one end: sends back whatever comes. */
void cross_answer(void) __attribute__((noreturn));
/* The other end: takes in what is under way, for a while; and one event there, in ticks. */
void cross_settle(void);
uint64_t cross_measure(void);

#endif
