# SPDX-License-Identifier: Apache-2.0
# What the Boot Domain is made of; the tests build the pure part for the workstation from the same lists.
# Pure: no hypercall, no hardware.
set(BOOTDOMAIN_PURE_SOURCES
  archive.c claim.c guest_fdt.c gunzip.c host_tree.c kernel.c kernel_elf.c layout.c order.c passthrough.c plan.c plan_channel.c plan_cpus.c plan_device.c
  plan_domain.c plan_dynamic.c plan_grants.c plan_module.c plan_pool.c plan_rules.c plan_share.c plan_time.c prop.c ranges.c rings.c store_tree.c text.c tree.c sha256.c verify.c)

# What builds domains: of the Boot Domain, and of whoever creates them later (toolstack/create).
set(BOOTDOMAIN_BUILD_SOURCES ${BOOTDOMAIN_PURE_SOURCES} builder.c hand_over.c hyper.c hyper_map.c load.c outside.c rings_make.c window.c
  verify_code.S)

set(BULKHEAD_SOURCES ${CMAKE_SOURCE_DIR}/build/deps/src CACHE PATH "unpacked source packages (scripts/fetch-sources.sh)")
set(fdt ${BULKHEAD_SOURCES}/device-tree-compiler/libfdt)
set(zlib ${BULKHEAD_SOURCES}/zlib)
set(BOOTDOMAIN_FDT_SOURCES
  ${fdt}/fdt.c ${fdt}/fdt_addresses.c ${fdt}/fdt_check.c ${fdt}/fdt_ro.c ${fdt}/fdt_strerror.c ${fdt}/fdt_sw.c)
set(BOOTDOMAIN_ZLIB_SOURCES
  ${zlib}/adler32.c ${zlib}/crc32.c ${zlib}/inffast.c ${zlib}/inflate.c ${zlib}/inftrees.c ${zlib}/zutil.c)
set(BOOTDOMAIN_THIRD_INCLUDES ${fdt} ${zlib})
