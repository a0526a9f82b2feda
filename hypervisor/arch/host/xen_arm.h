/* SPDX-License-Identifier: Apache-2.0 */
/* Included before everything else on the workstation: the Xen public headers in their 64-bit Arm form, whatever the
 * workstation is. */
#ifndef ARCH_HOST_XEN_ARM_H
#define ARCH_HOST_XEN_ARM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma push_macro("__x86_64__")
#pragma push_macro("__i386__")
#pragma push_macro("__aarch64__")
#undef __x86_64__
#undef __i386__
#ifndef __aarch64__
#define __aarch64__ 1
#endif
#include <xen/xen.h>
#include <xen/arch-arm.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/event_channel.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#pragma pop_macro("__x86_64__")
#pragma pop_macro("__i386__")
#pragma pop_macro("__aarch64__")

#endif
