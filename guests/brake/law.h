/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's brake controller: wheel slip held at a set point by a PI law, against a small model of one wheel.
 * Fixed point, 16 fraction bits; no division by a run-time value, the same number of steps every time. */
#ifndef BRAKE_LAW_H
#define BRAKE_LAW_H

#include <stdint.h>

struct brake_law {
    int32_t vehicle;  /* m/s */
    int32_t wheel;    /* m/s at the tyre */
    int32_t integral; /* of the slip error */
    int32_t pressure; /* 0 .. 1 */
};

/* A car at 30 m/s, brake released. */
void brake_law_start(struct brake_law *law);

/* One step of 1 ms; starts again when the car stands. */
void brake_law_step(struct brake_law *law);

#endif
