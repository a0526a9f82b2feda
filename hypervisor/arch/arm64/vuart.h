/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual PL011 (as SBSA generic UART), the console of a domain.
 * [impl->dsn~vuart-registers~1] [impl->dsn~vuart-interrupt~1] */
#ifndef ARCH_ARM64_VUART_H
#define ARCH_ARM64_VUART_H

#include "arch/arm64/mmio.h"
#include "lib/types.h"

struct vcpu;
struct domain;

#define VUART_SPI 32u /* INTID */

/* As created, also later on: what was received is gone, what was lost stays counted. */
void vuart_init(struct domain *d);
/* [impl->dsn~vuart-transmit~1]  false = no register there.  Context: any vCPU of the domain is current. */
bool vuart_access(struct vcpu *v, struct mmio *m);
/* Queue a received character and raise SPI 32; false = queue full, counted.  Any CPU.
 * [impl->dsn~vuart-receive~1] [impl->dsn~vuart-overrun~1] */
bool vuart_receive(struct domain *d, char c);

#endif
