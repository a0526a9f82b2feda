/* SPDX-License-Identifier: Apache-2.0 */
/* control: a Control Domain without an operating system.  Its console is a shell with the verbs of bhctl; it sleeps until
 * something is typed.
 * [impl->dsn~bhctl-shell~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/timer.h>

#include <stdbool.h>

#include "bhctl.h"
#include "store.h"

#define LINE_BYTES 120u
#define BACKSPACE  8
#define DELETE     127

#define UART_FLAG       0x18u
#define UART_FLAG_EMPTY 0x10u /* nothing received */
#define UART_MASK       0x38u
#define UART_MASK_TYPED 0x50u /* received, and receive time-out */
#define UART_CLEAR      0x44u

static char buffer[BHCTL_BUFFER] __attribute__((aligned(4096)));
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

static int64_t call(struct bhctl_port *port, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    (void)port;
    return hypercall3(number, a0, a1, a2);
}

static void write(struct bhctl_port *port, const char *text, size_t bytes)
{
    (void)port;
    console_write(text, bytes);
}

static uint64_t now(struct bhctl_port *port)
{
    (void)port;
    return ticks_to_ns(ticks());
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
    static struct bhctl_port port = {.call = call, .write = write, .now = now, .buffer = buffer, .host = &host};
    char line[LINE_BYTES];

    platform_init(x0);
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
