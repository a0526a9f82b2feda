# SPDX-License-Identifier: Apache-2.0
add_library(bulkhead_warnings INTERFACE)
target_compile_options(bulkhead_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
  -Wpointer-arith -Wcast-align -Wwrite-strings -Wimplicit-fallthrough>)

# Xen's public headers (libxen-dev) as system headers: <xen/xen.h> and so on.
add_library(xen_headers INTERFACE)
target_compile_definitions(xen_headers INTERFACE __XEN_TOOLS__=1)
target_include_directories(xen_headers SYSTEM INTERFACE ${BULKHEAD_XEN_INCLUDE})

add_library(bulkhead_include INTERFACE)
target_include_directories(bulkhead_include INTERFACE ${CMAKE_SOURCE_DIR}/include)
