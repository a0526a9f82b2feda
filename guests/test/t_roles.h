/* SPDX-License-Identifier: Apache-2.0 */
/* t_roles: what its attacks share. */
#ifndef T_ROLES_H
#define T_ROLES_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/domctl.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OK     0
#define EPERM  (-1)
#define ESRCH  (-3)
#define ENOMEM (-12)
#define EBUSY  (-16)
#define EEXIST (-17)
#define EINVAL (-22)
#define ENOSPC (-28)
#define ENOSYS (-38)

#define PAGE 4096u

extern bool is_control;
extern uint16_t victim; /* of the attempt */
extern uint8_t page[PAGE];
extern struct xen_domctl request;

int64_t domctl(uint32_t cmd, uint16_t domid);
/* XENMEM_populate_physmap or XENMEM_decrease_reservation of one frame: how many were done, or an error. */
int64_t reservation(unsigned int cmd, uint16_t domid, uint64_t gfn);

/* t_roles_every.c */
void every_operation_on_every_victim_is_refused(void);

/* t_roles_create.c */
void nothing_is_created_beyond_what_the_launch_set_aside(void);
void its_own_page_comes_back(void);

#endif
