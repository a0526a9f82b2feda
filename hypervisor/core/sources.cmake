# SPDX-License-Identifier: Apache-2.0
# Everything architecture-independent at the hypervisor's level, relative to hypervisor/core.
set(CORE_SOURCES
  argo.c argo_op.c argo_send.c device.c domctl_device.c
  boot.c bulkhead_memory.c bulkhead_op.c bulkhead_static.c console.c console_io.c console_ring.c domain.c domain_life.c domain_reap.c domctl.c
  domctl_build.c evtchn.c evtchn_area.c evtchn_fifo.c evtchn_limit.c evtchn_port.c evtchn_send.c evtchn_static.c frame.c frame_table.c frame_use.c grant_copy.c grant_life.c grant_map.c grant_op.c grant_pin.c
  grant_table.c health.c hvm_op.c hypercall.c init.c label.c launch.c launch_rebuild.c memory_op.c physmap.c pool.c power.c print.c rights.c runstate.c
  sched_op.c seal.c status.c sysctl.c timer.c trace.c upcall.c vcpu.c vcpu_op.c version.c wallclock.c)
