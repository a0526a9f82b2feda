/* SPDX-License-Identifier: Apache-2.0 */
/* Guest-physical layout of a domain that is not direct-mapped: that of Xen on Arm (GUEST_* of xen/arch-arm.h, which only
 * compiles for Arm; builder.c asserts that these are the same numbers). */
#ifndef BOOTDOMAIN_GUEST_LAYOUT_H
#define BOOTDOMAIN_GUEST_LAYOUT_H

#include <stdint.h>

#define LAYOUT_MAX_VCPUS 128u

#define LAYOUT_GICD_BASE   UINT64_C(0x03001000)
#define LAYOUT_GICD_SIZE   UINT64_C(0x00010000)
#define LAYOUT_GICR_BASE   UINT64_C(0x03020000)
#define LAYOUT_PL011_BASE  UINT64_C(0x22000000)
#define LAYOUT_PL011_SIZE  UINT64_C(0x00001000)
#define LAYOUT_GNTTAB_BASE UINT64_C(0x38000000)
#define LAYOUT_GNTTAB_SIZE UINT64_C(0x01000000)
#define LAYOUT_MAGIC_BASE  UINT64_C(0x39000000)
#define LAYOUT_MAGIC_SIZE  UINT64_C(0x01000000)
#define LAYOUT_RAM0_BASE   UINT64_C(0x40000000)
#define LAYOUT_RAM0_SIZE   UINT64_C(0xc0000000)
#define LAYOUT_RAM1_BASE   UINT64_C(0x200000000)
#define LAYOUT_RAM1_SIZE   UINT64_C(0xfe00000000)

#define LAYOUT_TIMER_VIRT_PPI    27u
#define LAYOUT_TIMER_PHYS_S_PPI  29u
#define LAYOUT_TIMER_PHYS_NS_PPI 30u
#define LAYOUT_EVTCHN_PPI        31u
#define LAYOUT_PL011_SPI         32u /* INTID */

#define LAYOUT_PAGE  UINT64_C(0x1000)
#define LAYOUT_BLOCK UINT64_C(0x200000)

#endif
