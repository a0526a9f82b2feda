# SPDX-License-Identifier: Apache-2.0
# The pure part of the Boot Domain for the workstation, with libfdt and zlib from the same sources as on the target.
set(BOOTDOMAIN_DIR ${CMAKE_CURRENT_LIST_DIR})
include(${BOOTDOMAIN_DIR}/sources.cmake)

# bootdomain_host_library(NAME [compile option...])
function(bootdomain_host_library name)
  add_library(${name}_third STATIC ${BOOTDOMAIN_FDT_SOURCES} ${BOOTDOMAIN_ZLIB_SOURCES})
  target_include_directories(${name}_third SYSTEM PUBLIC ${BOOTDOMAIN_THIRD_INCLUDES})
  target_compile_definitions(${name}_third PUBLIC Z_SOLO ZLIB_CONST)
  target_compile_options(${name}_third PRIVATE -w -fno-sanitize=undefined ${ARGN})

  list(TRANSFORM BOOTDOMAIN_PURE_SOURCES PREPEND ${BOOTDOMAIN_DIR}/ OUTPUT_VARIABLE pure)
  add_library(${name} STATIC ${pure})
  target_include_directories(${name} PUBLIC ${BOOTDOMAIN_DIR})
  target_compile_options(${name} PRIVATE ${ARGN})
  target_link_libraries(${name} PUBLIC ${name}_third bulkhead_include xen_headers PRIVATE bulkhead_warnings)
endfunction()
