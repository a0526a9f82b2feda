# SPDX-License-Identifier: Apache-2.0
# The modelled machine, relative to hypervisor/arch/host, and what it shares with the real one.
set(HOST_SOURCES console.c machine.c memory.c stage2_model.c)
