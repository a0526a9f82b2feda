/* SPDX-License-Identifier: Apache-2.0 */
    .arch   armv8-a+fp+simd
    .section .text.fp, "ax"

    .macro  fill register
    ins     v\register\().d[0], x0
    add     x0, x0, #1
    ins     v\register\().d[1], x0
    add     x0, x0, #1
    .endm

    .macro  compare register
    umov    x2, v\register\().d[0]
    eor     x2, x2, x0
    orr     x1, x1, x2
    add     x0, x0, #1
    umov    x2, v\register\().d[1]
    eor     x2, x2, x0
    orr     x1, x1, x2
    add     x0, x0, #1
    .endm

/* void fp_fill(uint64_t seed): register n holds {seed + 2n, seed + 2n + 1} */
    .global fp_fill
fp_fill:
    .irp    register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    fill    \register
    .endr
    .irp    register, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    fill    \register
    .endr
    ret

/* uint64_t fp_differs(uint64_t seed): 0 when the registers hold what fp_fill(seed) wrote */
    .global fp_differs
fp_differs:
    mov     x1, xzr
    .irp    register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    compare \register
    .endr
    .irp    register, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    compare \register
    .endr
    mov     x0, x1
    ret
