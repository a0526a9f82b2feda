# SPDX-License-Identifier: Apache-2.0
# The run loop and its policies, relative to hypervisor/sched.
set(SCHED_SOURCES arinc653.c pools.c rtds.c run.c share.c)
