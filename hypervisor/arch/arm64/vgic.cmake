# SPDX-License-Identifier: Apache-2.0
# Sources of the virtual interrupt controller and the virtual UART, relative to this folder.
set(VGIC_SOURCES vgic.c vgic_lr.c vgic_spill.c vgic_spi.c vgic_remote.c vgic_phys.c vgic_regs.c vgic_gicd.c vgic_gicr.c vuart.c)
