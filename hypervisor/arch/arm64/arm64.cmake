# SPDX-License-Identifier: Apache-2.0
set(ARM64_SOURCES
  head.S entry.S early.c efi.c start.c trap.c sysreg_trap.c inject.c psci.c context.c idregs.c debug.c pmu.c vtimer.c
  stage2.c stage2_hw.c cache.c copy.c gic.c uart.c panic.c history.c watchdog.c)
