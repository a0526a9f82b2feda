/* SPDX-License-Identifier: Apache-2.0 */
/* hello: one line by console_io, one by the virtual PL011 if there is one, then power off. */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>

#include <xen/sched.h>

int main(uint64_t x0)
{
    platform_init(x0);
    console_set(platform.xen ? CONSOLE_XEN : CONSOLE_NONE, 0);
    print("hello by console_io: %u CPU%s, %llu MiB\n", (unsigned)platform.cpu_count, platform.cpu_count == 1 ? "" : "s",
          (unsigned long long)(platform.ram[0].size >> 20));
    console_set(CONSOLE_UART, platform.uart);
    print("hello by PL011: bootargs \"%s\"\n", platform.bootargs);
    shutdown(SHUTDOWN_poweroff);
}
