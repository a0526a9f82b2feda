/* SPDX-License-Identifier: Apache-2.0 */
/* The launch archive: a newc cpio whose first member is launch.dtb and whose others are modules.
 *
 * launch.dtb carries Xen's dom0less bindings under /chosen, one node a domain:
 *
 *   chosen {
 *       #address-cells = <2>; #size-cells = <2>;
 *       bulkhead,version = <1>;
 *       bulkhead,on-failure = "continue" | "halt";      // a domain could not be built: do the others run?
 *       bulkhead,reboot = "immediate";                  // safe domains are not asked; default: they are
 *       bulkhead,dynamic = <hi lo domains vcpus>;       // KiB; what domains created later may have; none: nothing
 *       bulkhead,dynamic-cpus = "0,3";                  // where they may run; default: where no safe domain does
 *       NAME {
 *           compatible = "xen,domain";
 *           #address-cells = <2>; #size-cells = <2>;
 *           memory = <hi lo>;                           // KiB, 64-bit
 *           cpus = <n>;                                 // vCPUs
 *           vpl011;                                     // virtual PL011
 *           nr_spis = <n>;  capabilities = <bits>;  direct-map;
 *           xen,static-mem = <base size ...>;           // #address-cells, #size-cells of this node
 *           passthrough = "enabled" | "disabled";
 *           domain-cpupool = <&pool>;
 *           bulkhead,partition = <n>;                   // of an arinc653 pool; none: nobody's windows
 *           bulkhead,period = <us>; bulkhead,budget = <us>; bulkhead,extra-time;   // in an rtds pool
 *           vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "1,3-4"; };
 *           bulkhead,name = "brake";                    // default: the node's name
 *           bulkhead,role = "domu" | "hardware" | "control";   // default from capabilities
 *           bulkhead,safe;
 *           bulkhead,label = <n>;                       // in the archive's file "labels"; only where there is one
 *           bulkhead,argo = "partners" | "any";         // Argo: with rings for one sender, or for anybody too
 *           bulkhead,after = "other", "third";          // started once these have been started
 *           bulkhead,keep-modules;                      // a pristine copy is sealed: it can be restarted
 *           bulkhead,verify;                            // it compares the images with their digests before it starts
 *           bulkhead,health = <fallback max within a0..a9 limit>;  // enum bulkhead_action; max restarts within that many
 *                                                       // seconds; an action for each enum bulkhead_event; interrupts
 *                                                       // of a line in a second that are a storm: 64 to 4194240, 0: 32768
 *           module@0 {
 *               compatible = "multiboot,kernel", "multiboot,module";   // or ramdisk, device-tree
 *               bulkhead,member = "name-in-archive";    // in the archive, or
 *               reg = <address size>;                   // outside of it, where a boot loader put it
 *               bootargs = "...";                       // kernel only
 *           };
 *           evtchn@0 {                                  // an end of a static event channel
 *               compatible = "xen,evtchn-v1";
 *               xen,evtchn = <port &other-end>;
 *               bulkhead,min-interval-ns = <hi lo>;     // between two events at this end
 *           };
 *           shared@0 {                                  // static shared memory
 *               compatible = "xen,domain-shared-memory-v1";
 *               xen,shm-id = "name";  role = "owner" | "borrower";
 *               xen,shared-mem = <[machine] guest size>;   // #address-cells, #size-cells of the domain's node
 *               bulkhead,read-only;                     // the domain may not write it
 *           };
 *           xen,enhanced = "enabled" | "no-xenstore" | "legacy" | "disabled";
 *           bulkhead,console = "pv";                    // a ring instead of a UART
 *           bulkhead,serves = "xenstore" | "console";   // of others' rings; default from capabilities
 *           disk@0 {
 *               compatible = "bulkhead,disk";
 *               bulkhead,backend = "other";  bulkhead,disk = "xvda";
 *               bulkhead,device = <major minor>;        // of the back end's block device
 *               bulkhead,read-only;
 *           };
 *           nic@0 {
 *               compatible = "bulkhead,nic";
 *               bulkhead,backend = "other";  bulkhead,mac = "00:16:3e:00:00:01";
 *           };
 *       };
 *       POOL {
 *           compatible = "xen,cpupool";
 *           cpupool-sched = "null" | "arinc653" | "rtds" | "credit";
 *           cpupool-cpus = <&cpu0 ...>;                 // or, where there are no cpu nodes:
 *           bulkhead,cpus = "1,3-4";
 *           bulkhead,guard = <ns, 64-bit>;              // arinc653
 *           bulkhead,schedule-0 = <hi lo partition ...>;   // end of each window in ns from the frame's start; up to -3
 *       };
 *   };
 *
 * Members are padded by members named ".pad.N" so that the data of a module that will be moved starts 2 MiB-aligned
 * in memory.  The hyperlaunch bindings (/chosen/hypervisor/domain) are read too.
 * [impl->dsn~launch-archive~1] */
#ifndef BULKHEAD_LAUNCH_H
#define BULKHEAD_LAUNCH_H

#include "bulkhead/image.h"

