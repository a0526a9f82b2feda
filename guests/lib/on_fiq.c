/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/exception.h>

__attribute__((weak)) void on_fiq(struct exception_frame *frame)
{
    exception_fatal("unexpected FIQ", frame);
}
