# SPDX-License-Identifier: Apache-2.0
# The part of the store that makes no hypercall; the tests build it for the workstation from the same list.
set(STORE_PURE_SOURCES tree.c change.c watch.c name.c node_op.c request.c device.c ring.c console.c)
