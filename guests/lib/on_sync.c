/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/exception.h>

__attribute__((weak)) void on_sync(struct exception_frame *frame)
{
    fault_end(frame);
    exception_fatal("synchronous exception", frame);
}
