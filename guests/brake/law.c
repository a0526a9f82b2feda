/* SPDX-License-Identifier: Apache-2.0 */
#include "law.h"

#define ONE          (INT32_C(1) << 16)
#define START        (30 * ONE)
#define STANDS       (ONE / 2)
#define SLIP_SET     (ONE / 8) /* of the vehicle's speed */
#define KP           (4 * ONE)
#define KI           (ONE / 8)
#define INTEGRAL_MAX (4 * ONE)
#define BRAKE_GAIN   (ONE / 2)   /* wheel speed taken a step at full pressure */
#define ROAD_GAIN    (ONE / 8)   /* share of the slip that the road gives back a step */
#define MASS_GAIN    (ONE / 512) /* share of the slip that slows the vehicle a step */

static int32_t multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b) >> 16);
}

static int32_t clamp(int32_t value, int32_t least, int32_t most)
{
    if (value < least) {
        return least;
    }
    return value > most ? most : value;
}

void brake_law_start(struct brake_law *law)
{
    *law = (struct brake_law){.vehicle = START, .wheel = START};
}

void brake_law_step(struct brake_law *law)
{
    int32_t slip = law->vehicle - law->wheel;
    int32_t error = multiply(SLIP_SET, law->vehicle) - slip;

    law->integral = clamp(law->integral + multiply(KI, error), -INTEGRAL_MAX, INTEGRAL_MAX);
    law->pressure = clamp(multiply(KP, error) + law->integral, 0, ONE);
    law->wheel = clamp(law->wheel - multiply(BRAKE_GAIN, law->pressure) + multiply(ROAD_GAIN, slip), 0, law->vehicle);
    law->vehicle -= multiply(MASS_GAIN, slip);
    if (law->vehicle < STANDS) {
        brake_law_start(law);
    }
}