#define LAUNCH_VERSION        1
#define LAUNCH_DTB_MEMBER     "launch.dtb"
#define LAUNCH_PAD_PREFIX     ".pad."
#define LAUNCH_PROP_VERSION   "bulkhead,version"
#define LAUNCH_PROP_ONFAILURE "bulkhead,on-failure"
#define LAUNCH_PROP_REBOOT    "bulkhead,reboot"
#define LAUNCH_PROP_DYNAMIC   "bulkhead,dynamic"
#define LAUNCH_PROP_DYN_CPUS  "bulkhead,dynamic-cpus"
#define LAUNCH_PROP_NAME      "bulkhead,name"
#define LAUNCH_PROP_ROLE      "bulkhead,role"
#define LAUNCH_PROP_SAFE      "bulkhead,safe"
#define LAUNCH_PROP_ARGO      "bulkhead,argo"
#define LAUNCH_PROP_LABEL     "bulkhead,label"
#define LAUNCH_PROP_AFTER     "bulkhead,after"
#define LAUNCH_PROP_KEEP      "bulkhead,keep-modules"
#define LAUNCH_PROP_GRANTS    "bulkhead,grants" /* of a domain or /chosen: "RIGHT:DOMAIN", ... */
#define LAUNCH_PROP_HEALTH    "bulkhead,health"
#define LAUNCH_PROP_VERIFY    "bulkhead,verify"
#define LAUNCH_PROP_CPUS      "bulkhead,cpus"
#define LAUNCH_PROP_GUARD     "bulkhead,guard"
#define LAUNCH_PROP_SCHEDULE  "bulkhead,schedule"
#define LAUNCH_PROP_PARTITION "bulkhead,partition"
#define LAUNCH_PROP_PERIOD    "bulkhead,period"
#define LAUNCH_PROP_BUDGET    "bulkhead,budget"
#define LAUNCH_PROP_EXTRA     "bulkhead,extra-time"
#define LAUNCH_PROP_LABEL     "bulkhead,label" /* u32: number of the domain's label in the member BULKHEAD_LABELS_FILE */
#define LAUNCH_PROP_MEMBER    "bulkhead,member"
#define LAUNCH_MAX_DOMAINS    128
#define LAUNCH_MAX_MODULES    4 /* a domain */
#define LAUNCH_MODULE_ALIGN   0x200000u
#define LAUNCH_HEALTH_CELLS   14
#define LAUNCH_VERIFY_ROOM    0x3000u /* of a domain's memory, behind its device tree: what compares its images */

/* Paravirtual devices */
#define LAUNCH_PROP_CONSOLE "bulkhead,console"
#define LAUNCH_PROP_SERVES  "bulkhead,serves"
#define LAUNCH_PROP_BACKEND "bulkhead,backend"
#define LAUNCH_PROP_DISK    "bulkhead,disk"
#define LAUNCH_PROP_DEVICE  "bulkhead,device"
#define LAUNCH_PROP_MAC     "bulkhead,mac"
#define LAUNCH_MAX_CLIENTS  31u /* domains with a ring to the store, or to the console domain */
#define LAUNCH_MAX_DEVICES  64u /* disks and network interfaces of a system */

/* Static event channels and shared memory */
#define LAUNCH_PROP_MIN_INTERVAL "bulkhead,min-interval-ns"
#define LAUNCH_PROP_READ_ONLY    "bulkhead,read-only"
#define LAUNCH_MIN_INTERVAL_MAX  UINT64_C(1000000000) /* ns */
#define LAUNCH_MAX_PORT          1023u                /* of a domain started at boot */
#define LAUNCH_MAX_CHANNEL_ENDS  256u                 /* in a system: two a channel */
#define LAUNCH_MAX_SHARES        32u                  /* regions of a system */
#define LAUNCH_MAX_SHARE_USES    128u                 /* domains that see one, summed over the regions */
#define LAUNCH_SHARE_ID_BYTES    16u                  /* with the NUL, as in Xen */
#define LAUNCH_GUEST_SPACE       (UINT64_C(1) << 40)  /* guest-physical addresses that every CPU has */

#define LAUNCH_MAX_STATIC       8u    /* ranges of static memory a domain */
#define LAUNCH_MAX_VCPUS        1024u /* of all domains together */
#define LAUNCH_POOL_SHARE_PAGES 4u    /* of a domain's page-table pool for a region, and one for each 2 MiB of it */

/* The guest-physical layout of a domain that is not direct-mapped is that of Xen on Arm: the GUEST_* constants of the
 * public header xen/arch-arm.h, which only compiles for Arm; the Boot Domain asserts that these are the same. */
#define LAUNCH_GICD_BASE   UINT64_C(0x03001000)
#define LAUNCH_GICR_BASE   UINT64_C(0x03020000)
#define LAUNCH_PL011_BASE  UINT64_C(0x22000000)
#define LAUNCH_PL011_SIZE  UINT64_C(0x00001000)
#define LAUNCH_GNTTAB_BASE UINT64_C(0x38000000)
#define LAUNCH_GNTTAB_SIZE UINT64_C(0x01000000)
#define LAUNCH_MAGIC_BASE  UINT64_C(0x39000000)
#define LAUNCH_MAGIC_SIZE  UINT64_C(0x01000000)
#define LAUNCH_RAM0_BASE   UINT64_C(0x40000000)
#define LAUNCH_RAM0_SIZE   UINT64_C(0xc0000000)
#define LAUNCH_RAM1_BASE   UINT64_C(0x200000000)
/* What that header does not name is in bulkhead/image.h. */

#endif
