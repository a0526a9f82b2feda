/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/pl011.h>
#include <guest/sysreg.h>

#define CR_UARTEN_TXE_RXE 0x301u

void pl011_enable(uint64_t base)
{
    mmio_write32(base + PL011_CR, CR_UARTEN_TXE_RXE);
}

void pl011_write(uint64_t base, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while ((mmio_read32(base + PL011_FR) & PL011_FR_TXFF) != 0) {
        }
        mmio_write32(base + PL011_DR, (uint8_t)text[i]);
    }
}

int pl011_read(uint64_t base)
{
    if ((mmio_read32(base + PL011_FR) & PL011_FR_RXFE) != 0) {
        return -1;
    }
    return (int)(mmio_read32(base + PL011_DR) & 0xff);
}
