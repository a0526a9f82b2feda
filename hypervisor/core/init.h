/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_INIT_H
#define CORE_INIT_H

struct board_table;
struct boot_info;

/* The board table that the hypervisor was started with. */
const struct board_table *init_board(void);

/* The Boot Domain, created from what the image brought, and started.  Stops the machine, saying why, when it cannot be.
 * Once, by the boot CPU (core/boot.c). */
void boot_domain_start(const struct boot_info *info);

#endif
