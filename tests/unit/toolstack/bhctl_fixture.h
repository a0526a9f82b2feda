/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl against the core of arch/host: a Control Domain, a safe domain and one that is not. */
#ifndef TEST_BHCTL_FIXTURE_H
#define TEST_BHCTL_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "bhctl.h"

#define SAID_BYTES 16384

extern struct vcpu *boot;
extern struct vcpu *caller;                 /* of the domain `control` */
extern struct domain *brake, *linux_domain; /* safe; not */
extern char said[SAID_BYTES];               /* by the last command */
extern size_t said_bytes;
extern uint64_t clock_ns, clock_step; /* the time; from one look at the clock to the next */
extern uint64_t quiet_step;           /* the same while nobody else goes on */
extern struct bhctl_port port;

/* Of each test.  control (1) holds what the launch gives it over brake (2) and linux (3, two vCPUs). */
int start(void **state);
/* The Boot Domain says who a domain is. */
void set_identity(uint16_t domid, const char *name, uint16_t role, uint32_t flags);
/* One command. */
enum bhctl_exit run(const char *text);
/* Several, up to NULL: none is how its verb is used. */
void are_usage_errors(const char *const *texts);
#define ARE_USAGE_ERRORS(...) are_usage_errors((const char *const[]){__VA_ARGS__, NULL})

#endif
