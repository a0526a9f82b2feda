/* SPDX-License-Identifier: Apache-2.0 */
/* control: a Control Domain without an operating system.  Its console is a shell with the verbs of bhctl; it sleeps until
 * something is typed.
 * [impl->dsn~bhctl-shell~1] */
#include <guest/exception.h>
#include <guest/fdt.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>

#include <stdbool.h>

#include "create.h"
#include "port.h"
#include "store.h"

#define LINE_BYTES 120u
#define BACKSPACE  8
#define DELETE     127

#define UART_FLAG       0x18u
#define UART_FLAG_EMPTY 0x10u /* nothing received */
#define UART_MASK       0x38u
#define UART_MASK_TYPED 0x50u /* received, and receive time-out */
#define UART_CLEAR      0x44u

static volatile bool typed;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid == GUEST_VPL011_SPI) {
        mmio_write32(platform.uart + UART_MASK, 0); /* the line stays up while something waits to be read */
        typed = true;
    }
    if (intid < GIC_SPURIOUS - 3) {
        gic_end(intid);
    }
}

/* The archive of domains that may be created: the ramdisk. */
static struct {
    const uint8_t *data;
    uint64_t size;
} archive;

static enum bhctl_exit create(struct bhctl_port *port, const char *name, const char *second, bool paused)
{
    if (second != NULL) {
        print("bhctl: here there is one archive; name a domain of it\n");
        return BHCTL_USAGE;
    }
    return create_domain(port, archive.data, archive.size, name, paused);
}

static char get(void)
{
    while ((mmio_read32(platform.uart + UART_FLAG) & UART_FLAG_EMPTY) != 0) {
        typed = false;
        mmio_write32(platform.uart + UART_MASK, UART_MASK_TYPED);
        while (!typed) { /* interrupts are masked: one that comes now ends the wait */
            wfi();
            irq_enable();
            isb();
            irq_disable();
        }
    }
    return (char)mmio_read32(platform.uart);
}

/* A line as it is typed, shown as it is typed. */
static void get_line(char *line)
{
    uint32_t used = 0;

    for (char c = get(); c != '\r' && c != '\n'; c = get()) {
        if ((c == BACKSPACE || c == DELETE) && used > 0) {
            used--;
            console_write("\b \b", 3);
        } else if (c >= ' ' && c < DELETE && used < LINE_BYTES - 1) {
            line[used] = c;
            used++;
            console_write(&c, 1);
        }
    }
    line[used] = '\0';
    console_write("\n", 1);
}

int main(uint64_t x0)
{
    static const struct bhctl_host host = {.store = store_request};
    static struct bhctl_port port = {.host = &host};
    char line[LINE_BYTES];

    platform_init(x0);
    port_open(&port);
    port.create = dt_ramdisk((const void *)x0, &archive.data, &archive.size) ? create : NULL;
    gic_init();
    gic_init_cpu();
    gic_enable(GUEST_VPL011_SPI);
    print("control: 'help' lists the verbs\n");
    for (;;) {
        console_write("bhctl> ", 7);
        get_line(line);
        enum bhctl_exit code = bhctl_run_line(&port, line);
        if (code != BHCTL_GOOD) {
            print("exit code %u\n", (unsigned)code);
        }
    }
}
