/* SPDX-License-Identifier: Apache-2.0 */
/* Guest-physical layout of a domain that is not direct-mapped: that of Xen on Arm (GUEST_* of xen/arch-arm.h, which only
 * compiles for Arm; builder.c asserts that these are the same numbers). */
#ifndef BOOTDOMAIN_GUEST_LAYOUT_H
#define BOOTDOMAIN_GUEST_LAYOUT_H

#include <stdint.h>

#include <bulkhead/launch.h>

#define LAYOUT_MAX_VCPUS 128u

#define LAYOUT_GICD_BASE   LAUNCH_GICD_BASE
#define LAYOUT_GICD_SIZE   UINT64_C(0x00010000)
#define LAYOUT_GICR_BASE   LAUNCH_GICR_BASE
#define LAYOUT_PL011_BASE  LAUNCH_PL011_BASE
#define LAYOUT_PL011_SIZE  LAUNCH_PL011_SIZE
#define LAYOUT_GNTTAB_BASE LAUNCH_GNTTAB_BASE
#define LAYOUT_GNTTAB_SIZE LAUNCH_GNTTAB_SIZE
#define LAYOUT_MAGIC_BASE  LAUNCH_MAGIC_BASE
#define LAYOUT_MAGIC_SIZE  LAUNCH_MAGIC_SIZE
#define LAYOUT_RAM0_BASE   LAUNCH_RAM0_BASE
#define LAYOUT_RAM0_SIZE   LAUNCH_RAM0_SIZE
#define LAYOUT_RAM1_BASE   LAUNCH_RAM1_BASE
#define LAYOUT_RAM1_SIZE   UINT64_C(0xfe00000000)

/* Free address space in which a domain maps what others grant to it; below what every CPU can address. */
#define LAYOUT_EXTENDED_BASE UINT64_C(0xe00000000)
#define LAYOUT_EXTENDED_SIZE UINT64_C(0x40000000)

#define LAYOUT_TIMER_VIRT_PPI    27u
#define LAYOUT_TIMER_PHYS_S_PPI  29u
#define LAYOUT_TIMER_PHYS_NS_PPI 30u
#define LAYOUT_EVTCHN_PPI        31u
#define LAYOUT_PL011_SPI         32u /* INTID */

#define LAYOUT_PAGE  UINT64_C(0x1000)
#define LAYOUT_BLOCK UINT64_C(0x200000)

#endif
